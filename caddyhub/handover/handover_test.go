package handover

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
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
	adasHost = "ada.hub.example.org"
	evesHost = "eve.hub.example.org"
)

// nodes are several nodes of a hub over one store.
type nodes struct {
	clock *storetest.Clock
	keys  *keyring.Ring
	all   []*Handover
}

func newNodes(t testing.TB, stores ...store.Store) *nodes {
	t.Helper()
	n := &nodes{clock: storetest.NewClock()}
	if len(stores) == 0 {
		opened, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db"), Now: n.clock.Now})
		stores = append(stores, must(t, opened, err))
		t.Cleanup(func() { _ = opened.Close() })
	}
	ring, err := keyring.New([]keyring.Key{keyring.NewKey(n.clock.Now().Add(-time.Hour))}, n.clock.Now)
	n.keys = must(t, ring, err)
	for _, s := range stores {
		n.all = append(n.all, New(Options{
			Directory: identity.New(identity.Options{Store: s, Keys: n.keys, Now: n.clock.Now}),
			Allow:     func(host string) bool { return strings.HasSuffix(host, ".hub.example.org") },
			Now:       n.clock.Now,
		}))
	}
	for _, name := range []string{"ada", "eve"} {
		_, err := n.directory().CreateUser(t.Context(), name, false)
		must(t, true, err)
	}
	return n
}

func (n *nodes) directory() *identity.Directory { return n.all[0].directory }

func (n *nodes) login(t testing.TB, name string) *identity.Session {
	t.Helper()
	_, session, err := n.directory().CreateSession(t.Context(), name, "dummy")
	return must(t, &session, err)
}

