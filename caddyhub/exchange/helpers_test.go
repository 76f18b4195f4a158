package exchange

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/jwks"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

// canary is in every token and in nothing that may be told.
const canary = "canary-1d7f"

var secret = []byte("0123456789abcdef0123456789abcdef")

func must[T any](t testing.TB, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// node is one node of a hub.
type node struct {
	*identity.Directory
	clock *storetest.Clock
}

func newNode(t testing.TB) node {
	t.Helper()
	clock := storetest.NewClock()
	opened, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db"), Now: clock.Now})
	must(t, opened, err)
	t.Cleanup(func() { _ = opened.Close() })
	return nodeOver(t, opened, newRing(t, clock), clock)
}

func newRing(t testing.TB, clock *storetest.Clock) *keyring.Ring {
	t.Helper()
	ring, err := keyring.New([]keyring.Key{keyring.NewKey(clock.Now().Add(-time.Hour))}, clock.Now)
	return must(t, ring, err)
}

func nodeOver(t testing.TB, s store.Store, ring *keyring.Ring, clock *storetest.Clock) node {
	t.Helper()
	return node{identity.New(identity.Options{Store: s, Keys: ring, Now: clock.Now}), clock}
}

// signed is an Exchange of tokens that are signed with the secret.
func (n node) signed(t testing.TB) *Exchange {
	t.Helper()
	verifier, err := jwks.New(jwks.Options{Secret: secret, Now: n.clock.Now})
	must(t, verifier, err)
	kind, err := NewSigned(SignedOptions{Verifier: verifier, Issuer: "portal", Audience: "hub"})
	return New(Options{Kind: must(t, kind, err), Claims: allClaims})
}

func (n node) sign(t testing.TB, changes map[string]any) string {
	t.Helper()
	now := n.clock.Now()
	claims := jwt.MapClaims{
		"iss": "portal", "aud": "hub", "jti": canary + now.String(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "name": "ada",
	}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
	return must(t, text, err)
}

var allClaims = Claims{
	User: "name", Groups: "groups", Admin: "admin", Scopes: "scopes", Server: "server", Next: "next", AuthState: "auth.state",
}

// portal redeems every token as often as it is asked, which no portal should.
type portal struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	answer string
	asked  []*http.Request
	tokens []string
}

func newPortal(t testing.TB) *portal {
	t.Helper()
	p := &portal{status: http.StatusOK, answer: `{"name": "ada"}`}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question struct{ Token string }
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
			t.Errorf("the portal cannot read the question: %v", err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked, p.tokens = append(p.asked, r), append(p.tokens, question.Token)
		if p.status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(p.status)
		fmt.Fprint(w, p.answer)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *portal) exchange(t testing.TB, n node) *Exchange {
	t.Helper()
	kind, err := NewOpaque(OpaqueOptions{
		URL: p.URL + "/login", Header: http.Header{"Authorization": {"Bearer hub"}}, Timeout: 5 * time.Second, Now: n.clock.Now,
	})
	return New(Options{Kind: must(t, kind, err), Claims: allClaims})
}

// tells fails the test if an error says what no log may have.
func tells(t testing.TB, name string, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "Bearer hub")) {
		t.Errorf("%s: the error tells a secret: %v", name, err)
	}
}
