package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// derived are the keys that were derived from one master key, ready for use. They
// go with it when it is dropped.
type derived struct {
	secret []byte

	mu    sync.RWMutex
	macs  map[string]*sync.Pool // purpose -> *mac
	seals map[string]cipher.AEAD
}

// mac is a keyed hash with room for what is hashed besides the parts.
type mac struct {
	hash.Hash
	length [8]byte
}

func deriveFrom(secret []byte) *derived {
	return &derived{secret: secret, macs: make(map[string]*sync.Pool), seals: make(map[string]cipher.AEAD)}
}

// macFor are the hashes for a purpose, which many requests use at once.
func (d *derived) macFor(purpose string) *sync.Pool {
	return find(d, purpose, d.macs, func() *sync.Pool {
		key := d.key("mac " + purpose)
		return &sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }}
	})
}

// sealFor is the cipher for a purpose.
func (d *derived) sealFor(purpose string) cipher.AEAD {
	return find(d, purpose, d.seals, func() cipher.AEAD {
		block, err := aes.NewCipher(d.key("seal " + purpose))
		if err == nil {
			var aead cipher.AEAD
			if aead, err = cipher.NewGCM(block); err == nil {
				return aead
			}
		}
		// Only a key of another length could lead here.
		panic("keyring: " + err.Error())
	})
}

// find looks something up that is made on first use.
func find[V any](d *derived, purpose string, known map[string]V, make func() V) V {
	d.mu.RLock()
	value, found := known[purpose]
	d.mu.RUnlock()
	if found {
		return value
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if value, found = known[purpose]; !found {
		value = make()
		known[purpose] = value
	}
	return value
}

func (d *derived) key(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, d.secret, nil, "caddyhub "+purpose, sha256.Size)
	if err != nil {
		panic("keyring: " + err.Error())
	}
	return key
}

// mac is the MAC of parts, each counted with its length.
func (d *derived) mac(purpose string, parts [][]byte) []byte {
	pool := d.macFor(purpose)
	mac := pool.Get().(*mac)
	defer pool.Put(mac)
	mac.Reset()
	for _, part := range parts {
		binary.BigEndian.PutUint64(mac.length[:], uint64(len(part)))
		mac.Write(mac.length[:])
		mac.Write(part)
	}
	return mac.Sum(nil)
}
