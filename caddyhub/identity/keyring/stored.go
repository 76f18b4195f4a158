package keyring

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// MinSecret is how long the secret from the environment must be, in bytes: it
// is all that stands between a copy of the store and the keys in it.
const MinSecret = 32

// ErrSecret says that the secret is too short, or not the one that the ring in
// the store was sealed with.
var ErrSecret = errors.New("keyring: secret")

// Stored keeps the ring in the store that the nodes share, sealed by a secret
// that is not in the store.
type Stored struct {
	// Store holds the record.
	Store store.Store
	// Secret seals it: at least MinSecret bytes, random, the same on every node.
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

// String hides the secret.
func (s Stored) String() string { return "keyring in the store" }

// GoString hides the secret.
func (s Stored) GoString() string { return s.String() }

// Load implements Source.
func (s Stored) Load(ctx context.Context) ([]Key, error) {
	keys, err := s.Read(ctx)
	if errors.Is(err, ErrEmpty) {
		return s.Save(ctx, first(s.Now))
	}
	return keys, err
}

// Read implements Source.
func (s Stored) Read(ctx context.Context) (keys []Key, err error) {
	sealer, err := s.sealer()
	if err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(r store.Reader) error {
		keys, err = readRing(r, sealer)
		return err
	})
	if err == nil && len(keys) == 0 {
		err = fmt.Errorf("%w in the store", ErrEmpty)
	}
	return keys, err
}

// Save implements Source.
func (s Stored) Save(ctx context.Context, change func([]Key) ([]Key, error)) (keys []Key, err error) {
	sealer, err := s.sealer()
	if err != nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(w store.Writer) error {
		if keys, err = readRing(w, sealer); err != nil {
			return err
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
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// readRing returns the stored keys, none if there is no ring.
func readRing(r store.Reader, sealer *Ring) ([]Key, error) {
	stored, found, err := rings.Find(r, ringID)
	if err != nil || !found {
		return nil, err
	}
	text, err := sealer.Open("ring", stored.Sealed, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: the keys in the store were sealed with another one than this node has", ErrSecret)
	}
	var keys []Key
	if err := json.Unmarshal(text, &keys); err != nil {
		return nil, errors.New("keyring: the record of the keys is damaged")
	}
	return keys, nil
}

// sealer is a ring of one key, made of the secret.
func (s Stored) sealer() (*Ring, error) {
	if len(s.Secret) < MinSecret {
		return nil, fmt.Errorf("%w: what seals the keys must be at least %d bytes long", ErrSecret, MinSecret)
	}
	master, err := hkdf.Key(sha256.New, s.Secret, nil, "caddyhub key ring in the store", masterLength)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return New([]Key{{ID: 1, Secret: master}}, s.Now)
}
