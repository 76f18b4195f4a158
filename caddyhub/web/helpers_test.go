package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/dummy"
	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// site is a whole hub but for the gate.
type site struct {
	*Web
	t       *testing.T
	store   *storetest.Fragile
	spawner *scripted
}

// setup is what a test may change before the site is made.
type setup struct {
	Options
	authenticators []authenticator.Named
	rules          authenticator.Rules
	throttle       *authenticator.Throttle
}

func newSite(t *testing.T, changes ...func(*setup)) *site {
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
	s := &site{t: t, store: &storetest.Fragile{Store: opened}, spawner: newScripted()}
	directory := identity.New(identity.Options{Store: s.store, Keys: ring})
	wanted := setup{
		Options: Options{
			Directory: directory, Base: "/", Named: server.NamedServers{Enabled: true},
			UserPath: func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "user path "+r.URL.Path) },
			Log:      slog.New(slog.DiscardHandler),
		},
		authenticators: []authenticator.Named{{Name: "dummy", Authenticator: dummy.New("secret")}},
	}
	for _, change := range changes {
		change(&wanted)
	}
	s.complete(wanted)
	return s
}

func (s *site) complete(wanted setup) {
	s.t.Helper()
	options := wanted.Options
	options.Browser = browser.New(browser.Options{
		Directory: options.Directory, Base: options.Base, PublicURL: options.PublicURL,
	})
	var err error
	options.Login, err = authenticator.New(authenticator.Options{
		Authenticators: wanted.authenticators, Rules: wanted.rules, Throttle: wanted.throttle,
	})
	if err == nil {
		options.Pages, err = page.New(page.Options{HubURL: options.Base.Hub("")})
	}
	if err == nil {
		options.Servers, err = server.New(server.Options{
			Store: s.store, Directory: options.Directory, Node: "node",
			Settings: server.Settings{
				Spawner: s.spawner, APIURL: "http://hub/hub/api", Probe: s.spawner,
				Base: options.Base, Named: options.Named, UserOptions: options.UserOptions,
			},
		})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { _ = options.Servers.Run(context.Background()) })
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.store.Away.Store(false)
		s.spawner.unblock()
		_ = options.Servers.Close(ctx)
		running.Wait()
	})
	s.Web = New(options)
}

// scripted is a spawner that does what a test says; its servers answer.
type scripted struct {
	// hold keeps Start from returning until it is closed; nil does not.
	hold  chan struct{}
	fails error

	mu      sync.Mutex
	running map[string]spawner.Request
	opened  sync.Once
	// polls, if set, is what Poll does before it answers.
	polls func(context.Context) error
}

func newScripted() *scripted { return &scripted{running: make(map[string]spawner.Request)} }

func (s *scripted) unblock() {
	s.opened.Do(func() {
		if s.hold != nil {
			close(s.hold)
		}
	})
}

func (s *scripted) Start(ctx context.Context, request spawner.Request, events spawner.Events) (spawner.Started, error) {
	events.Progress(spawner.Progress{Percent: 40, Message: "Looking for a <b>machine</b>"})
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-ctx.Done():
			return spawner.Started{}, context.Cause(ctx)
		}
	}
	if s.fails != nil {
		return spawner.Started{}, s.fails
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[request.SpawnID] = request
	return spawner.Started{URL: "http://10.0.0.1:8888"}, nil
}

