// Package readme_test runs the documentation: a Caddyfile that is shown is one
// that works, a link leads somewhere, a command that is named exists.
package readme_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/binary"
)

const root = "../.."

var caddyhub string

func TestMain(m *testing.M) {
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

// documents returns the Markdown files that git tracks, relative to the root.
func documents(t *testing.T) []string { return tracked(t, "*.md") }

func tracked(t *testing.T, pattern string) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "ls-files", "--", pattern)
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	found := strings.Fields(string(names))
	if len(found) == 0 {
		t.Fatalf("git tracks no %s", pattern)
	}
	return found
}

func contents(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestBlocks adapts every block of a Markdown file that is marked caddyfile.
func TestBlocks(t *testing.T) {
	t.Parallel()
	for _, document := range documents(t) {
		for _, block := range blocks(contents(t, document), "caddyfile") {
			t.Run(fmt.Sprintf("%s:%d", document, block.line), func(t *testing.T) {
				t.Parallel()
				adapt(t, block.content)
			})
		}
	}
}

// TestFiles adapts every Caddyfile that is ready to run.
func TestFiles(t *testing.T) {
	t.Parallel()
	for _, name := range append(tracked(t, "caddyfiles/*Caddyfile"), tracked(t, "examples/*Caddyfile")...) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			adapt(t, contents(t, name))
		})
	}
}

// adapt runs caddyhub adapt and caddyhub fmt over a Caddyfile, in an empty
// folder and environment: neither may need files, a network or a setting.
func adapt(t *testing.T, caddyfile string) {
	t.Helper()
	folder := t.TempDir()
	run := func(stdin string, args ...string) string {
		t.Helper()
		var stderr strings.Builder
		command := exec.CommandContext(t.Context(), caddyhub, args...)
		command.Dir, command.Env = folder, []string{"HOME=" + folder}
		command.Stdin, command.Stderr = strings.NewReader(stdin), &stderr
		output, err := command.Output()
		if err != nil {
			t.Fatalf("caddyhub %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
		}
		return string(output)
	}
	if err := os.WriteFile(filepath.Join(folder, "Caddyfile"), []byte(caddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	run("", "adapt", "--config", "Caddyfile")
	if diff := cmp.Diff(run(caddyfile, "fmt", "-"), caddyfile); diff != "" {
		t.Errorf("not as caddyhub fmt has it (-formatted +shown):\n%s", diff)
	}
}

// block is a fenced block of a Markdown file; line is where its content begins.
type block struct {
	line    int
	content string
}

// blocks returns the fenced blocks in a language.
func blocks(markdown, language string) []block {
	var found []block
	var open *block
	for number, line := range strings.Split(markdown, "\n") {
		switch {
		case open == nil && strings.TrimSpace(line) == "```"+language:
			open = &block{line: number + 2}
		case open != nil && strings.TrimSpace(line) == "```":
			found = append(found, *open)
			open = nil
		case open != nil:
			open.content += line + "\n"
		}
	}
	return found
}

func TestBlocksAreFound(t *testing.T) {
	t.Parallel()
	markdown := "text\n```caddyfile\na\n\tb\n```\n```sh\nno\n```\n```caddyfile\nc\n```\n```caddyfile\nnever closed\n"
	want := []block{{3, "a\n\tb\n"}, {10, "c\n"}}
	if diff := cmp.Diff(want, blocks(markdown, "caddyfile"), cmp.AllowUnexported(block{})); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
	if len(blocks(contents(t, "README.md"), "caddyfile")) == 0 {
		t.Error("README.md shows no Caddyfile")
	}
}

var (
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	target = regexp.MustCompile("(?m)(?:^|`)make ([a-z]+)")
)

// TestLinks follows every link to a file of this repository.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, document := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(contents(t, document), -1) {
			if strings.Contains(match[1], "://") || strings.HasPrefix(match[1], "mailto:") {
				continue
			}
			name, anchor, _ := strings.Cut(match[1], "#")
			if name == "" {
				name = filepath.Base(document)
			}
			path := filepath.Join(filepath.Dir(document), name)
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s: link to %s: %v", document, match[1], err)
				continue
			}
			if anchor != "" && !hasHeading(contents(t, path), anchor) {
				t.Errorf("%s: link to %s: no such heading", document, match[1])
			}
		}
	}
}

// hasHeading says whether a heading has the anchor that GitHub gives it.
func hasHeading(markdown, anchor string) bool {
	for line := range strings.SplitSeq(markdown, "\n") {
		heading := strings.TrimLeft(line, "#")
		if heading == line {
			continue
		}
		slug := strings.Map(func(r rune) rune {
			if r == ' ' {
				return '-'
			}
			if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_", r) {
				return r
			}
			return -1
		}, strings.ToLower(strings.TrimSpace(heading)))
		if slug == anchor {
			return true
		}
	}
	return false
}

// TestTargets wants every make target that a document names in the Makefile.
func TestTargets(t *testing.T) {
	t.Parallel()
	makefile := "\n" + contents(t, "Makefile")
	for _, document := range documents(t) {
		for _, match := range target.FindAllStringSubmatch(contents(t, document), -1) {
			if !strings.Contains(makefile, "\n"+match[1]+":") {
				t.Errorf("%s: make %s: the Makefile has no such target", document, match[1])
			}
		}
	}
}
