package edge

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

// site is an Edge over a real store, with users ada, bob, the tutor eve and the
// administrator root, the servers of whom a test starts, and the services wiki and plain.
type site struct {
	*Edge
	t         testing.TB
	store     *fragile
	directory *identity.Directory
	servers   *server.Manager
	routes    *route.Mirror
	platform  *platform
	// rules are those of all its routes.
	rules Rules
	// ahead is how far the clock of the hub is ahead.
	ahead atomic.Int64
}

func (s *site) time() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// newSite is a site whose gate reads the store at every request, so that tests
// can take the store away.
func newSite(t testing.TB, changes ...func(*Options)) *site {
	t.Helper()
	return newSiteOver(t, func(s store.Store) store.Store { return s }, changes...)
}

// newSiteOver is a site whose gate reads the store through another.
func newSiteOver(t testing.TB, over func(store.Store) store.Store, changes ...func(*Options)) *site {
	t.Helper()
	opened, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	s := &site{t: t, store: &fragile{Store: opened}, platform: &platform{running: make(map[string]bool)}}
	ring, err := keyring.New([]keyring.Key{keyring.NewKey(time.Now().Add(-time.Hour))}, s.time)
	if err != nil {
		t.Fatal(err)
	}
	s.directory = identity.New(identity.Options{Store: over(s.store), Keys: ring, Now: s.time})
	options := Options{Directory: s.directory, Base: "/", NamedServers: true, Now: s.time}
	for _, change := range changes {
		change(&options)
	}
	visitors := browser.Options{
		Directory: s.directory, Base: options.Base, PublicURL: options.PublicURL, Now: s.time,
	}
	var origin func(user string) string
	if domain := options.Domain; !domain.IsZero() {
		visitors.Guest = domain.Owns
		origin = func(user string) string { return domain.Origin(domain.OfUser(user)) }
	}
	options.Browser = browser.New(visitors)
	s.routes = route.NewMirror(s.store, route.MirrorOptions{})
	s.servers, err = server.New(server.Options{
		Store: s.store, Directory: s.directory, Node: "node", Routes: s.routes,
		Settings: server.Settings{
			Spawner: s.platform, APIURL: "http://hub/hub/api", Probe: s.platform, Base: options.Base,
			UserOrigin: origin,
			Named:      server.NamedServers{Enabled: true}, Timeouts: server.Timeouts{Poll: time.Hour},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	options.Servers, options.Routes = s.servers, s.routes
	s.populate(options.Base)
	s.run()
	s.Edge = New(options)
	return s
}

func (s *site) populate(base hubpath.Base) {
	s.t.Helper()
	err := s.directory.Apply(context.Background(), identity.Configuration{
		Admins: []string{"root"},
		Groups: []identity.ConfiguredGroup{{Name: "class", Users: []string{"ada"}}},
		Roles: []identity.ConfiguredRole{
			{Role: identity.Role{Name: "wiki-reader", Scopes: []string{"access:services!service=wiki"}}, Users: []string{"ada"}},
			{Role: identity.Role{Name: "tutor", Scopes: []string{"access:servers!group=class"}}, Users: []string{"eve"}},
			{Role: identity.Role{Name: "watcher", Scopes: []string{"access:servers"}}, Services: []string{"monitor"}},
		},
		Services: []identity.ConfiguredService{
			{Service: identity.Service{Name: "wiki", URL: "http://10.0.0.9:80"}},
			{Service: identity.Service{Name: "monitor"}, APIToken: monitorToken},
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.directory.CreateUser(context.Background(), "bob", false); err != nil {
		s.t.Fatal(err)
	}
	s.put(base.Service("wiki"), route.Data{Service: "wiki"})
}

const monitorToken = "token-of-the-monitor"

// put writes a route.
func (s *site) put(at string, data route.Data) {
	s.t.Helper()
	spec, err := route.ParseSpec(at)
	if err != nil {
		s.t.Fatal(err)
	}
	target, err := route.ParseTarget("http://10.0.0.9:80")
	if err != nil {
		s.t.Fatal(err)
	}
	err = s.store.Update(context.Background(), func(w store.Writer) error {
		return route.Put(w, route.Route{Spec: spec, Target: target, Data: data})
	})
	if err == nil {
		err = s.routes.Apply(context.Background(), spec)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.routes.Run(ctx) })
	running.Go(func() { _ = s.servers.Run(ctx) })
	<-s.routes.Loaded()
	s.t.Cleanup(func() {
		s.store.away.Store(false)
		closing, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		_ = s.servers.Close(closing)
		cancel()
		running.Wait()
	})
}

// start starts a server and waits until it is ready and routed.
func (s *site) start(user, name string) {
	s.t.Helper()
	if err := s.servers.Start(s.t.Context(), user, name, nil); err != nil {
		s.t.Fatal(err)
	}
	if found, err := s.servers.Wait(s.t.Context(), user, name, 10*time.Second); err != nil || !found.Ready {
		s.t.Fatalf("server of %s: %+v, %v", user, found, err)
	}
}

// fragile is a store that can go away, and whose writes can be held up.
type fragile struct {
	store.Store
	away    atomic.Bool
	updates atomic.Int64
	// hold, if set, keeps Update from beginning until it is closed.
	hold atomic.Pointer[chan struct{}]
}

func (f *fragile) View(ctx context.Context, read func(store.Reader) error) error {
	if f.away.Load() {
		return store.ErrUnavailable
	}
	return f.Store.View(ctx, read)
}

func (f *fragile) Update(ctx context.Context, write func(store.Writer) error) error {
	if f.away.Load() {
		return store.ErrUnavailable
	}
	f.updates.Add(1)
	if hold := f.hold.Load(); hold != nil {
		<-*hold
	}
	return f.Store.Update(ctx, write)
}

// platform is where servers run; they answer every probe.
type platform struct {
	mu      sync.Mutex
	running map[string]bool
	polls   atomic.Int64
	// slow, if set, is what a poll waits for.
	slow atomic.Pointer[chan struct{}]
}

func (p *platform) Start(_ context.Context, request spawner.Request, _ spawner.Events) (spawner.Started, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[request.SpawnID] = true
	return spawner.Started{URL: "http://10.0.0.1:8888"}, nil
}

func (p *platform) Poll(_ context.Context, ref spawner.Ref) (spawner.Status, error) {
	p.polls.Add(1)
	if slow := p.slow.Load(); slow != nil {
		<-*slow
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return spawner.Status{Running: p.running[ref.SpawnID]}, nil
}

func (p *platform) Stop(_ context.Context, ref spawner.Ref, _ bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, ref.SpawnID)
	return nil
}

// die makes all servers vanish without a word.
func (p *platform) die() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.running)
}

func (p *platform) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// login is a session with its cookie.
type login struct {
	cookie  string
	session identity.Session
}

func (s *site) login(user string) login {
	s.t.Helper()
	cookie, session, err := s.directory.CreateSession(context.Background(), user, "test")
	if err != nil {
		s.t.Fatal(err)
	}
	return login{cookie, session}
}

// token is an API token of a user.
func (s *site) token(user string, scopes ...string) string {
	s.t.Helper()
	secret := keyring.RandomToken(16)
	_, err := s.directory.CreateToken(context.Background(), secret, identity.NewToken{Owner: identity.UserOwner(user), Scopes: scopes})
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// change makes a request what a test wants.
type change func(*http.Request)

func (l login) in(r *http.Request) {
	r.AddCookie(&http.Cookie{Name: "caddyhub-session", Value: l.cookie})
}

func header(name, value string) change { return func(r *http.Request) { r.Header.Add(name, value) } }

func bearer(token string) change { return header("Authorization", "Bearer "+token) }

var (
	navigation = header("Sec-Fetch-Mode", "navigate")
	script     = change(func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Mode", "cors")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Accept", "application/json")
	})
	socket = change(func(r *http.Request) {
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
			"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": "http://example.com",
		} {
			r.Header.Set(name, value)
		}
	})
)

// result is what came of a request.
type result struct {
	*http.Response
	body string
	// out is what the upstream got; nil if nothing.
	out *http.Request
	to  route.Route
	err error
}

// get sends a request to Serve, with an upstream that answers "hello".
func (s *site) get(target string, changes ...change) result { return s.send("GET", target, changes...) }

func (s *site) send(method, target string, changes ...change) result {
	return s.through(method, target, func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "hello")
		return nil
	}, changes...)
}

