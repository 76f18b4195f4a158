// Package adapt_test holds what a Caddyfile becomes: JSON for each option, an
// error with file, line and advice for each mistake. Every case is a file in
// testdata: a Caddyfile, a line of dashes, and what "caddyhub adapt" says to it.
//
//	go test ./tests/adapt -update    # writes what it says now; read the diff
package adapt_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/binary"
)

var update = flag.Bool("update", false, "write the expected results anew")

var caddyhub string

func TestMain(m *testing.M) {
	flag.Parse()
	path, remove, err := binary.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	caddyhub = path
	code := m.Run()
	remove()
	os.Exit(code)
}

// example is a file of testdata.
type example struct {
	name      string
	caddyfile string
	// result is JSON, or the text of an error.
	result string
}

// mistake tells whether the result is an error.
func (e example) mistake() bool { return !strings.HasPrefix(e.result, "{") }

var dashes = regexp.MustCompile(`(?m)^-{10,}\n`)

func examples(t *testing.T) []example {
	t.Helper()
	files, err := filepath.Glob("testdata/*.caddyfiletest")
	if err != nil {
		t.Fatal(err)
	}
	var found []example
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rule := dashes.FindIndex(content)
		if rule == nil {
			t.Fatalf("%s: no line of dashes", file)
		}
		found = append(found, example{
			name:      strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"),
			caddyfile: string(content[:rule[0]]),
			result:    string(content[rule[1]:]),
		})
	}
	if len(found) == 0 {
		t.Fatal("no examples")
	}
	return found
}

// run runs a command of caddyhub over a file, in a folder and environment with
// nothing else in them. The error is what it said, if it failed.
func run(t *testing.T, file, content string, environment []string, args ...string) (string, error) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, file), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), caddyhub, args...)
	command.Dir, command.Env = folder, append([]string{"HOME=" + folder}, environment...)
	command.Stderr = &stderr
	output, err := command.Output()
	checkUntouched(t, folder, file)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err != nil {
		return "", errors.New(message(t, stderr.Bytes()))
	}
	if bytes.Contains(stderr.Bytes(), []byte("not formatted")) {
		t.Errorf("not as caddyhub fmt has it:\n%s", stderr.Bytes())
	}
	return string(output), nil
}

// checkUntouched fails if a command has left something behind in its home.
func checkUntouched(t *testing.T, folder, file string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && path != folder && entry.Name() != file {
			t.Errorf("%s was made", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// message is the error among what was logged: the last line, which is a JSON
// object for Caddy's own errors.
func message(t *testing.T, logged []byte) string {
	t.Helper()
	lines := bytes.Split(bytes.TrimSpace(logged), []byte("\n"))
	last := bytes.TrimPrefix(lines[len(lines)-1], []byte("Error: "))
	var line struct {
		Message string `json:"msg"`
	}
	if json.Unmarshal(last, &line) == nil {
		return line.Message
	}
	return string(last)
}

func TestAdapt(t *testing.T) {
	t.Parallel()
	for _, example := range examples(t) {
		t.Run(example.name, func(t *testing.T) {
			t.Parallel()
			got, err := run(t, "Caddyfile", example.caddyfile, nil, "adapt", "--config", "Caddyfile", "--pretty")
			if err != nil {
				got = err.Error()
			}
			got = strings.TrimSpace(got) + "\n"
			if *update {
				content := example.caddyfile + strings.Repeat("-", 10) + "\n" + got
				if err := os.WriteFile("testdata/"+example.name+".caddyfiletest", []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(example.result, got); diff != "" {
				t.Errorf("(-expected +got):\n%s", diff)
			}
		})
	}
}

// TestMistakesSayWhere wants file and line in every error of ours: a Caddyfile is
// long, and often made of imported parts.
func TestMistakesSayWhere(t *testing.T) {
	t.Parallel()
	where := regexp.MustCompile(`Caddyfile:\d+`)
	for _, example := range examples(t) {
		if example.mistake() && !where.MatchString(example.result) {
			t.Errorf("%s: does not say where: %s", example.name, example.result)
		}
	}
}
