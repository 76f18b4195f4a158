//go:build unix

package osprocess

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Variables writes an environment as the system wants it, in the order of the names.
func Variables(env map[string]string) []string {
	out := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}

// LookUp finds a program in a search path, as execvp(3) does, but never by
// relative paths: they would mean one thing to the hub and another to a child.
func LookUp(name, search string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			return "", fmt.Errorf("program %q is neither a name nor an absolute path: %w", name, os.ErrInvalid)
		}
		return name, executable(name)
	}
	for _, directory := range filepath.SplitList(search) {
		if !filepath.IsAbs(directory) {
			continue
		}
		candidate := filepath.Join(directory, name)
		if executable(candidate) == nil {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("program %q is not in PATH %q: %w", name, search, os.ErrNotExist)
}

func executable(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s is not a program: %w", name, os.ErrPermission)
	}
	return nil
}

// SealDescriptors keeps descriptors that the hub itself was given by its parent
// from being handed on to children. Those that Go opens are sealed from the start.
func SealDescriptors() error {
	entries, err := os.ReadDir(descriptorDir)
	if err != nil {
		return fmt.Errorf("descriptors: %w", err)
	}
	for _, entry := range entries {
		var number int
		if _, err := fmt.Sscan(entry.Name(), &number); err == nil && number > 2 {
			syscall.CloseOnExec(number)
		}
	}
	return nil
}
