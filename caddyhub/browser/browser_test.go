package browser

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

// fixture is a Browser over a real store, with a user ada who is logged in and
// a clock that only moves when it is told to.
type fixture struct {
	*Browser
	clock   *storetest.Clock
	store   *switched
	ring    *keyring.Ring
	cookie  string
	session identity.Session
	token   string // of ada
	visitor string // of ada at her server
}

// switched is a store that can go away.
type switched struct {
	store.Store
	away bool
}

func (s *switched) View(ctx context.Context, read func(store.Reader) error) error {
	if s.away {
		return store.ErrUnavailable
	}
	return s.Store.View(ctx, read)
}

func (s *switched) Update(ctx context.Context, write func(store.Writer) error) error {
	if s.away {
		return store.ErrUnavailable
	}
	return s.Store.Update(ctx, write)
}

func newFixture(t testing.TB, base hubpath.Base, public string) *fixture {
	t.Helper()
	f := &fixture{clock: storetest.NewClock(), token: "a-token-of-ada"}
	opened, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db"), Now: f.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	f.store = &switched{Store: opened}
	if f.ring, err = keyring.New([]keyring.Key{keyring.NewKey(f.clock.Now())}, f.clock.Now); err != nil {
		t.Fatal(err)
	}
	directory := identity.New(identity.Options{Store: f.store, Keys: f.ring, Now: f.clock.Now})
	options := Options{Directory: directory, Base: base, Now: f.clock.Now}
	if public != "" {
		if options.PublicURL, err = url.Parse(public); err != nil {
			t.Fatal(err)
		}
	}
	f.Browser = New(options)
	if _, err := directory.CreateUser(t.Context(), "ada", false); err != nil {
		t.Fatal(err)
	}
	f.cookie, f.session = f.login(t)
	if _, err := directory.CreateToken(t.Context(), f.token, identity.NewToken{Owner: identity.UserOwner("ada"), Scopes: []string{scope.Inherit}}); err != nil {
		t.Fatal(err)
	}
	f.visitor = directory.VisitorToken(&f.session, scope.Client{Server: scope.Server{User: "ada"}})
	return f
}

func (f *fixture) login(t testing.TB) (string, identity.Session) {
	t.Helper()
	cookie, session, err := f.directory.CreateSession(t.Context(), "ada", "dummy")
	if err != nil {
		t.Fatal(err)
	}
	return cookie, session
}

