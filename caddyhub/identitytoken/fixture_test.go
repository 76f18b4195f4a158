package identitytoken

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/redis/go-redis/v9/logging"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

func TestMain(m *testing.M) {
	logging.Disable()
	os.Exit(m.Run())
}

const (
	hub = "https://hub.example.org/hub"
	app = "https://grafana.example.org"
)

var ada = Subject{Kind: "user", Name: "ada", Groups: []string{"astro", "staff"}, Login: "1"}

// site is a store with a clock that moves when it is told to, and the key ring of
// the nodes that share it.
type site struct {
	store *storetest.Fragile
	clock *storetest.Clock
	ring  *keyring.Ring
}

func newSite(t testing.TB) *site {
	t.Helper()
	clock := storetest.NewClock()
	opened, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db"), Now: clock.Now})
	return siteOver(t, clock, opened, err)
}

func newRedisSite(t testing.TB) *site {
	t.Helper()
	clock := storetest.NewClock()
	opened, err := redis.Open(redis.Options{URL: redistest.Start(t, redistest.Options{}).URL(), Now: clock.Now})
	return siteOver(t, clock, opened, err)
}

func siteOver(t testing.TB, clock *storetest.Clock, opened store.Store, err error) *site {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Error(err)
		}
	})
	return &site{store: &storetest.Fragile{Store: opened}, clock: clock, ring: newRing(t, clock)}
}

func newRing(t testing.TB, clock *storetest.Clock) *keyring.Ring {
	t.Helper()
	ring, err := keyring.New([]keyring.Key{keyring.NewKey(clock.Now().Add(-time.Hour))}, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// node is one that uses these algorithms.
func (s *site) node(t testing.TB, algorithms ...Algorithm) *Keys {
	t.Helper()
	keys := NewKeys(KeysOptions{Store: s.store, Ring: s.ring, Now: s.clock.Now})
	if err := keys.Use(t.Context(), algorithms...); err != nil {
		t.Fatal(err)
	}
	return keys
}

func (s *site) issuer(t testing.TB, keys *Keys, algorithm Algorithm) *Issuer {
	t.Helper()
	made, err := New(Options{Keys: keys, Algorithm: algorithm, Now: s.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func token(t testing.TB, by *Issuer, about Subject) string {
	t.Helper()
	made, err := by.Token(hub, app, about)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// published is the JWKS of a node as a verifier reads it: keys by id.
func published(t testing.TB, keys *Keys) map[string]crypto.PublicKey {
	t.Helper()
	answer := httptest.NewRecorder()
	keys.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/hub/.well-known/jwks.json", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("JWKS: %d %s", answer.Code, answer.Body)
	}
	var document struct{ Keys []map[string]string }
	if err := json.Unmarshal(answer.Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	found := make(map[string]crypto.PublicKey)
	for _, key := range document.Keys {
		if key["use"] != "sig" || key["d"] != "" || key["kid"] == "" {
			t.Errorf("published: %v", key)
		}
		x, y := decode(t, key["x"]), decode(t, key["y"])
		switch key["kty"] + " " + key["crv"] + " " + key["alg"] {
		case "EC P-256 ES256":
			public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
			if err != nil {
				t.Fatal(err)
			}
			found[key["kid"]] = public
		case "OKP Ed25519 EdDSA":
			found[key["kid"]] = ed25519.PublicKey(x)
		default:
			t.Errorf("published: %v", key)
		}
	}
	return found
}

func decode(t testing.TB, text string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// verify reads a token as an upstream does that knows these keys.
func (s *site) verify(token string, keys map[string]crypto.PublicKey, options ...jwt.ParserOption) (jwt.MapClaims, error) {
	found := jwt.MapClaims{}
	options = append([]jwt.ParserOption{
		jwt.WithValidMethods(Algorithms), jwt.WithIssuer(hub), jwt.WithAudience(app),
		jwt.WithIssuedAt(), jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.clock.Now),
	}, options...)
	_, err := jwt.NewParser(options...).ParseWithClaims(token, found, func(token *jwt.Token) (any, error) {
		id, _ := token.Header["kid"].(string)
		if key, known := keys[id]; known {
			return key, nil
		}
		return nil, errUnknownKey
	})
	return found, err
}

var errUnknownKey = errors.New("no such key in the JWKS")
