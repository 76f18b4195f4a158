//go:build unix

package osprocess

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestLookUp(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]fs.FileMode{"program": 0o755, "text": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	search := ":.:/nowhere:" + dir
	for name, want := range map[string]string{
		"program": filepath.Join(dir, "program"), filepath.Join(dir, "program"): filepath.Join(dir, "program"),
		"text": "", "folder": "", "absent": "", "./program": "", filepath.Join(dir, "text"): "", filepath.Join(dir, "absent"): "",
	} {
		got, err := LookUp(name, search)
		if (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("LookUp(%q): %q, %v, want %q", name, got, err, want)
		}
	}
	if got, err := LookUp("program", ".:"); err == nil {
		t.Errorf("a program of the working directory was found: %q", got)
	}
}

func TestVariables(t *testing.T) {
	got := Variables(map[string]string{"B": "2=3", "A": ""})
	if want := []string{"A=", "B=2=3"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
