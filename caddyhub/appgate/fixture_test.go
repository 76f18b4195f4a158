package appgate

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/caddyhub/handover"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

const (
	hubHost = "hub.example.org"
	appHost = "grafana.example.org"
	// serviceToken is that of the service monitor.
	serviceToken = "token-of-the-monitor"
)

// site is a hub with the users ada, who is in astro and may use Grafana, bob, and
// the administrator root.
type site struct {
	t         testing.TB
	store     *fragile
	directory *identity.Directory
	browser   *browser.Browser
	codes     *handover.Handover
	sockets   *edge.Sockets
	base      Options
}

// fragile is a store that can go away.
type fragile struct {
	store.Store
	away atomic.Bool
}

func (f *fragile) View(ctx context.Context, read func(store.Reader) error) error {
	if f.away.Load() {
		return store.ErrUnavailable
	}
	return f.Store.View(ctx, read)
}

func newSite(t testing.TB) *site {
	t.Helper()
	return newSiteOver(t, func(s store.Store) store.Store { return s })
}

// newSiteOver is a site whose gates read the store through another.
func newSiteOver(t testing.TB, over func(store.Store) store.Store) *site {
	t.Helper()
	opened, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	ring, err := keyring.New([]keyring.Key{keyring.NewKey(time.Now().Add(-time.Hour))}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	definitions, err := scope.NewDefinitions(map[string]scope.Custom{"custom:grafana:edit": {Description: "Edit dashboards."}})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, store: &fragile{Store: opened}, sockets: edge.NewSockets(nil)}
	s.directory = identity.New(identity.Options{Store: over(s.store), Keys: ring, Settings: identity.Settings{Definitions: definitions}})
	guest := func(host string) bool { return host == appHost }
	public := &url.URL{Scheme: "https", Host: hubHost}
	s.browser = browser.New(browser.Options{Directory: s.directory, Base: "/", PublicURL: public, Guest: guest})
	s.codes = handover.New(handover.Options{Directory: s.directory, Allow: guest})
	s.base = Options{
		Directory: s.directory, Browser: s.browser, Sockets: s.sockets, Base: "/", PublicURL: public,
		Handover: handover.NewGuest(handover.GuestOptions{
			Codes: s.codes, Browser: s.browser, HubURL: public.String() + "/hub/",
		}),
	}
	s.populate()
	return s
}

func (s *site) populate() {
	s.t.Helper()
	err := s.directory.Apply(context.Background(), identity.Configuration{
		Admins: []string{"root"},
		Groups: []identity.ConfiguredGroup{{Name: "astro", Users: []string{"ada"}}, {Name: "staff", Users: []string{"ada"}}},
		Roles: []identity.ConfiguredRole{{
			Role:     identity.Role{Name: "viewer", Scopes: []string{"access:services!service=grafana", "custom:grafana:edit"}},
			Users:    []string{"ada"},
			Services: []string{"monitor"},
		}},
		Services: []identity.ConfiguredService{{Service: identity.Service{Name: "monitor"}, APIToken: serviceToken}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.directory.CreateUser(context.Background(), "bob", false); err != nil {
		s.t.Fatal(err)
	}
}

// gate is one with a policy.
func (s *site) gate(policy Policy, changes ...func(*Options)) *Gate {
	s.t.Helper()
	options := s.base
	options.Policy = policy
	for _, change := range changes {
		change(&options)
	}
	made, err := New(options)
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

// login is a session of a user with the cookies of both hosts.
func (s *site) login(user string) (session identity.Session, hub, app string) {
	s.t.Helper()
	cookie, session, err := s.directory.CreateSession(context.Background(), user, "test")
	if err != nil {
		s.t.Fatal(err)
	}
	return session, "__Host-caddyhub-session=" + cookie, "__Host-caddyhub-session=" + s.directory.HostSession(&session, appHost)
}

// token is one of a user.
func (s *site) token(user string, scopes ...string) string {
	s.t.Helper()
	secret := keyring.RandomToken(16)
	_, err := s.directory.CreateToken(context.Background(), secret, identity.NewToken{Owner: identity.UserOwner(user), Scopes: scopes})
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// ask makes a request; header are names and values in turn.
func ask(method, target string, header ...string) *http.Request {
	request := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		if header[i] != "" {
			request.Header.Add(header[i], header[i+1])
		}
	}
	return request
}

// navigation is what a browser sends for a page.
var navigation = []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}

// passed is what the app got and from whom; nil if it got nothing.
type passed struct {
	request *http.Request
	visitor Visitor
}

// serve answers a request by a gate, behind which there is an app.
func serve(t testing.TB, g *Gate, request *http.Request, app ...http.HandlerFunc) (*httptest.ResponseRecorder, *passed) {
	t.Helper()
	answer := httptest.NewRecorder()
	var got *passed
	err := g.Serve(answer, request, func(w http.ResponseWriter, r *http.Request, visitor Visitor) error {
		got = &passed{r, visitor}
		for _, handle := range app {
			handle(w, r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer, got
}

// upgrade is a request for a WebSocket.
func upgrade(target string, header ...string) *http.Request {
	return ask(http.MethodGet, target, append([]string{
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-Websocket-Version", "13",
		"Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
	}, header...)...)
}

// cut is the first line of an answer, for messages.
func cut(answer *httptest.ResponseRecorder) string {
	line, _, _ := strings.Cut(answer.Body.String(), "\n")
	return line
}
