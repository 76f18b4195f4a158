package oauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

const badCode = "The code is invalid, has expired or was used before."

func TestTokenErrors(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	code := h.code(t, ada, h.server())
	// None of these uses the code up.
	tests := []struct {
		name        string
		changes     []string
		status      int
		code, about string
	}{
		{"no grant type", []string{"grant_type", ""}, 400, "invalid_request", "Missing grant_type parameter."},
		{"other grant type", []string{"grant_type", "password"}, 400, "unsupported_grant_type", ""},
		{"refresh", []string{"grant_type", "refresh_token"}, 400, "unsupported_grant_type", ""},
		{"no code", []string{"code", ""}, 400, "invalid_request", "Missing code parameter."},
		{"unknown code", []string{"code", strings.Repeat("A", 52)}, 400, "invalid_grant", badCode},
		{"long code", []string{"code", strings.Repeat("A", 4000)}, 400, "invalid_grant", badCode},
		{"unknown client", []string{"client_id", "nobody"}, 401, "invalid_client", ""},
		{"no client", []string{"client_id", ""}, 401, "invalid_client", ""},
		{"the hub itself", []string{"client_id", "jupyterhub"}, 401, "invalid_client", ""},
		{"wrong secret", []string{"client_secret", "wrong"}, 401, "invalid_client", ""},
		{"no secret", []string{"client_secret", ""}, 401, "invalid_client", ""},
		{"another client's secret", []string{"client_secret", serviceSecret}, 401, "invalid_client", ""},
		{"endless secret", []string{"client_secret", strings.Repeat("x", 5000)}, 401, "invalid_client", ""},
		{"another client's code", []string{"client_id", serviceID, "client_secret", serviceSecret}, 400, "invalid_grant", badCode},
		{"long body", []string{"x", strings.Repeat("x", 65<<10)}, 413, "invalid_request", "The request is too long."},
	}
	for _, test := range tests {
		got := h.exchange(t, code, test.changes...)
		errorCode, about := got.failure(t)
		if got.StatusCode != test.status || errorCode != test.code || about != test.about || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", test.name, got.StatusCode, got.body)
		}
		if challenge := got.Header.Get("WWW-Authenticate"); (challenge == `Bearer error="invalid_client"`) != (test.status == 401) {
			t.Errorf("%s: WWW-Authenticate %q", test.name, challenge)
		}
	}
	if got := h.exchange(t, code); got.StatusCode != http.StatusOK {
		t.Errorf("the code was used up: %d %s", got.StatusCode, got.body)
	}
}

// Only a form is read, each parameter once; what stands in the query does not
// count.
func TestTokenForm(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	good := url.Values{
		"client_id": {serverID}, "client_secret": {serverSecret}, "grant_type": {"authorization_code"},
		"code": {h.code(t, ada, h.server())}, "redirect_uri": {serverCallback},
	}.Encode()
	address, form := h.URL+"/hub/api/oauth2/token", "application/x-www-form-urlencoded"
	tests := []struct{ name, address, kind, body, about string }{
		{"query", address + "?" + good, form, "", "URL query parameters are not allowed"},
		{"query beside", address + "?x", form, good, "URL query parameters are not allowed"},
		{"json", address, "application/json", `{"grant_type": "authorization_code"}`, "The body must be application/x-www-form-urlencoded."},
		{"no type", address, "", good, "The body must be application/x-www-form-urlencoded."},
		{"multipart", address, "multipart/form-data; boundary=x", good, "The body must be application/x-www-form-urlencoded."},
		{"malformed", address, form, good + "&x=%zz", "Unable to parse the body."},
		{"no UTF-8", address, form, good + "&x=%ff", "Unable to parse the body."},
	}
	for _, name := range []string{"client_id", "client_secret", "grant_type", "code", "redirect_uri"} {
		tests = append(tests, struct{ name, address, kind, body, about string }{
			"duplicate " + name, address, form, good + "&" + name + "=", "Duplicate " + name + " parameter.",
		})
	}
	for _, test := range tests {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, test.address, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		if test.kind != "" {
			request.Header.Set("Content-Type", test.kind)
		}
		got := do(t, ada, request)
		if code, about := got.failure(t); got.StatusCode != http.StatusBadRequest || code != "invalid_request" || about != test.about {
			t.Errorf("%s: %d %s", test.name, got.StatusCode, got.body)
		}
	}
}

// Of many attempts at once one gets a token, whichever node it asks, and the
// others revoke it: two parties had the code.
func TestSingleUse(t *testing.T) {
	h := newHub(t)
	t.Run("one node", func(t *testing.T) { singleUse(t, h, h) })
	t.Run("two directories over one store", func(t *testing.T) { singleUse(t, h, h.node(t, h.store.Store)) })
	t.Run("two nodes over Redis", func(t *testing.T) {
		clock := storetest.NewClock()
		address := redistest.Start(t, redistest.Options{}).URL()
		first := &hub{clock: clock, keys: h.keys}
		first = first.node(t, openRedis(t, address, clock))
		first.fill(t)
		singleUse(t, first, first.node(t, openRedis(t, address, clock)))
	})
}

// node is another node of the same hub.
func (h *hub) node(t *testing.T, s store.Store) *hub {
	t.Helper()
	other := &hub{store: &flaky{Store: s}, clock: h.clock, keys: h.keys}
	other.directory = identity.New(identity.Options{Store: other.store, Keys: h.keys, Now: h.clock.Now})
	other.browser = browser.New(browser.Options{Directory: other.directory, Base: "/", Now: h.clock.Now})
	other.serve(t, providerOptions)
	return other
}