func (s *scripted) Poll(ctx context.Context, ref spawner.Ref) (spawner.Status, error) {
	if s.polls != nil {
		if err := s.polls(ctx); err != nil {
			return spawner.Status{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, running := s.running[ref.SpawnID]
	return spawner.Status{Running: running}, nil
}

func (s *scripted) Stop(_ context.Context, ref spawner.Ref, _ bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, ref.SpawnID)
	return nil
}

func (s *scripted) Tail(context.Context, spawner.Ref, int) ([]string, error) {
	return []string{"Traceback <script>"}, nil
}

// RoundTrip is the probe.
func (s *scripted) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// options are those of the one server that runs.
func (s *scripted) options(t *testing.T) (options map[string]any) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, request := range s.running {
		if len(request.Options) > 0 {
			if err := json.Unmarshal(request.Options, &options); err != nil {
				t.Fatal(err)
			}
		}
	}
	return options
}

// person is a browser.
type person struct {
	*site
	jar     map[string]string
	header  http.Header
	address string
}

func (s *site) person() *person {
	return &person{site: s, jar: make(map[string]string), header: http.Header{}, address: "192.0.2.1:4711"}
}

// answer is what a browser got.
type answer struct {
	*http.Response
	body string
}

func (a answer) to() string { return a.Header.Get("Location") }

var xsrfPattern = regexp.MustCompile(`data-xsrf="([^"]*)"`)

// xsrf is the token of the page.
func (a answer) xsrf() string {
	if found := xsrfPattern.FindStringSubmatch(a.body); found != nil {
		return found[1]
	}
	return ""
}

func (p *person) get(target string) answer { p.t.Helper(); return p.send("GET", target, "", "") }

// post sends a form as it is, without a token.
func (p *person) post(target string, fields url.Values) answer {
	p.t.Helper()
	return p.send("POST", target, "application/x-www-form-urlencoded", fields.Encode())
}

// submit sends a form of a page.
func (p *person) submit(from, target string, fields url.Values) answer {
	p.t.Helper()
	signed := url.Values{"_xsrf": {p.get(from).xsrf()}}
	for name, values := range fields {
		signed[name] = values
	}
	return p.post(target, signed)
}

func (p *person) send(method, target, kind, body string) answer {
	p.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = p.address
	for name, values := range p.header {
		r.Header[name] = values
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for name, value := range p.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	result := w.Result()
	for _, cookie := range result.Cookies() {
		if cookie.MaxAge < 0 {
			delete(p.jar, cookie.Name)
		} else {
			p.jar[cookie.Name] = cookie.Value
		}
	}
	data, err := io.ReadAll(result.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer{result, string(data)}
}

// login logs in by the form.
func (p *person) login(user string) *person {
	p.t.Helper()
	got := p.submit("/hub/login", "/hub/login", url.Values{"username": {user}, "password": {"secret"}})
	if got.StatusCode != http.StatusFound || p.session() == "" {
		p.t.Fatalf("login of %s: %d\n%s", user, got.StatusCode, got.body)
	}
	return p
}

// session is the value of the session cookie.
func (p *person) session() string {
	for name, value := range p.jar {
		if strings.HasSuffix(name, "caddyhub-session") {
			return value
		}
	}
	return ""
}

// lives says whether a session cookie is still good.
func (s *site) lives(cookie string) bool {
	s.t.Helper()
	_, err := s.options.Directory.BySession(context.Background(), cookie)
	if err != nil && !errors.Is(err, identity.ErrInvalid) {
		s.t.Fatal(err)
	}
	return err == nil
}

// start starts a server and waits for it.
func (s *site) start(user, name string) server.Server {
	s.t.Helper()
	if err := s.options.Servers.Start(s.t.Context(), user, name, nil); err != nil {
		s.t.Fatal(err)
	}
	return s.settle(user, name)
}

func (s *site) settle(user, name string) server.Server {
	s.t.Helper()
	found, err := s.options.Servers.Wait(s.t.Context(), user, name, 10*time.Second)
	if err != nil && !errors.Is(err, server.ErrNotFound) {
		s.t.Fatal(err)
	}
	return found
}

// want compares status and, if it is not empty, Location or a part of the body.
func (a answer) want(t *testing.T, what string, status int, text string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s: status %d, want %d\n%s", what, a.StatusCode, status, a.body)
	}
	if status >= 300 && status < 400 {
		if a.to() != text {
			t.Errorf("%s: leads to %q, want %q", what, a.to(), text)
		}
	} else if !strings.Contains(a.body, text) {
		t.Errorf("%s: no %q in\n%s", what, text, a.body)
	}
}

func base(path hubpath.Base) func(*setup) { return func(s *setup) { s.Base = path } }

// admin makes users administrators.
func admin(names ...string) func(*setup) {
	return func(s *setup) { s.rules.Admins = names }
}
