package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const example = `
caddy_version = "v2.0.0"
build_flags = "-tags 'a b'"

[[plugins]]
module_path = "example.org/one"
version = "v1.2.3"

[[plugins]]
module_path = "example.org/two/modules"

[variants.small]
description = "without two"
plugins = [{ module_path = "example.org/one" }]
race_detector = false
cgo = true
replacements = [{ old = "example.org/one", new = "./one" }]

[variants.bare]
caddy_version = "master"
plugins = []
build_flags = "-x"
`

func write(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "xcaddy.toml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPrint(t *testing.T) {
	tests := []struct{ variant, want string }{
		{"", `XCADDY_GO_BUILD_FLAGS='-tags '\''a b'\''' xcaddy build v2.0.0 --output out/caddy --with example.org/one@v1.2.3 --with example.org/two/modules`},
		{"small", `XCADDY_GO_BUILD_FLAGS='-tags '\''a b'\''' XCADDY_RACE_DETECTOR=0 CGO_ENABLED=1 xcaddy build v2.0.0 --output out/caddy --with example.org/one --replace example.org/one=./one`},
		{"bare", `XCADDY_GO_BUILD_FLAGS=-x xcaddy build master --output out/caddy`},
	}
	file := write(t, example)
	for _, test := range tests {
		t.Run("variant "+test.variant, func(t *testing.T) {
			var stdout bytes.Buffer
			if err := run([]string{"-file", file, "-variant", test.variant, "-output", "out/caddy"}, &stdout, t.Output()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want+"\n", stdout.String()); diff != "" {
				t.Errorf("command (-want +got):\n%s", diff)
			}
		})
	}
}

func TestList(t *testing.T) {
	var stdout bytes.Buffer
	if err := run([]string{"-file", write(t, example), "-list"}, &stdout, t.Output()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("bare: \nsmall: without two\n", stdout.String()); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

// TestRun has a shell run what is printed and the command run it itself, and
// expects one and the same call of xcaddy.
func TestRun(t *testing.T) {
	folder := t.TempDir()
	script := "#!/bin/sh\nprintf '%s\\n' \"$XCADDY_GO_BUILD_FLAGS\" \"$CGO_ENABLED\" \"$@\"\n"
	if err := os.WriteFile(filepath.Join(folder, "xcaddy"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+string(filepath.ListSeparator)+os.Getenv("PATH"))
	args := []string{"-file", write(t, example), "-variant", "small"}

	var printed, direct bytes.Buffer
	if err := run(args, &printed, t.Output()); err != nil {
		t.Fatal(err)
	}
	shell, err := exec.CommandContext(t.Context(), "sh", "-c", printed.String()).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := run(append(args, "-run"), &direct, t.Output()); err != nil {
		t.Fatal(err)
	}
	want := "-tags 'a b'\n1\nbuild\nv2.0.0\n--output\nbin/caddy\n--with\nexample.org/one\n--replace\nexample.org/one=./one\n"
	if diff := cmp.Diff(want, direct.String()); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, string(shell)); diff != "" {
		t.Errorf("printed and run by a shell (-want +got):\n%s", diff)
	}
}

func TestMistakes(t *testing.T) {
	version := "caddy_version = 'v2.0.0'\n"
	tests := []struct{ name, content, want string }{
		{"unknown key", version + "caddy_versoin = 'v2'", "unknown key caddy_versoin"},
		{"unknown key of a plugin", version + "[[plugins]]\nmodule_path = 'a'\nmodule = 'b'", "unknown key plugins.module"},
		{"unknown key of a variant", version + "[variants.a]\ntags = 'b'", "unknown key variants.a.tags"},
		{"variant in a variant", version + "[variants.a.variants.b]\n", "unknown key variants.a.variants"},
		{"no version of Caddy", "build_flags = '-x'", "caddy_version is missing"},
		{"plugin without a path", version + "[[plugins]]\nversion = 'v1'", "give module_path"},
		{"version in the path", version + "[[plugins]]\nmodule_path = 'a@v1'", "give module_path and version by themselves"},
		{"replacement of nothing", version + "[variants.a]\nreplacements = [{ new = '.' }]", "variant a: replacement"},
		{"wrong type", version + "race_detector = 'yes'", "race_detector"},
		{"not TOML", "caddy_version: v2", "xcaddy.toml"},
		{"unknown variant", version + "[variants.a]\n[variants.b]\n", `no variant "missing"; there are a, b`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := run([]string{"-file", write(t, test.content), "-variant", "missing"}, &bytes.Buffer{}, t.Output())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want %q in it", err, test.want)
			}
		})
	}
}
