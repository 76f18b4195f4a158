// Package keyring holds the keys that protect what the hub stores and hands out.
//
// A ring is a short list of 32-byte master keys. The newest one in force makes
// new hashes and seals; all others still verify and open, so that a rotation
// breaks nothing. From each master key a key of its own is derived for every
// purpose (HKDF-SHA-256, RFC 5869): what was made for one purpose is worthless
// for another.
//
// Guarantees: a sealed text opens only under the purpose and the additional data
// it was sealed with (AES-256-GCM, random nonce); comparisons take constant time;
// no key ever appears in an error or in what String prints.
package keyring

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// MaxKeys bounds the ring: every verification may have to try each key.
const MaxKeys = 16

// settle is how long a rotated key is known before it is used, so that every
// node has read it by the time the first text sealed with it arrives.
const settle = 2 * time.Minute

const (
	masterLength = 32
	nonceLength  = 12
	idLength     = 4
)

var (
	// ErrSealed says that a sealed text does not open: it was changed, it was
	// made for another purpose, or its key is gone.
	ErrSealed = errors.New("keyring: the text does not open")
	// ErrFull says that the ring holds MaxKeys keys already.
	ErrFull = errors.New("keyring: full; drop old keys first")
	// ErrEmpty says that a ring without a key was loaded.
	ErrEmpty = errors.New("keyring: no key")
)

// Key is one master key. It prints as its id.
type Key struct {
	// ID tells keys apart; it is part of every sealed text and no secret.
	ID uint32 `json:"id"`
	// Secret is 32 random bytes.
	Secret []byte `json:"secret"`
	// From is when the key comes into force for making; it verifies at once.
	From time.Time `json:"from"`

	// derived is set while the key is in a ring.
	derived *derived
}

// String hides the secret.
func (k Key) String() string { return fmt.Sprintf("key %08x", k.ID) }

// GoString hides the secret.
func (k Key) GoString() string { return k.String() }

// LogValue hides the secret.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// NewKey draws a key that is in force from the given time.
func NewKey(from time.Time) Key {
	secret := make([]byte, masterLength+idLength)
	rand.Read(secret)
	return Key{
		ID:     binary.BigEndian.Uint32(secret[masterLength:]),
		Secret: secret[:masterLength:masterLength],
		From:   from.UTC(),
	}
}

// Ring makes and verifies. All methods may be called from any goroutine.
type Ring struct {
	now  func() time.Time
	keys atomic.Pointer[[]Key] // newest first
}

// New makes a ring of the given keys, in any order. Now is the clock.
func New(keys []Key, now func() time.Time) (*Ring, error) {
	ring := &Ring{now: now}
	if err := ring.Replace(keys); err != nil {
		return nil, err
	}
	return ring, nil
}

// Replace exchanges the keys, after a rotation by this node or by another.
func (r *Ring) Replace(keys []Key) error {
	if len(keys) == 0 {
		return ErrEmpty
	}
	if len(keys) > MaxKeys {
		return ErrFull
	}
	for _, key := range keys {
		if len(key.Secret) != masterLength {
			return fmt.Errorf("keyring: key %08x is not %d bytes long", key.ID, masterLength)
		}
	}
	sorted := make([]Key, len(keys))
	for i, key := range keys {
		secret := slices.Clone(key.Secret)
		sorted[i] = Key{ID: key.ID, Secret: secret, From: key.From, derived: deriveFrom(secret)}
	}
	slices.SortStableFunc(sorted, func(a, b Key) int { return b.From.Compare(a.From) })
	if before := r.keys.Load(); before == nil || !slices.EqualFunc(*before, sorted, Key.equal) {
		r.keys.Store(&sorted)
	}
	return nil
}

func (k Key) equal(other Key) bool {
	return k.ID == other.ID && k.From.Equal(other.From) && subtle.ConstantTimeCompare(k.Secret, other.Secret) == 1
}

// InForce stands for a state of the ring: equal ones mean that the same keys
// verify and the same one makes.
type InForce struct {
	keys    *[]Key
	current int
}