func must[T any](t testing.TB, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

const secret = "0123456789abcdefghij0123456789abcdefghij0123456789ab"

func (n *nodes) issue(t testing.TB, session *identity.Session) string {
	t.Helper()
	code, err := n.all[0].Issue(t.Context(), session, adasHost, State(secret), "/user/ada/lab?x=1")
	return must(t, code, err)
}

func TestHandover(t *testing.T) {
	n := newNodes(t)
	session := n.login(t, "ada")
	code := n.issue(t, session)
	n.clock.Advance(lifetime - time.Second)
	got, err := n.all[0].Redeem(t.Context(), code, adasHost, []string{strings.ToUpper(secret), secret})
	if err != nil || got.Next != "/user/ada/lab?x=1" || got.Session.ID != session.ID {
		t.Fatalf("%+v, %v", got, err)
	}
	found, err := n.directory().ByHostSession(t.Context(), got.Cookie, adasHost)
	if err != nil || found.Name() != "ada" {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := n.directory().ByHostSession(t.Context(), got.Cookie, evesHost); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("the session is good on another host: %v", err)
	}
}

// A code that is worth nothing says so in one way, and is used up by the attempt.
func TestWorthlessCodes(t *testing.T) {
	for name, test := range map[string]struct {
		host    string
		secrets []string
		before  func(*testing.T, *nodes, *identity.Session)
		change  func(code string) string
		// kept says that the true code is still there after the attempt.
		kept bool
	}{
		"another host":              {host: evesHost, secrets: []string{secret}},
		"a host nobody knows":       {host: "hub.example.org", secrets: []string{secret}},
		"the host with a port":      {host: adasHost + ":443", secrets: []string{secret}},
		"the host in capitals":      {host: strings.ToUpper(adasHost), secrets: []string{secret}},
		"the host with a suffix":    {host: adasHost + ".eve.example", secrets: []string{secret}},
		"another browser":           {host: adasHost, secrets: []string{strings.ToUpper(secret)}},
		"a browser without secrets": {host: adasHost},
		"the state for a secret":    {host: adasHost, secrets: []string{State(secret)}},
		"too late": {host: adasHost, secrets: []string{secret}, before: func(_ *testing.T, n *nodes, _ *identity.Session) {
			n.clock.Advance(lifetime)
		}},
		"after logout": {host: adasHost, secrets: []string{secret}, before: func(t *testing.T, n *nodes, s *identity.Session) {
			must(t, true, n.directory().DeleteSession(t.Context(), s))
		}},
		"another code":   {host: adasHost, secrets: []string{secret}, change: strings.ToLower, kept: true},
		"a part of it":   {host: adasHost, secrets: []string{secret}, change: func(code string) string { return code[1:] }, kept: true},
		"no code":        {host: adasHost, secrets: []string{secret}, change: func(string) string { return "" }, kept: true},
		"a code forever": {host: adasHost, secrets: []string{secret}, change: func(code string) string { return strings.Repeat(code, 999) }, kept: true},
	} {
		n := newNodes(t)
		session := n.login(t, "ada")
		code := n.issue(t, session)
		if test.before != nil {
			test.before(t, n, session)
		}
		tried := code
		if test.change != nil {
			tried = test.change(code)
		}
		if got, err := n.all[0].Redeem(t.Context(), tried, test.host, test.secrets); !errors.Is(err, ErrCode) || got.Cookie != "" || got.Session.ID != "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		_, err := n.all[0].Redeem(t.Context(), code, adasHost, []string{secret})
		if (err == nil) != test.kept {
			t.Errorf("%s: the true code afterwards: %v", name, err)
		}
	}
}

func TestIssueRefuses(t *testing.T) {
	n := newNodes(t)
	ended := n.login(t, "ada")
	must(t, true, n.directory().DeleteSession(t.Context(), ended))
	session, state := n.login(t, "ada"), State(secret)
	for name, test := range map[string]struct {
		session           *identity.Session
		host, state, next string
		want              error
	}{
		"a host nobody knows":  {session, "evil.example", state, "/", ErrHost},
		"no host":              {session, "", state, "/", ErrHost},
		"a host with an end":   {session, adasHost + ".evil.example", state, "/", ErrHost},
		"a port":               {session, adasHost + ":8443", state, "/", ErrHost},
		"capitals":             {session, strings.ToUpper(adasHost), state, "/", ErrHost},
		"a trailing dot":       {session, adasHost + ".", state, "/", ErrHost},
		"a user":               {session, "x@" + adasHost, state, "/", ErrHost},
		"no state":             {session, adasHost, "", "/", ErrRequest},
		"the secret for state": {session, adasHost, secret, "/", ErrRequest},
		"no next":              {session, adasHost, state, "", ErrRequest},
		"next elsewhere":       {session, adasHost, state, "//evil.example/", ErrRequest},
		"next with a host":     {session, adasHost, state, "https://" + adasHost + "/", ErrRequest},
		"next with dots":       {session, adasHost, state, "/../x", ErrRequest},
		"an ended session":     {ended, adasHost, state, "/", identity.ErrInvalid},
	} {
		if code, err := n.all[0].Issue(t.Context(), test.session, test.host, test.state, test.next); !errors.Is(err, test.want) || code != "" {
			t.Errorf("%s: %q, %v", name, code, err)
		}
	}
}

// Neither code nor secret is in the store.
func TestNothingToSteal(t *testing.T) {
	n := newNodes(t)
	code := n.issue(t, n.login(t, "ada"))
	must(t, true, n.directory().Store().View(t.Context(), func(r store.Reader) error {
		records, err := r.List("handover_code", store.Page{})
		if err != nil || len(records) != 1 {
			t.Fatalf("%d records, %v", len(records), err)
		}
		record := records[0]
		for _, stolen := range []string{code, secret} {
			if strings.Contains(record.Key.ID+string(record.Value), stolen) {
				t.Errorf("%s: %s", record.Key.ID, record.Value)
			}
		}
		if left := record.Expires.Sub(n.clock.Now()); left <= 0 || left > time.Minute {
			t.Errorf("expires in %v", left)
		}
		return nil
	}))
}

// A code that was issued under a key that has been rotated since is still good.
func TestRotation(t *testing.T) {
	n := newNodes(t)
	code := n.issue(t, n.login(t, "ada"))
	must(t, true, n.keys.Replace(append(n.keys.Keys(), keyring.NewKey(n.clock.Now()))))
	if _, err := n.all[0].Redeem(t.Context(), code, adasHost, []string{secret}); err != nil {
		t.Error(err)
	}
}

// Of many attempts at once one gets a session, whichever node it asks.
func TestSingleUse(t *testing.T) {
	t.Run("one node", func(t *testing.T) { singleUse(t, newNodes(t)) })
	t.Run("two nodes over Redis", func(t *testing.T) {
		address := redistest.Start(t, redistest.Options{}).URL()
		singleUse(t, newNodes(t, openRedis(t, address), openRedis(t, address)))
	})
}

func openRedis(t *testing.T, address string) store.Store {
	t.Helper()
	clock := storetest.NewClock()
	opened, err := redis.Open(redis.Options{URL: address, Now: clock.Now})
	t.Cleanup(func() { _ = opened.Close() })
	return must(t, opened, err)
}

func singleUse(t *testing.T, n *nodes) {
	session := n.login(t, "ada")
	for round := range 3 {
		code := n.issue(t, session)
		var group sync.WaitGroup
		var granted atomic.Int32
		for i := range 200 {
			group.Go(func() {
				if _, err := n.all[i%len(n.all)].Redeem(t.Context(), code, adasHost, []string{secret}); err == nil {
					granted.Add(1)
				}
			})
		}
		group.Wait()
		if granted.Load() != 1 {
			t.Errorf("round %d: %d attempts got a session", round, granted.Load())
		}
	}
}

// Whatever is presented, only the code that was issued opens anything.
func FuzzRedeem(f *testing.F) {
	n := newNodes(f)
	code := n.issue(f, n.login(f, "ada"))
	for _, seed := range []string{code, strings.ToLower(code), "", "..", "\xff", State(secret)} {
		f.Add(seed, adasHost, secret)
	}
	f.Add(code, evesHost, secret)
	f.Fuzz(func(t *testing.T, tried, host, known string) {
		got, err := n.all[0].Redeem(t.Context(), tried, host, []string{known})
		if err != nil && !errors.Is(err, ErrCode) {
			t.Errorf("%q at %q: %v", tried, host, err)
		}
		if err == nil && (tried != code || host != adasHost || known != secret) {
			t.Errorf("%q at %q by %q: %+v", tried, host, known, got)
		}
	})
}
