package keyring

import (
	"context"
	"errors"
	"time"
)

// Source is where a ring is kept. Several processes and nodes may use it at once.
type Source interface {
	// Load returns the keys, newest first. Where there is none yet it makes one
	// key and saves it; of several that do so at once, one wins.
	Load(ctx context.Context) ([]Key, error)
	// Read is Load, but where there is none it returns ErrEmpty.
	Read(ctx context.Context) ([]Key, error)
	// Save replaces the keys by what change makes of the stored ones, which are
	// nil where there are none. It returns the keys that are stored then. A
	// change to nil changes nothing. It may call change more than once.
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

// Rotate puts a new key in front of the ring and saves it. It comes into force
// two minutes later; every node must Reload within them. ErrFull when MaxKeys
// are kept; see Drop.
func Rotate(ctx context.Context, source Source, ring *Ring) error {
	return change(ctx, source, ring, func(current *Ring) ([]Key, error) { return current.Rotated() })
}

// Drop removes keys that were replaced before a time. What they sealed never
// opens again, and what they hashed is never found: tokens that were not used
// since then, sessions and auth state older than that.
func Drop(ctx context.Context, source Source, ring *Ring, before time.Time) error {
	return change(ctx, source, ring, func(current *Ring) ([]Key, error) { return current.notReplaced(before), nil })
}

// Reload reads the ring again, to learn of rotations by other nodes. A source
// that has lost the ring gets it back from this one.
func Reload(ctx context.Context, source Source, ring *Ring) error {
	keys, err := source.Read(ctx)
	if errors.Is(err, ErrEmpty) {
		return change(ctx, source, ring, func(current *Ring) ([]Key, error) { return current.Keys(), nil })
	}
	if err != nil {
		return err
	}
	return ring.Replace(keys)
}

// change saves what becomes of the stored ring, or of this one where none is
// stored, and puts it in force here.
func change(ctx context.Context, source Source, ring *Ring, become func(*Ring) ([]Key, error)) error {
	keys, err := source.Save(ctx, func(stored []Key) ([]Key, error) {
		if len(stored) == 0 {
			stored = ring.Keys()
		}
		current, err := New(stored, ring.now)
		if err != nil {
			return nil, err
		}
		return become(current)
	})
	if err != nil {
		return err
	}
	return ring.Replace(keys)
}

// first makes the first key of a ring where there is none.
func first(now func() time.Time) func([]Key) ([]Key, error) {
	return func(stored []Key) ([]Key, error) {
		if len(stored) > 0 {
			return nil, nil
		}
		return []Key{NewKey(now())}, nil
	}
}
