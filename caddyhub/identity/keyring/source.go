package keyring

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// MinSecret is how long the secret from the environment must be, in bytes: it
// is all that stands between a copy of the store and the keys in it.
const MinSecret = 32

// Source is where a ring is kept.
type Source interface {
	// Load returns the keys, newest first. Where there is none yet it makes one
	// key and saves it; of several nodes that do so at once, one wins.
	Load(ctx context.Context) ([]Key, error)
	// Save replaces the keys if they are still the ones that change was given.
	// It may call change again when another node was faster.
	Save(ctx context.Context, change func([]Key) ([]Key, error)) ([]Key, error)
}

// Open loads the ring from its source.
func Open(ctx context.Context, source Source, now func() time.Time) (*Ring, error) {
	keys, err := source.Load(ctx)
	if err != nil {
		return nil, err
	}
	return New(keys, now)
}

// Rotate puts a new key in front of the ring and saves it.
func Rotate(ctx context.Context, source Source, ring *Ring) error {
	keys, err := source.Save(ctx, func(stored []Key) ([]Key, error) {
		if err := ring.Replace(stored); err != nil {
			return nil, err
		}
		return ring.Rotated()
	})
	if err != nil {
		return err
	}
	return ring.Replace(keys)
}

// Reload reads the ring again, to learn of rotations by other nodes.
func Reload(ctx context.Context, source Source, ring *Ring) error {
	keys, err := source.Load(ctx)
	if err != nil {
		return err
	}
	return ring.Replace(keys)
}

// File keeps the ring in a file that only its owner can read (mode 0600).
type File struct {
	// Path of the file; its directory is created with mode 0700.
	Path string
	// Now is the clock.
	Now func() time.Time
}

// Load implements Source. A file that others may read is refused: its keys
// must be taken as known to them.
func (f File) Load(context.Context) ([]Key, error) {
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	file, err := os.Open(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return f.create()
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("keyring: %s has mode %04o: others could read the keys; make it 0600 and rotate the keys",
			f.Path, info.Mode().Perm())
	}
	var keys []Key
	if err := json.NewDecoder(file).Decode(&keys); err != nil {
		return nil, fmt.Errorf("keyring: %s is damaged: %w", f.Path, err)
	}
	return keys, nil
}

// Save implements Source. The file is locked meanwhile and replaced as a whole.
func (f File) Save(ctx context.Context, change func([]Key) ([]Key, error)) ([]Key, error) {
	lock, err := os.OpenFile(f.Path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("keyring: lock: %w", err)
	}
	keys, err := f.Load(ctx)
	if err != nil {
		return nil, err
	}
	if keys, err = change(keys); err != nil {
		return nil, err
	}
	temporary, err := f.write(keys)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(temporary, f.Path); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return keys, nil
}

// create makes the first key. Linking a finished file into place cannot
// overwrite one that another process has just made.
func (f File) create() ([]Key, error) {
	keys := []Key{NewKey(f.Now())}
	temporary, err := f.write(keys)
	if err != nil {
		return nil, err
	}
	defer os.Remove(temporary)
	if err := os.Link(temporary, f.Path); errors.Is(err, fs.ErrExist) {
		return f.Load(context.Background())
	} else if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return keys, nil
}

func (f File) write(keys []Key) (path string, err error) {
	text, err := json.Marshal(keys)
	if err != nil {
		return "", fmt.Errorf("keyring: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(f.Path), ".keys-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("keyring: %w", err)
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		os.Remove(file.Name())
		return "", fmt.Errorf("keyring: %w", err)
	}
	return file.Name(), nil
}

// Stored keeps the ring in the store that the nodes share, sealed by a secret
// that is not in the store.
type Stored struct {
	// Store holds the record.
	Store store.Store
	// Secret seals it: at least MinSecret bytes, the same on every node.
	Secret []byte
	// Now is the clock.
	Now func() time.Time
}

// sealedRing is the record of the ring.
type sealedRing struct {
	Sealed []byte `json:"sealed"`
}

var rings = store.Collection[sealedRing]{Kind: "keyring"}

const ringID = "ring"

// Load implements Source.
func (s Stored) Load(ctx context.Context) ([]Key, error) {
	return s.Save(ctx, func(keys []Key) ([]Key, error) {
		if len(keys) == 0 {
			return []Key{NewKey(s.Now())}, nil
		}
		return nil, nil
	})
}

// Save implements Source. A change that returns no keys changes nothing.
func (s Stored) Save(ctx context.Context, change func([]Key) ([]Key, error)) ([]Key, error) {
	if len(s.Secret) < MinSecret {
		return nil, fmt.Errorf("keyring: the secret that seals the keys must be at least %d bytes long", MinSecret)
	}
	sealer, err := s.sealer()
	if err != nil {
		return nil, err
	}
	var keys []Key
	err = s.Store.Update(ctx, func(w store.Writer) error {
		keys = nil
		stored, found, err := rings.Find(w, ringID)
		if err != nil {
			return err
		}
		if found {
			if keys, err = openRing(sealer, stored); err != nil {
				return err
			}
		}
		changed, err := change(keys)
		if err != nil || changed == nil {
			return err
		}
		keys = changed
		text, err := json.Marshal(keys)
		if err != nil {
			return err
		}
		return rings.Put(w, ringID, sealedRing{sealer.Seal("ring", text, nil)}, time.Time{})
	})
	return keys, err
}

func openRing(sealer *Ring, stored sealedRing) ([]Key, error) {
	text, err := sealer.Open("ring", stored.Sealed, nil)
	if err != nil {
		return nil, errors.New("keyring: the keys in the store were sealed with another secret than this node has")
	}
	var keys []Key
	if err := json.Unmarshal(text, &keys); err != nil {
		return nil, fmt.Errorf("keyring: damaged record: %w", err)
	}
	return keys, nil
}

// sealer is a ring of one key, made of the secret.
func (s Stored) sealer() (*Ring, error) {
	master, err := hkdf.Key(sha256.New, s.Secret, nil, "caddyhub key ring in the store", masterLength)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return New([]Key{{ID: 1, Secret: master}}, s.Now)
}