// through sends a request to Serve with an upstream of the test's own.
func (s *site) through(method, target string, upstream func(http.ResponseWriter, *http.Request) error, changes ...change) (got result) {
	s.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for _, change := range changes {
		change(r)
	}
	w := httptest.NewRecorder()
	got.err = s.ServeBy(s.rules, w, r, func(w http.ResponseWriter, out *http.Request, to route.Route) error {
		got.out, got.to = out, to
		return upstream(w, out)
	})
	got.Response = w.Result()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	got.body = string(body)
	return got
}

// want checks the status, and a part of the body or of Location.
func (g result) want(t *testing.T, what string, status int, text string) {
	t.Helper()
	where := g.body
	if status >= 300 && status < 400 {
		where = g.Header.Get("Location")
	}
	if g.StatusCode != status || !strings.Contains(where, text) {
		t.Errorf("%s: %d %q %q; want %d with %q", what, g.StatusCode, g.Header.Get("Location"), g.body, status, text)
	}
	if forwarded := g.out != nil; forwarded != (status == http.StatusOK) {
		t.Errorf("%s: forwarded: %v", what, forwarded)
	}
}

// visitor is the visitor token that the upstream got; empty if none.
func (g result) visitor() string {
	if g.out == nil {
		return ""
	}
	token, _ := strings.CutPrefix(g.out.Header.Get("Authorization"), "token ")
	if !identity.IsVisitorToken(token) {
		return ""
	}
	return token
}

// xsrf is the token that a page of a server has for its scripts.
func (s *site) xsrf(page string, l login) string {
	s.t.Helper()
	for _, cookie := range s.get(page, l.in, navigation).Cookies() {
		if cookie.Name == browser.XSRFCookie {
			return cookie.Value
		}
	}
	s.t.Fatal("no XSRF cookie from " + page)
	return ""
}

func base(path hubpath.Base) func(*Options) { return func(o *Options) { o.Base = path } }

// eventually looks until something that happens in the background has happened.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	late := time.After(5 * time.Second)
	for !done() {
		select {
		case <-look.C:
		case <-late:
			t.Fatal("never: " + what)
		}
	}
}

// refusedPage records that a person was shown a page.
func refusedPage(w http.ResponseWriter, _ *http.Request, _ browser.Visit, decision gate.Decision) {
	w.WriteHeader(decision.Status)
	_, _ = io.WriteString(w, "page: "+decision.Message)
}

// setBody gives a request the body of a form.
func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// dataOfPublic is a service that finds out itself who visits.
var dataOfPublic = route.Data{Service: "plain", Public: true}
