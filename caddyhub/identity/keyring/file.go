package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// maxFile is the greatest file that can be a ring.
const maxFile = 1 << 20

// File keeps the ring in a file that only its owner can read (mode 0600). A
// process that dies while it writes leaves the file as it was.
type File struct {
	// Path of the file; its directory is created with mode 0700. Beside it come
	// Path.lock, and for a moment Path.new.
	Path string
	// Now is the clock.
	Now func() time.Time
}

// Load implements Source. A file that others may read is refused: its keys
// must be taken as known to them.
func (f File) Load(ctx context.Context) ([]Key, error) {
	keys, err := f.Read(ctx)
	if errors.Is(err, ErrEmpty) {
		return f.Save(ctx, first(f.Now))
	}
	return keys, err
}

// Read implements Source. It writes nothing and takes no lock, so the file may
// be where this process cannot write.
func (f File) Read(context.Context) ([]Key, error) {
	file, err := os.Open(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w in %s", ErrEmpty, f.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if err := checkMode(f.Path, info); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	var keys []Key
	if err := json.Unmarshal(text, &keys); err != nil || len(keys) == 0 {
		// Without the text of the error, which may quote the file.
		return nil, fmt.Errorf("keyring: %s is damaged; restore it from a backup, for without it no token or session is valid", f.Path)
	}
	return keys, nil
}

// Save implements Source. The file is locked meanwhile and replaced as a whole.
func (f File) Save(ctx context.Context, change func([]Key) ([]Key, error)) ([]Key, error) {
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	unlock, err := lock(ctx, f.Path+".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	stored, err := f.Read(ctx)
	if err != nil && !errors.Is(err, ErrEmpty) {
		return nil, err
	}
	changed, err := change(stored)
	if err != nil || changed == nil {
		return stored, err
	}
	if err := f.replace(changed); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return changed, nil
}

// replace writes a new file and moves it into place, under the lock. Both are on
// disk when it returns.
func (f File) replace(keys []Key) (err error) {
	text, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	temporary := f.Path + ".new"
	// One that a dead process has left.
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(temporary, f.Path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return syncDirectory(filepath.Dir(f.Path))
}
