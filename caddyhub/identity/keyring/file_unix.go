//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package keyring

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// lockPause is how often a lock that another process holds is tried again.
const lockPause = 10 * time.Millisecond

// lock takes a lock between processes. It ends with the process that holds it.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil // which unlocks
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("keyring: lock %s: %w", path, err), file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("keyring: another process holds %s: %w", path, ctx.Err()), file.Close())
		case <-time.After(lockPause):
		}
	}
}

// checkMode refuses a file that others than its owner can read or write.
func checkMode(path string, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("keyring: %s has mode %04o: others could read the keys; make it 0600 and rotate the keys", path, mode)
	}
	return nil
}

// syncDirectory makes a rename in a directory durable.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
