package main

import (
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../../"

// TestRepository holds the manifest of this repository to what make build does:
// two ways to build must not give two programs.
func TestRepository(t *testing.T) {
	m, err := readManifest(root + "xcaddy.toml")
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(root + "go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`(?m)^\s*github\.com/caddyserver/caddy/v2 (\S+)`).FindSubmatch(module)
	if required == nil {
		t.Fatal("go.mod does not require Caddy")
	}
	if got, want := m.CaddyVersion, string(required[1]); got != want {
		t.Errorf("caddy_version = %q, but go.mod has %q", got, want)
	}
	var plugins []string
	for _, p := range m.Plugins {
		plugins = append(plugins, p.ModulePath)
	}
	if diff := cmp.Diff(blankImports(t, root+"cmd/caddyhub/main.go"), plugins); diff != "" {
		t.Errorf("plugins are not what cmd/caddyhub imports (-imports +manifest):\n%s", diff)
	}
	for name := range m.Variants {
		if b, err := m.variant(name); err != nil || b.CaddyVersion != m.CaddyVersion {
			t.Errorf("variant %s: another Caddy than go.mod: %q, %v", name, b.CaddyVersion, err)
		}
	}
}

// blankImports returns what a file imports for its effects, without the modules
// of Caddy itself: xcaddy adds those.
func blankImports(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range parsed.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if spec.Name != nil && spec.Name.Name == "_" && !strings.HasPrefix(path, "github.com/caddyserver/") {
			paths = append(paths, path)
		}
	}
	return paths
}
