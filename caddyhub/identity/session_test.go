package identity

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// A session lives as long as its traffic, up to its lifetime, and logging the
// user out everywhere finds it however often it was renewed.
func TestSessionLimits(t *testing.T) {
	const idle, lifetime = time.Hour, 5 * time.Hour
	for name, test := range map[string]struct {
		pauses []time.Duration // between requests, each of which renews
		alive  bool
	}{
		"at once":                   {nil, true},
		"just before the idle end":  {[]time.Duration{idle - time.Second}, true},
		"at the idle end":           {[]time.Duration{idle}, false},
		"with traffic":              {[]time.Duration{50 * time.Minute, 50 * time.Minute, 50 * time.Minute}, true},
		"traffic too early to note": {[]time.Duration{5 * time.Minute, 55 * time.Minute}, false},
		"traffic just in time":      {[]time.Duration{6 * time.Minute, 59 * time.Minute}, true},
		"before the end of life":    {[]time.Duration{59 * time.Minute, 59 * time.Minute, 59 * time.Minute, 59 * time.Minute, 59 * time.Minute}, true},
		"at the end of life":        {[]time.Duration{time.Hour - 1, time.Hour - 1, time.Hour - 1, time.Hour - 1, time.Hour - 1, 5}, false},
	} {
		f := newFixture(t)
		f.Configure(Settings{Sessions: SessionLimits{Idle: idle, Lifetime: lifetime}})
		f.newUser(t, "ada")
		cookie, _ := f.login(t, "ada")
		var err error
		for _, pause := range test.pauses {
			f.clock.Advance(pause)
			var found *Identity
			if found, err = f.BySession(t.Context(), cookie); err != nil {
				break
			}
			if err = f.RenewSession(t.Context(), found.Session); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if (err == nil) != test.alive || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if index := f.records(t, "session_of_user"); (len(index) == 1) != test.alive {
			t.Errorf("%s: index %q", name, index)
		}
		if err := f.DeleteSessions(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.BySession(t.Context(), cookie); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: alive after logging out everywhere: %v", name, err)
		}
	}
}

// Shorter limits count at once, also for sessions that nobody uses.
func TestShorterLimits(t *testing.T) {
	for _, limits := range []SessionLimits{{Idle: 10 * time.Minute}, {Lifetime: 10 * time.Minute}} {
		f := newFixture(t)
		f.newUser(t, "ada")
		cookie, session := f.login(t, "ada")
		token := f.VisitorToken(&session, adaLab)
		f.clock.Advance(11 * time.Minute)
		if _, err := f.BySession(t.Context(), cookie); err != nil {
			t.Fatal(err)
		}
		f.Configure(Settings{Sessions: limits})
		_, byCookie := f.BySession(t.Context(), cookie)
		_, byVisitor := f.ByToken(t.Context(), token)
		if !errors.Is(byCookie, ErrInvalid) || !errors.Is(byVisitor, ErrInvalid) {
			t.Errorf("%+v: %v, %v", limits, byCookie, byVisitor)
		}
	}
}

// Of many requests at the instant of a renewal, one writes (edge-and-caddy S8).
func TestRenewalsAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.newUser(t, "ada")
		_, session := f.login(t, "ada")
		f.clock.Advance(DefaultIdleTimeout / renewals)
		changes := f.changes(t, func() {
			var group sync.WaitGroup
			for range 200 {
				group.Go(func() {
					if err := f.RenewSession(t.Context(), &session); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
		})
		if len(changes) != 2 {
			t.Errorf("%d records written, want session and index once: %v", len(changes), changes)
		}
	})
}

// Whichever of a renewal and a logout comes first, the session is gone.
func TestLogoutBeatsRenewal(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.newUser(t, "ada")
		for i := range 30 {
			cookie, session := f.login(t, "ada")
			f.clock.Advance(DefaultIdleTimeout / renewals)
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					if err := f.RenewSession(t.Context(), &session); err != nil && !errors.Is(err, ErrInvalid) {
						t.Error(err)
					}
				})
			}
			group.Go(func() {
				var err error
				if i%2 == 0 {
					err = f.DeleteSession(t.Context(), &session)
				} else {
					err = f.DeleteSessions(t.Context(), "ada")
				}
				if err != nil {
					t.Error(err)
				}
			})
			group.Wait()
			if _, err := f.BySession(t.Context(), cookie); !errors.Is(err, ErrInvalid) {
				t.Fatalf("the session is back: %v", err)
			}
		}
		if left := append(f.records(t, "session"), f.records(t, "session_of_user")...); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

func TestCookiesOfOthers(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	cookie, session := f.login(t, "ada")
	other, _ := f.login(t, "ada")
	id, secret, _ := strings.Cut(cookie, ".")
	otherID, otherSecret, _ := strings.Cut(other, ".")
	elsewhere := newFixture(t)
	elsewhere.newUser(t, "ada")
	foreign, _ := elsewhere.login(t, "ada")
	for name, value := range map[string]string{
		"empty": "", "a dot": ".", "only the id": id, "no secret": id + ".", "no id": "." + secret,
		"three parts": cookie + ".x", "an empty third part": cookie + ".", "the secret of another": id + "." + otherSecret,
		"the id of another": otherID + "." + secret, "turned around": secret + "." + id, "cut off": cookie[:len(cookie)-1],
		"longer": cookie + "A", "of another hub": foreign, "the record's id": session.ID + "." + secret,
		"what servers see": session.BrowserSession, "a space": cookie + " ", "upper case": strings.ToUpper(cookie),
		"endless": strings.Repeat("a", 1<<20) + "." + secret, "slashes": "../" + cookie, "zero bytes": "\x00.\x00",
	} {
		if found, err := f.BySession(t.Context(), value); !errors.Is(err, ErrInvalid) || found != nil {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	if found, err := f.BySession(t.Context(), cookie); err != nil || found.Name() != "ada" || found.Session.ID != session.ID {
		t.Errorf("the right one: %v, %v", found, err)
	}
}

// A new login has nothing of the one before (edge-and-caddy S4).
func TestLoginsShareNothing(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	cookie, one := f.login(t, "ada")
	again, two := f.login(t, "ada")
	if cookie == again || one.ID == two.ID || one.BrowserSession == two.BrowserSession {
		t.Errorf("%v and %v", one, two)
	}
	if _, _, err := f.CreateSession(t.Context(), "nobody", "dummy"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a session of nobody: %v", err)
	}
}

// A record of one kind is no session of another, wherever it is put (S6).
func TestRecordsOfOtherKinds(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	cookie, session := f.login(t, "ada")
	f.do(t, func(w store.Writer) error {
		record, err := w.Get(users.Key("ada"))
		if err != nil {
			return err
		}
		return w.Put(sessions.Key(session.ID), record.Value, time.Time{})
	})
	_, err := f.BySession(t.Context(), cookie)
	if !errors.Is(err, store.ErrType) || errors.Is(err, ErrInvalid) {
		t.Errorf("a user in the place of a session: %v", err)
	}
}
