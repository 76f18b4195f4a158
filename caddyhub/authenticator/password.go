package authenticator

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

// Passwords compares passwords from a configuration with what people type, in a
// time that depends on the typed one alone: not on how much of it is right, nor
// on the length of the right one. It keeps no password, only keyed digests with a
// key that dies with the process.
type Passwords struct{ key []byte }

// Digest stands for a password among the same Passwords. The zero Digest stands
// for none and equals nothing, itself included.
type Digest struct {
	sum [sha256.Size]byte
	set int // 1 or 0
}

// NewPasswords makes a key.
func NewPasswords() Passwords {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails: the program ends before it does
	return Passwords{key: key}
}

// Digest returns the digest of a password. The empty password is none.
func (p Passwords) Digest(password string) Digest {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(password))
	d := Digest{set: 1}
	if password == "" {
		d.set = 0
	}
	mac.Sum(d.sum[:0])
	return d
}

// Equal returns 1 if both stand for the same password, else 0, for use with
// package crypto/subtle.
func (d Digest) Equal(other Digest) int {
	return subtle.ConstantTimeCompare(d.sum[:], other.sum[:]) & d.set & other.set
}
