package identitytoken

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// Algorithm is how tokens are signed, by its name in RFC 7518 and RFC 8037.
type Algorithm string

const (
	// ES256 is ECDSA over P-256 with SHA-256, which every library knows.
	ES256 Algorithm = "ES256"
	// EdDSA is Ed25519: shorter to verify, and younger.
	EdDSA Algorithm = "EdDSA"
	// DefaultAlgorithm is for who did not choose.
	DefaultAlgorithm = ES256
)

// Algorithms are all that there are, by name.
var Algorithms = []string{string(ES256), string(EdDSA)}

// ErrAlgorithm says that there is no such algorithm.
var ErrAlgorithm = errors.New("identitytoken: unknown algorithm")

// method is the one of the library; nil for an unknown algorithm.
func (a Algorithm) method() jwt.SigningMethod {
	switch a {
	case ES256:
		return jwt.SigningMethodES256
	case EdDSA:
		return jwt.SigningMethodEdDSA
	}
	return nil
}

// generate draws a key.
func (a Algorithm) generate() (crypto.Signer, error) {
	switch a {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("%w %q", ErrAlgorithm, string(a))
}

// parse reads a private key as PKCS #8 (RFC 5958) and holds it to be one of this
// algorithm. Errors do not quote it.
func (a Algorithm) parse(text []byte) (crypto.Signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(text)
	if err != nil {
		return nil, errors.New("identitytoken: a private key in the store is damaged")
	}
	switch key := parsed.(type) {
	case *ecdsa.PrivateKey:
		if a == ES256 && key.Curve == elliptic.P256() {
			return key, nil
		}
	case ed25519.PrivateKey:
		if a == EdDSA {
			return key, nil
		}
	}
	return nil, fmt.Errorf("%w: a key in the store is not one for %q", ErrAlgorithm, string(a))
}
