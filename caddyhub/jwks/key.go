package jwks

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// minSecret is the size of a SHA-256, below which RFC 7518, section 3.2 calls a
// secret too short for HS256: a shorter one is guessed offline from one token.
const minSecret = 32

// minModulus is the least size of an RSA key in bits (RFC 7518, section 3.3).
const minModulus = 2048

// secret is one shared secret. It has no name, so any key id may stand for it.
type secret []byte

func newSecret(value []byte) (secret, error) {
	if len(value) < minSecret {
		return nil, errors.New("jwks: the shared secret is shorter than 32 bytes")
	}
	// Everybody has the public key, and could sign with it as a secret.
	if bytes.Contains(value, []byte("-----BEGIN ")) {
		return nil, errors.New("jwks: the shared secret is a key in PEM: configure it as one")
	}
	return bytes.Clone(value), nil
}

func (s secret) find(_ context.Context, _, algorithm string) ([]jwt.VerificationKey, error) {
	if !slices.Contains([]string{"HS256", "HS384", "HS512"}, algorithm) {
		return nil, nil
	}
	return []jwt.VerificationKey{[]byte(s)}, nil
}

// key is a public key and what it may be used for.
type key struct {
	id         string // empty: it has no name
	public     crypto.PublicKey
	algorithms []string
}

// newKey pins the algorithms of a key: those that fit it, and of them the one that
// its owner named, if he did.
func newKey(id, algorithm string, public crypto.PublicKey) (key, error) {
	fit := algorithmsFor(public)
	if algorithm != "" {
		fit = slices.DeleteFunc(fit, func(a string) bool { return a != algorithm })
	}
	if len(fit) == 0 {
		return key{}, errors.New("no algorithm fits the key: RSA of 2048 bits and more, the curves P-256, P-384 and P-521, and Ed25519 can be used")
	}
	return key{id: id, public: public, algorithms: fit}, nil
}

func algorithmsFor(public crypto.PublicKey) []string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() >= minModulus {
			return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		case elliptic.P521():
			return []string{"ES512"}
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	return nil
}

// keySet are public keys that are trusted alike.
type keySet []key

func (s keySet) find(_ context.Context, id, algorithm string) ([]jwt.VerificationKey, error) {
	return s.fitting(id, algorithm), nil
}

// fitting returns the keys of that name. A token without a key id may be of any,
// and a key without one may have signed any token.
func (s keySet) fitting(id, algorithm string) []jwt.VerificationKey {
	var found []jwt.VerificationKey
	for _, k := range s {
		if (id == "" || k.id == "" || id == k.id) && slices.Contains(k.algorithms, algorithm) {
			found = append(found, k.public)
		}
	}
	return found
}
