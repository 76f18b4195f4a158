package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/api"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/cached"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/userlist"
)

// hub is a hub with everything but a network. Its users: root is an
// administrator, ada and bob are in the group astro, eve in none.
type hub struct {
	t         testing.TB
	store     *flaky
	directory *identity.Directory
	browser   *browser.Browser
	servers   *server.Manager
	spawner   *platform
	people    *people
	api       *api.API
	// memory is the same API with the list of users in memory.
	memory *api.API
	users  *userlist.List
}

// settings of a hub under test.
type settings struct {
	api     api.Options
	servers server.Settings
	// remembering: callers are known from memory too, and so while the store is
	// away.
	remembering bool
}

func newHub(t testing.TB, change ...func(*settings)) *hub {
	t.Helper()
	file, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db")})
	if err != nil {
		t.Fatal(err)
	}
	inner := cached.New(file, cached.Options{})
	t.Cleanup(func() { _ = inner.Close() })
	ring, err := keyring.New([]keyring.Key{keyring.NewKey(time.Now().Add(-time.Hour))}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, store: &flaky{Store: inner}, spawner: &platform{}, people: &people{}}
	s := settings{servers: server.Settings{
		Spawner: h.spawner, Probe: h.spawner, APIURL: "http://hub/hub/api",
		Named: server.NamedServers{Enabled: true},
	}}
	s.api = api.Options{NamedServers: true, SlowSpawn: time.Minute, SlowStop: time.Minute}
	for _, c := range change {
		c(&s)
	}
	h.directory = identity.New(identity.Options{Store: h.store, Keys: ring})
	if s.remembering {
		h.directory = identity.New(identity.Options{Store: inner, Keys: ring})
	}
	h.browser = browser.New(browser.Options{Directory: h.directory, Base: "/"})
	h.populate()
	h.servers, err = server.New(server.Options{Store: h.store, Directory: h.directory, Node: "test", Settings: s.servers})
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	listing, unlist := context.WithCancel(context.Background())
	running.Go(func() { _ = h.servers.Run(context.Background()) })
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		h.spawner.release()
		_ = h.servers.Close(ctx)
		unlist()
		running.Wait()
	})
	login, err := authenticator.New(authenticator.Options{
		Authenticators: []authenticator.Named{{Name: "people", Authenticator: h.people}},
		Rules:          authenticator.Rules{AllowAll: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.api.Directory, s.api.Browser, s.api.Servers, s.api.Login = h.directory, h.browser, h.servers, login
	h.api = api.New(s.api)
	h.users = userlist.New(userlist.Options{Store: inner, Activity: h.directory.Activity()})
	s.api.Users = h.users
	h.memory = api.New(s.api)
	running.Go(func() { _ = h.users.Run(listing) })
	return h
}

func (h *hub) populate() {
	h.t.Helper()
	err := h.directory.Apply(h.t.Context(), identity.Configuration{
		Admins:   []string{"root"},
		Groups:   []identity.ConfiguredGroup{{Name: "astro", Users: []string{"ada", "bob"}}},
		Services: []identity.ConfiguredService{{Service: identity.Service{Name: "portal"}, APIToken: "portal-secret"}},
		Roles: []identity.ConfiguredRole{{
			Role:     identity.Role{Name: "portal", Scopes: []string{"admin:users", "admin:servers", "tokens"}},
			Services: []string{"portal"},
		}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.directory.CreateUser(h.t.Context(), "eve", false); err != nil {
		h.t.Fatal(err)
	}
}

// flaky is a store that can be taken away.
type flaky struct {
	store.Store
	away atomic.Bool
	// left is after how many more transactions it goes away; 0 means never.
	left atomic.Int64
}

// after takes the store away after so many transactions.
func (f *flaky) after(transactions int) { f.left.Store(int64(transactions)) }

func (f *flaky) gone() bool {
	if f.left.Load() > 0 && f.left.Add(-1) == 0 {
		f.left.Store(-1)
		return false
	}
	return f.away.Load() || f.left.Load() < 0
}

func (f *flaky) View(ctx context.Context, read func(store.Reader) error) error {
	if f.gone() {
		return store.ErrUnavailable
	}
	return f.Store.View(ctx, read)
}

func (f *flaky) Update(ctx context.Context, write func(store.Writer) error) error {
	if f.gone() {
		return store.ErrUnavailable
	}
	return f.Store.Update(ctx, write)
}

// platform is a spawner whose servers are nothing but a word, and the network on
// which they answer.
type platform struct {
	mu      sync.Mutex
	running map[string]bool
	// gate, unless nil, is waited for by starts, stuck by stops.
	gate, stuck chan struct{}
	// held is closed when a start waits at the gate.
	held  chan struct{}
	fails error
}

// hold makes starts wait until release. What it returns is closed when the first
// one does.
func (p *platform) hold() (held <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gate, p.held = make(chan struct{}), make(chan struct{})
	return p.held
}

// cling makes stops wait until release.
func (p *platform) cling() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = make(chan struct{})
}

func (p *platform) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, waiting := range []*chan struct{}{&p.gate, &p.stuck} {
		if *waiting != nil {
			close(*waiting)
			*waiting = nil
		}
	}
}

func (p *platform) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails = err
}

func pass(ctx context.Context, gate chan struct{}) error {
	if gate == nil {
		return nil
	}
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *platform) Start(ctx context.Context, request spawner.Request, events spawner.Events) (spawner.Started, error) {
	p.mu.Lock()
	gate, held, fails := p.gate, p.held, p.fails
	p.held = nil
	p.mu.Unlock()
	events.Progress(spawner.Progress{Percent: 50, Message: "Spawning server..."})
	if held != nil {
		close(held)
	}
	if err := pass(ctx, gate); err != nil {
		return spawner.Started{}, err
	}
	if fails != nil {
		return spawner.Started{}, fails
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		p.running = make(map[string]bool)
	}
	p.running[request.SpawnID] = true
	return spawner.Started{URL: "http://10.0.0.1:8888", State: json.RawMessage(`{"pid":4711}`)}, nil
}

func (p *platform) Poll(_ context.Context, ref spawner.Ref) (spawner.Status, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return spawner.Status{Running: p.running[ref.SpawnID]}, nil
}

func (p *platform) Stop(ctx context.Context, ref spawner.Ref, _ bool) error {
	p.mu.Lock()
	stuck := p.stuck
	p.mu.Unlock()
	if err := pass(ctx, stuck); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, ref.SpawnID)
	return nil
}

// RoundTrip answers the probe of a server.
func (p *platform) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// people is an authenticator: everybody's password is their name backwards.
type people struct {
	down, refuses atomic.Bool
	deleted       atomic.Value
}

func (p *people) Authenticate(_ context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	if p.down.Load() {
		return nil, authenticator.ErrUnavailable
	}
	name := []byte(attempt.Username())
	for i, j := 0, len(name)-1; i < j; i, j = i+1, j-1 {
		name[i], name[j] = name[j], name[i]
	}
	if attempt.Username() == "" || attempt.Password() != string(name) {
		return nil, authenticator.ErrDenied
	}
	return &authenticator.Identity{Name: attempt.Username()}, nil
}

func (p *people) AddUser(_ context.Context, user string) error {
	if p.refuses.Load() {
		return &authenticator.Error{Message: "no room for " + user, Err: errors.New("secret cause")}
	}
	return nil
}

func (p *people) DeleteUser(_ context.Context, user string) error {
	p.deleted.Store(user)
	return nil
}

// token makes a token of a user with these scopes.
func (h *hub) token(user string, scopes ...string) string {
	h.t.Helper()
	return h.tokenWith(identity.NewToken{Owner: identity.UserOwner(user), Scopes: scopes})
}

func (h *hub) tokenWith(details identity.NewToken) string {
	h.t.Helper()
	secret := keyring.RandomToken(16)
	if _, err := h.directory.CreateToken(h.t.Context(), secret, details); err != nil {
		h.t.Fatal(err)
	}
	return secret
}

// request is what a test sends. Without credentials it is anonymous.
type request struct {
	method, path string
	body         string
	token        string
	cookie       string
	header       http.Header
}

func (r request) with(name, value string) request {
	r.header = r.header.Clone()
	if r.header == nil {
		r.header = make(http.Header)
	}
	r.header.Set(name, value)
	return r
}

func (r request) http(ctx context.Context) *http.Request {
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	path := r.path
	if !strings.HasPrefix(path, "/hub/") {
		path = "/hub/api" + path
	}
	wire := httptest.NewRequestWithContext(ctx, r.method, path, body)
	for name, values := range r.header {
		wire.Header[name] = values
	}
	if r.token != "" {
		wire.Header.Set("Authorization", "token "+r.token)
	}
	if r.cookie != "" {
		wire.Header.Set("Cookie", "caddyhub-session="+r.cookie)
	}
	return wire
}

// send sends a request and demands that the answer conforms.
func (h *hub) send(r request) *httptest.ResponseRecorder {
	h.t.Helper()
	wire := r.http(h.t.Context())
	if !h.api.Serves(wire) {
		h.t.Fatalf("%s is not served", wire.URL)
	}
	got := httptest.NewRecorder()
	h.api.ServeHTTP(got, wire)
	conforms(h.t, wire, got)
	return got
}

// session is a login in a browser: the cookie and the proof of its pages.
func (h *hub) session(user string) (cookie, xsrf string) { return h.limitedSession(user, nil) }

// limitedSession is a login that may do no more than the limit says.
func (h *hub) limitedSession(user string, limit *identity.Limit) (cookie, xsrf string) {
	h.t.Helper()
	cookie, _, err := h.directory.CreateLimitedSession(h.t.Context(), user, "people", limit)
	if err != nil {
		h.t.Fatal(err)
	}
	wire := request{method: http.MethodGet, path: "/user", cookie: cookie}.http(h.t.Context())
	visit, err := h.browser.Identify(wire)
	if err != nil {
		h.t.Fatal(err)
	}
	xsrf, err = h.browser.XSRFToken(httptest.NewRecorder(), wire, visit, "/hub/")
	if err != nil {
		h.t.Fatal(err)
	}
	return cookie, xsrf
}

// expect sends a request and demands a status and, unless it is empty, a message
// or a body.
func (h *hub) expect(r request, status int, want string) *httptest.ResponseRecorder {
	h.t.Helper()
	got := h.send(r)
	if got.Code != status {
		h.t.Fatalf("%s %s: %d %s, want %d", r.method, r.path, got.Code, got.Body, status)
	}
	if want == "" {
		return got
	}
	text := strings.TrimSpace(got.Body.String())
	if status >= 400 {
		text = message(got)
	}
	if text != want {
		h.t.Errorf("%s %s:\n got %s\nwant %s", r.method, r.path, text, want)
	}
	return got
}

func message(got *httptest.ResponseRecorder) string {
	var body struct{ Message string }
	_ = json.Unmarshal(got.Body.Bytes(), &body)
	return body.Message
}

// model decodes an answer.
func model[T any](t testing.TB, got *httptest.ResponseRecorder) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(got.Body.Bytes(), &value); err != nil {
		t.Fatalf("%s: %v", got.Body, err)
	}
	return value
}

// ready starts a server and waits for it.
func (h *hub) ready(user, name string) {
	h.t.Helper()
	if err := h.servers.Start(h.t.Context(), user, name, nil); err != nil {
		h.t.Fatal(err)
	}
	s, err := h.servers.Wait(h.t.Context(), user, name, time.Minute)
	if err != nil || !s.Ready {
		h.t.Fatal(fmt.Errorf("%s/%s is not ready: %+v %w", user, name, s.Failure, err))
	}
}

// must is for what a test needs before it begins.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
