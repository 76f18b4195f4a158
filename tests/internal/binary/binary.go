// Package binary finds or builds the caddyhub that black box tests run. They
// all run the same one, built from this checkout; no test calls into its
// packages.
package binary

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Variable names a binary that is built already; make test sets it. Empty means
// that Build builds one.
const Variable = "CADDYHUB_TEST_BINARY"

// Build returns the absolute path of a caddyhub and a function that removes
// what was built for it. Call it once in TestMain: linking takes seconds.
func Build() (path string, remove func(), err error) {
	if path := os.Getenv(Variable); path != "" {
		if path, err = filepath.Abs(path); err != nil {
			return "", nil, err
		}
		if _, err := os.Stat(path); err != nil {
			return "", nil, fmt.Errorf("%s: %w", Variable, err)
		}
		return path, func() {}, nil
	}
	folder, err := os.MkdirTemp("", "caddyhub-test-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(folder) }
	path = filepath.Join(folder, "caddyhub")
	build := exec.Command("go", "build", "-o", path, "github.com/caddyhub/caddyhub/cmd/caddyhub")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		remove()
		return "", nil, fmt.Errorf("building caddyhub: %w", err)
	}
	return path, remove, nil
}