func openRedis(t *testing.T, address string, clock *storetest.Clock) store.Store {
	t.Helper()
	opened, err := redis.Open(redis.Options{URL: address, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

func singleUse(t *testing.T, nodes ...*hub) {
	ada, _ := nodes[0].login(t, "ada")
	code := nodes[0].code(t, ada, nodes[0].server())
	var (
		group   sync.WaitGroup
		granted atomic.Int32
		token   atomic.Value
	)
	for i := range 100 {
		group.Go(func() {
			got, err := nodes[i%len(nodes)].server().Exchange(t.Context(), code)
			if err == nil {
				granted.Add(1)
				token.Store(got.AccessToken)
			}
		})
	}
	group.Wait()
	if granted.Load() != 1 {
		t.Fatalf("%d attempts were granted", granted.Load())
	}
	if _, err := nodes[0].directory.ByToken(t.Context(), token.Load().(string)); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("the token lives on: %v", err)
	}
}

// A code that is used again revokes what it was exchanged for, and nothing else.
func TestReplay(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	exchange := func(code string) string {
		t.Helper()
		token, err := h.server().Exchange(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		return token.AccessToken
	}
	code := h.code(t, ada, h.server())
	stolen, other := exchange(code), exchange(h.code(t, ada, h.server()))
	alive := func(token string) bool {
		_, err := h.directory.ByToken(t.Context(), token)
		return err == nil
	}
	h.exchange(t, code, "client_secret", "wrong")
	h.exchange(t, code, "client_id", serviceID, "client_secret", serviceSecret)
	if !alive(stolen) {
		t.Fatal("somebody who is not the client revokes")
	}
	h.clock.Advance(5 * time.Minute) // the code itself has expired long ago
	got := h.exchange(t, code)
	if errorCode, about := got.failure(t); errorCode != "invalid_grant" || about != badCode {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if alive(stolen) || !alive(other) {
		t.Errorf("replayed: %v, other: %v", alive(stolen), alive(other))
	}
	if got := h.exchange(t, code); got.StatusCode != http.StatusBadRequest {
		t.Errorf("a third time: %d %s", got.StatusCode, got.body)
	}
}

// A code is worth nothing when what it is bound to has changed, and is used up
// by the attempt.
func TestBindings(t *testing.T) {
	tests := map[string]func(t *testing.T, h *hub, session identity.Session) (changes []string){
		"another address": func(*testing.T, *hub, identity.Session) []string { return []string{"redirect_uri", "/user/ada/other"} },
		"address left out": func(*testing.T, *hub, identity.Session) []string {
			return []string{"redirect_uri", ""}
		},
		"expired": func(_ *testing.T, h *hub, _ identity.Session) []string {
			h.clock.Advance(time.Minute)
			return nil
		},
		"logged out": func(t *testing.T, h *hub, session identity.Session) []string {
			return nothing(t, h.directory.DeleteSession(t.Context(), &session))
		},
		"logged out everywhere": func(t *testing.T, h *hub, _ identity.Session) []string {
			return nothing(t, h.directory.DeleteSessions(t.Context(), "ada"))
		},
		"user deleted": func(t *testing.T, h *hub, _ identity.Session) []string {
			return nothing(t, h.directory.DeleteUser(t.Context(), "ada"))
		},
		"user replaced": func(t *testing.T, h *hub, _ identity.Session) []string {
			nothing(t, h.directory.DeleteUser(t.Context(), "ada"))
			_, err := h.directory.CreateUser(t.Context(), "ada", false)
			return nothing(t, err)
		},
		"user replaced, login left over": func(t *testing.T, h *hub, session identity.Session) []string {
			nothing(t, h.directory.DeleteUser(t.Context(), "ada"))
			_, err := h.directory.CreateUser(t.Context(), "ada", false)
			h.update(t, func(w store.Writer) error {
				return store.Collection[identity.Session]{Kind: "session"}.Put(w, session.ID, session, time.Time{})
			})
			return nothing(t, err)
		},
		"server started again": func(t *testing.T, h *hub, _ identity.Session) []string {
			h.update(t, func(w store.Writer) error {
				if err := identity.DeleteClient(w, serverID); err != nil {
					return err
				}
				return h.directory.PutClient(w, adasServer, "another secret")
			})
			return []string{"client_secret", "another secret"}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			ada, session := h.login(t, "ada")
			code := h.code(t, ada, h.server())
			changes := change(t, h, session)
			for range 2 {
				got := h.exchange(t, code, changes...)
				if errorCode, _ := got.failure(t); got.StatusCode != http.StatusBadRequest || errorCode == "" {
					t.Errorf("%d %s", got.StatusCode, got.body)
				}
				if len(changes) == 2 && changes[0] == "redirect_uri" {
					changes = nil // the right address comes too late
				}
			}
		})
	}
}

func nothing(t *testing.T, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return nil
}

// A server that stops takes its codes along: its secret is nobody's then.
func TestServerStopped(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	code := h.code(t, ada, h.server())
	h.update(t, func(w store.Writer) error { return identity.DeleteClient(w, serverID) })
	if got := h.exchange(t, code); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
}

// Logout ends the tokens of this login on all servers, and no others.
func TestLogoutCascade(t *testing.T) {
	h := newHub(t)
	first, session := h.login(t, "ada")
	second, _ := h.login(t, "ada")
	var tokens []string
	for _, visitor := range []*http.Client{first, first, second} {
		token, err := h.server().Exchange(t.Context(), h.code(t, visitor, h.server()))
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token.AccessToken)
	}
	if err := h.directory.DeleteSession(t.Context(), &session); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, false, true} {
		if _, err := h.directory.ByToken(t.Context(), tokens[i]); (err == nil) != want {
			t.Errorf("token %d: %v", i, err)
		}
	}
}