// InForce is the state of the ring now, for those who remember what they have
// verified.
func (r *Ring) InForce() InForce {
	keys := r.keys.Load()
	return InForce{keys, r.inForce(*keys)}
}

// Keys returns a copy of the keys, newest first, for a source to save.
func (r *Ring) Keys() []Key { return slices.Clone(*r.keys.Load()) }

// notReplaced are the keys that were not replaced before a time: all that made
// anything since then.
func (r *Ring) notReplaced(before time.Time) []Key {
	keys := r.Keys()
	for i := range keys[1:] {
		if keys[i].From.Before(before) {
			return keys[:i+1]
		}
	}
	return keys
}

// Rotated returns the keys with a new one in front, which comes into force when
// every node has had time to read it. The ring itself does not change.
func (r *Ring) Rotated() ([]Key, error) {
	keys := r.Keys()
	if len(keys) == MaxKeys {
		return nil, ErrFull
	}
	return append([]Key{NewKey(r.now().Add(settle))}, keys...), nil
}

// MAC authenticates parts for a purpose with the key in force (HMAC-SHA-256).
// Each part is counted with its length, so that parts cannot run together.
func (r *Ring) MAC(purpose string, parts ...[]byte) []byte {
	return r.current().derived.mac(purpose, parts)
}

// MACs is MAC under every key of the ring, the one in force first, to look up
// what may have been stored before a rotation.
func (r *Ring) MACs(purpose string, parts ...[]byte) [][]byte {
	keys := *r.keys.Load()
	current := r.inForce(keys)
	macs := make([][]byte, 1, len(keys))
	macs[0] = keys[current].derived.mac(purpose, parts)
	for i, key := range keys {
		if i != current {
			macs = append(macs, key.derived.mac(purpose, parts))
		}
	}
	return macs
}

// Verify says whether mac is the MAC of the parts under any key of the ring.
func (r *Ring) Verify(purpose string, mac []byte, parts ...[]byte) bool {
	for _, key := range *r.keys.Load() {
		if hmac.Equal(mac, key.derived.mac(purpose, parts)) {
			return true
		}
	}
	return false
}

// Seal encrypts a text for a purpose. The additional data (the record's key,
// say) is not in the result but must be the same when it is opened.
func (r *Ring) Seal(purpose string, text, additional []byte) []byte {
	key := r.current()
	aead := key.derived.sealFor(purpose)
	sealed := make([]byte, idLength+nonceLength, idLength+nonceLength+len(text)+aead.Overhead())
	binary.BigEndian.PutUint32(sealed, key.ID)
	rand.Read(sealed[idLength:])
	return aead.Seal(sealed, sealed[idLength:idLength+nonceLength], text, additional)
}

// Open decrypts what Seal made, or returns ErrSealed.
func (r *Ring) Open(purpose string, sealed, additional []byte) ([]byte, error) {
	if len(sealed) < idLength+nonceLength {
		return nil, ErrSealed
	}
	id := binary.BigEndian.Uint32(sealed)
	for _, key := range *r.keys.Load() {
		if key.ID != id {
			continue
		}
		nonce, body := sealed[idLength:idLength+nonceLength], sealed[idLength+nonceLength:]
		if text, err := key.derived.sealFor(purpose).Open(nil, nonce, body, additional); err == nil {
			return text, nil
		}
	}
	return nil, ErrSealed
}

// String hides the keys from logs.
func (r *Ring) String() string { return fmt.Sprintf("keyring of %d keys", len(*r.keys.Load())) }

func (r *Ring) current() Key {
	keys := *r.keys.Load()
	return keys[r.inForce(keys)]
}

// inForce is the index of the newest key in force; of keys that are all in the
// future (a clock set back) that of the oldest.
func (r *Ring) inForce(keys []Key) int {
	oldest := len(keys) - 1
	for i, key := range keys[:oldest] {
		if !key.From.After(r.now()) {
			return i
		}
	}
	return oldest // whatever the clock says
}

// RandomToken returns n random bytes from crypto/rand as URL-safe base64
// without padding.
func RandomToken(n int) string {
	random := make([]byte, n)
	rand.Read(random)
	return base64.RawURLEncoding.EncodeToString(random)
}
