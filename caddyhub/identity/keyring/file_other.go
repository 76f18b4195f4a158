//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package keyring

import (
	"context"
	"io/fs"
)

// lock does nothing here: the file lies beside the embedded store, which one
// process at a time has open.
func lock(context.Context, string) (unlock func(), err error) { return func() {}, nil }

// checkMode knows of no modes here: the file has the access list of its folder.
func checkMode(string, fs.FileInfo) error { return nil }

// syncDirectory does nothing here: directories cannot be synced.
func syncDirectory(string) error { return nil }
