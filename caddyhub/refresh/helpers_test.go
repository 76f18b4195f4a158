package refresh

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

// The times of these tests.
const (
	every = time.Minute
	grace = 10 * time.Minute
)

// site is an identity service: it answers what it is told to.
type site struct {
	mu     sync.Mutex
	asked  int
	answer authenticator.Refreshed
	err    error
	// hold, unless nil, is what answers wait for.
	hold chan struct{}
	// shown is the request of the last question, state its auth state.
	shown *http.Request
	state json.RawMessage
}

func (*site) Authenticate(context.Context, authenticator.Attempt) (*authenticator.Identity, error) {
	return nil, authenticator.ErrDenied
}

func (s *site) Refresh(ctx context.Context, _ string, state json.RawMessage, r *http.Request) (authenticator.Refreshed, error) {
	s.mu.Lock()
	s.asked++
	s.shown, s.state = r, state
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return authenticator.Refreshed{}, errors.Join(authenticator.ErrUnavailable, ctx.Err())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answer, s.err
}

func (s *site) questions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// says sets the next answers.
func (s *site) says(answer authenticator.Refreshed, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.err = answer, err
}

// holds keeps answers back until the returned function is called.
func (s *site) holds() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hold := make(chan struct{})
	s.hold = hold
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hold = nil
		close(hold)
	}
}

// fixture is a Checker over a real store, and ada, who is logged in.
type fixture struct {
	*Checker
	t         *testing.T
	site      *site
	directory *identity.Directory
	cookie    string
	outcomes  []Outcome
}

// run runs a test in a bubble of its own.
func run(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opened, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db")})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = opened.Close() }()
		keys, err := keyring.New([]keyring.Key{keyring.NewKey(time.Now().Add(-time.Hour))}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		f := &fixture{t: t, site: &site{answer: authenticator.Refreshed{Outcome: authenticator.Fresh}}}
		f.directory = identity.New(identity.Options{Store: opened, Keys: keys})
		f.Checker = f.node(Options{})
		f.cookie = f.login("ada", "site")
		test(t, f)
		synctest.Wait()
	})
}

// node is another Checker over the same store.
func (f *fixture) node(options Options) *Checker {
	f.t.Helper()
	login, err := authenticator.New(authenticator.Options{
		Authenticators: []authenticator.Named{{Name: "site", Authenticator: f.site}, {Name: "plain", Authenticator: plain{}}},
		Rules:          authenticator.Rules{AllowAll: true},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	options.Directory, options.Login, options.Every, options.Grace = f.directory, login, every, grace
	options.Observe = func(outcome Outcome) { f.outcomes = append(f.outcomes, outcome) }
	options.Audit = audit.New(slog.New(slog.DiscardHandler))
	return New(options)
}

// plain cannot be asked again.
type plain struct{}

func (plain) Authenticate(context.Context, authenticator.Attempt) (*authenticator.Identity, error) {
	return nil, authenticator.ErrDenied
}

// login logs a user in and returns the cookie.
func (f *fixture) login(user, by string) string {
	f.t.Helper()
	_, err := f.directory.RecordLogin(f.t.Context(), identity.Login{Name: user, Authenticator: by, AuthState: json.RawMessage(`"` + by + `"`)})
	if err != nil {
		f.t.Fatal(err)
	}
	cookie, _, err := f.directory.CreateSession(f.t.Context(), user, by)
	if err != nil {
		f.t.Fatal(err)
	}
	return cookie
}

// session is that of a cookie, nil if it has ended.
func (f *fixture) session(cookie string) *identity.Session {
	f.t.Helper()
	found, err := f.directory.BySession(f.t.Context(), cookie)
	if errors.Is(err, identity.ErrInvalid) {
		return nil
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return found.Session
}

// confirm confirms the session of a cookie as a request would.
func (f *fixture) confirm(c *Checker, cookie string) (again bool, err error) {
	f.t.Helper()
	session := f.session(cookie)
	if session == nil {
		f.t.Fatal("the session has ended")
	}
	return c.Confirm(f.t.Context(), nil, session)
}

// asked fails unless the site was asked so often.
func (f *fixture) asked(want int) {
	f.t.Helper()
	synctest.Wait()
	if got := f.site.questions(); got != want {
		f.t.Fatalf("asked %d times, want %d", got, want)
	}
}
