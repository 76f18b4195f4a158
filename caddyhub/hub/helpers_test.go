package hub

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/dummy"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

// fixture is a Hub over a real store that can go away.
type fixture struct {
	*Hub
	t     *testing.T
	store *storetest.Fragile
	path  string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, path: filepath.Join(t.TempDir(), "hub.db")}
	f.open()
	t.Cleanup(func() {
		f.store.Away.Store(false)
		_ = f.Destruct()
	})
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	opened, err := embedded.Open(embedded.Options{Path: f.path})
	if err != nil {
		f.t.Fatal(err)
	}
	f.store = &storetest.Fragile{Store: opened}
	f.Hub = New(Backend{
		Store: f.store, Keys: keyring.File{Path: f.path + ".keys", Now: time.Now},
	}, slog.New(slog.DiscardHandler))
}

// settings are good ones; a test changes them.
func settings(spawns spawner.Spawner, changes ...func(*Settings)) Settings {
	s := Settings{
		Node: "node", Base: "/",
		Authenticators: []authenticator.Named{{Name: "dummy", Authenticator: dummy.New("secret")}},
		Rules:          authenticator.Rules{AllowAll: true},
		Configuration:  identity.Configuration{Admins: []string{"root"}},
	}
	s.Servers.Spawner, s.Servers.APIURL, s.Servers.Probe = spawns, "http://hub/hub/api", answers{}
	for _, change := range changes {
		change(&s)
	}
	s.Servers.Base = s.Base
	s.Pages.HubURL = s.Base.Hub("")
	return s
}

// configure is Configure where it must succeed.
func (f *fixture) configure(s Settings) *Site {
	f.t.Helper()
	site, err := f.Configure(f.t.Context(), s)
	if err != nil {
		f.t.Fatal(err)
	}
	return site
}

// services adds services with an address to settings.
func services(names ...string) func(*Settings) {
	return func(s *Settings) {
		for i, name := range names {
			s.Configuration.Services = append(s.Configuration.Services, identity.ConfiguredService{
				Service: identity.Service{Name: name, URL: "http://10.0.0.1:80"}, APIToken: "token-of-" + name + "-" + string(rune('a'+i)),
			})
		}
	}
}

func base(path hubpath.Base) func(*Settings) { return func(s *Settings) { s.Base = path } }

// platform is a spawner that counts.
type platform struct {
	mu      sync.Mutex
	started []string
}

func (p *platform) Start(_ context.Context, request spawner.Request, _ spawner.Events) (spawner.Started, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started = append(p.started, request.User)
	return spawner.Started{URL: "http://10.0.0.2:8888"}, nil
}

func (*platform) Poll(context.Context, spawner.Ref) (spawner.Status, error) {
	return spawner.Status{Running: true}, nil
}

func (*platform) Stop(context.Context, spawner.Ref, bool) error { return nil }

// answers is the probe of servers that all answer.
type answers struct{}

func (answers) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// starts says whether a server that is started now is started by this spawner.
func (f *fixture) starts(user string, with *platform) bool {
	f.t.Helper()
	servers := f.opened.servers
	if _, err := f.opened.directory.CreateUser(f.t.Context(), user, false); err != nil {
		f.t.Fatal(err)
	}
	if err := servers.Start(f.t.Context(), user, "", nil); err != nil {
		f.t.Fatal(err)
	}
	if found, err := servers.Wait(f.t.Context(), user, "", 10*time.Second); err != nil || !found.Ready {
		f.t.Fatalf("%+v, %v", found, err)
	}
	with.mu.Lock()
	defer with.mu.Unlock()
	return len(with.started) > 0 && with.started[len(with.started)-1] == user
}

// reaches says whether a request of the administrator is forwarded, and where to.
func (f *fixture) reaches(site *Site, path string) (to string) {
	f.t.Helper()
	cookie, _, err := site.directory.CreateSession(f.t.Context(), "root", "test")
	if err != nil {
		f.t.Fatal(err)
	}
	r := httptest.NewRequest("GET", path, nil)
	r.AddCookie(&http.Cookie{Name: "caddyhub-session", Value: cookie})
	_ = site.Edge.Serve(httptest.NewRecorder(), r, func(_ http.ResponseWriter, _ *http.Request, found route.Route) error {
		to = found.Target.String()
		return nil
	})
	return to
}