// request is a request with headers written as "Name: value".
func request(method, target string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// Who a request comes from (JupyterHub 0.4): the token in Authorization, else
// the cookie; nothing in the URL.
func TestIdentify(t *testing.T) {
	f := newFixture(t, "/", "")
	cookie := "Cookie: " + sessionCookie + "=" + f.cookie
	const (
		nobody = iota
		byToken
		byVisitor
		byCookie
	)
	for name, test := range map[string]struct {
		query   string
		headers []string
		want    int
	}{
		"nothing":                           {"", nil, nobody},
		"cookie":                            {"", []string{cookie}, byCookie},
		"wrong cookie":                      {"", []string{"Cookie: " + sessionCookie + "=wrong.one"}, nobody},
		"token":                             {"", []string{"Authorization: token " + f.token}, byToken},
		"bearer":                            {"", []string{"Authorization: Bearer " + f.token}, byToken},
		"token and cookie":                  {"", []string{"Authorization: token " + f.token, cookie}, byToken},
		"wrong token and cookie":            {"", []string{"Authorization: token wrong-token", cookie}, nobody},
		"another scheme and cookie":         {"", []string{"Authorization: Basic YTpi", cookie}, byCookie},
		"token in the URL":                  {"?token=" + f.token, nil, nobody},
		"token in the URL and cookie":       {"?token=" + f.token, []string{cookie}, byCookie},
		"visitor token":                     {"", []string{"Authorization: token " + f.visitor}, byVisitor},
		"visitor token and cookie":          {"", []string{"Authorization: token " + f.visitor, cookie}, byVisitor},
		"stale visitor token":               {"", []string{"Authorization: token visitor.stale.one"}, nobody},
		"stale visitor token and cookie":    {"", []string{"Authorization: token visitor.stale.one", cookie}, byCookie},
		"visitor token in the URL":          {"?token=" + f.visitor, nil, nobody},
		"visitor token in URL and cookie":   {"?token=" + f.visitor, []string{cookie}, byCookie},
		"visitor token in URL, token too":   {"?token=" + f.visitor, []string{"Authorization: token " + f.token}, byToken},
		"visitor token in URL, wrong token": {"?token=" + f.visitor, []string{"Authorization: token wrong-token"}, nobody},
		"two headers":                       {"", []string{"Authorization: token " + f.token, "Authorization: token " + f.token, cookie}, nobody},
		"the cookie as a token":             {"", []string{"Authorization: token " + f.cookie}, nobody},
		"the token as a cookie":             {"", []string{"Cookie: " + sessionCookie + "=" + f.token}, nobody},
		"what servers read":                 {"", []string{"Cookie: " + BrowserSessionCookie + "=" + f.session.BrowserSession}, nobody},
	} {
		visit, err := f.Identify(request("GET", "/hub/home"+test.query, test.headers...))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := nobody
		switch found := visit.Identity; {
		case found == nil:
		case found.Visitor != nil:
			got = byVisitor
		case found.Token != nil:
			got = byToken
		default:
			got = byCookie
		}
		if got != test.want || visit.ByCookie != (got == byCookie) || visit.Credentials.Ambiguous != (name == "two headers") {
			t.Errorf("%s: %d, by cookie %v, ambiguous %v", name, got, visit.ByCookie, visit.Credentials.Ambiguous)
		}
	}
}

// Without the store nobody is anonymous who claims to be somebody.
func TestIdentifyWithoutTheStore(t *testing.T) {
	f := newFixture(t, "/", "")
	f.store.away = true
	for name, headers := range map[string][]string{
		"cookie":       {"Cookie: " + sessionCookie + "=" + f.cookie},
		"wrong cookie": {"Cookie: " + sessionCookie + "=wrong.one"},
		"token":        {"Authorization: token " + f.token},
		"visitor":      {"Authorization: token " + f.visitor},
		"both":         {"Authorization: token " + f.visitor, "Cookie: " + sessionCookie + "=" + f.cookie},
	} {
		if visit, err := f.Identify(request("GET", "/", headers...)); !errors.Is(err, store.ErrUnavailable) || visit.Identity != nil || visit.ByCookie {
			t.Errorf("%s: %+v, %v", name, visit, err)
		}
	}
	if visit, err := f.Identify(request("GET", "/")); err != nil || visit.Identity != nil {
		t.Errorf("nothing: %+v, %v", visit, err)
	}
}

// Others on the host may put cookies of our name beside the right one: it is
// found among as many as are looked at, wherever it stands.
func TestTossedCookies(t *testing.T) {
	f := newFixture(t, "/", "")
	junk := func(n int) string {
		var pairs strings.Builder
		for range n {
			pairs.WriteString(sessionCookie + "=" + keyring.RandomToken(16) + "." + keyring.RandomToken(32) + "; ")
		}
		return pairs.String()
	}
	right := sessionCookie + "=" + f.cookie
	id, secret, _ := strings.Cut(f.cookie, ".")
	for name, test := range map[string]struct {
		cookies string
		found   bool
	}{
		"first":               {right + "; " + junk(20), true},
		"last of the allowed": {junk(gate.MaxSessionCookies-1) + right, true},
		"behind too many":     {junk(gate.MaxSessionCookies) + right, false},
		"twice":               {right + "; " + right, true},
		"the same junk often": {strings.Repeat(sessionCookie+"=x.y; ", 100) + right, true},
		"in quotes":           {sessionCookie + `="` + f.cookie + `"`, false},
		"in two cookies":      {sessionCookie + "=" + id + "; " + sessionCookie + "=" + secret, false},
		"another name":        {"x" + right + "; " + strings.ToUpper(sessionCookie) + "=" + f.cookie, false},
		"guarded name":        {"__Host-" + right, false}, // which no browser sends without TLS
	} {
		visit, err := f.Identify(request("GET", "/", "Cookie: "+test.cookies))
		if err != nil || (visit.Identity != nil) != test.found {
			t.Errorf("%s: %v, %v", name, visit.Identity, err)
		}
	}
	// Over TLS, the name that others can set is not ours.
	visit, err := f.Identify(request("GET", "https://hub.example.org/", "Cookie: "+right))
	if err != nil || visit.Identity != nil {
		t.Errorf("a cookie without prefix over TLS: %v, %v", visit.Identity, err)
	}
}

func TestRenew(t *testing.T) {
	f := newFixture(t, "/", "")
	visit := func() Visit {
		t.Helper()
		visit, err := f.Identify(request("GET", "/", "Cookie: "+sessionCookie+"="+f.cookie))
		if err != nil || visit.Identity == nil {
			t.Fatalf("%+v, %v", visit, err)
		}
		return visit
	}
	for range 3 { // each time nearly to the end
		f.clock.Advance(identity.DefaultIdleTimeout - time.Second)
		f.Renew(t.Context(), visit())
	}
	f.clock.Advance(identity.DefaultIdleTimeout / 2)
	before := visit()
	f.store.away = true
	f.Renew(t.Context(), before)
	f.store.away = false
	f.Renew(t.Context(), Visit{})
	if err := f.directory.DeleteSession(t.Context(), before.Identity.Session); err != nil {
		t.Fatal(err)
	}
	f.Renew(t.Context(), before)
	if visit, err := f.Identify(request("GET", "/", "Cookie: "+sessionCookie+"="+f.cookie)); err != nil || visit.Identity != nil {
		t.Errorf("renewed after logout: %v, %v", visit.Identity, err)
	}
}

// Whatever headers say, only the cookie and the tokens that were handed out
// identify anybody.
func FuzzIdentify(f *testing.F) {
	fixture := newFixture(f, "/", "")
	right := sessionCookie + "=" + fixture.cookie
	f.Add(right, "", "")
	f.Add("a=b; "+right+"; "+sessionCookie+"=x.y", "token x", "token=y")
	f.Add("", "Bearer "+fixture.token, "")
	f.Add("", "token "+fixture.visitor, "token="+fixture.visitor)
	f.Add(" ="+sessionCookie+"=x.y;;", "Token\tx", "token=%zz&&")
	f.Fuzz(func(t *testing.T, cookies, authorization, query string) {
		r := request("GET", "/")
		r.URL.RawQuery = query
		r.Header["Cookie"], r.Header["Authorization"] = []string{cookies}, []string{authorization}
		visit, err := fixture.Identify(r)
		if err != nil {
			t.Fatal(err)
		}
		claimed := strings.Contains(cookies, fixture.cookie) ||
			strings.Contains(authorization, fixture.token) || strings.Contains(authorization, fixture.visitor)
		if visit.Identity != nil && !claimed {
			t.Fatalf("%q, %q and %q are %s", cookies, authorization, query, visit.Identity.Name())
		}
		if visit.ByCookie && (visit.Identity == nil || visit.Identity.Session == nil || !strings.Contains(cookies, fixture.cookie)) {
			t.Fatalf("by cookie: %q", cookies)
		}
	})
}

// TestOriginsOfOneRequestAreNotThoseOfAnother asks for the origins of a site that
// is reached in several ways, by turns.
func TestOriginsOfOneRequestAreNotThoseOfAnother(t *testing.T) {
	b := newFixture(t, "/", "")
	plain := httptest.NewRequest("GET", "http://a.example/", nil)
	other := httptest.NewRequest("GET", "http://b.example/", nil)
	secure := httptest.NewRequest("GET", "https://a.example/", nil)
	for _, r := range []*http.Request{plain, other, plain, secure, plain, secure, other} {
		origin := b.Origin(r)
		for _, from := range []string{"http://a.example", "http://b.example", "https://a.example"} {
			r.Header.Set("Origin", from)
			if got := b.Origins(r).Same(r); got != (from == origin) {
				t.Errorf("a request of %s to %s is of the same origin: %v", from, origin, got)
			}
		}
	}
}
