package jwks

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var (
	testSecret = []byte("0123456789abcdef0123456789abcdef")
	start      = time.Unix(1e9, 0)
	rsaKey     = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey      = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	edKey      = sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(testSecret) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type claims = map[string]any

// lasting returns claims of ada that last a minute, changed by others; nil takes a
// claim away.
func lasting(changes claims) claims {
	c := claims{"sub": "ada", "iss": "portal", "aud": "hub", "iat": start.Unix(), "exp": start.Add(time.Minute).Unix(), "jti": "1"}
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func sign(t testing.TB, method jwt.SigningMethod, key any, c claims, header claims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims(c))
	for name, value := range header {
		token.Header[name] = value
	}
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// raw puts a token together as it comes.
func raw(header, payload, signature string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode([]byte(payload)) + "." + encode([]byte(signature))
}

func pemOf(t testing.TB, public crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func verifier(t testing.TB, o Options) *Verifier {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return start }
	}
	v, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func expected() Expected {
	return Expected{Issuer: "portal", Audience: "hub", MaxLifetime: time.Minute}
}

// leaks tells whether a text has a piece of a token that tells it from others.
func leaks(text, token string) bool {
	for _, part := range strings.Split(token, ".") {
		if len(part) > 12 && strings.Contains(text, part) {
			return true
		}
	}
	return false
}

func encodeJSON(v any) string {
	return string(must(json.Marshal(v)))
}
