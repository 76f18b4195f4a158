package refresh

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// Nobody is asked before it is time to; then once, and no request waits for it.
func TestDue(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		time.Sleep(every - time.Second)
		if again, err := f.confirm(f.Checker, f.cookie); again || err != nil {
			t.Errorf("early: %v, %v", again, err)
		}
		f.asked(0)
		time.Sleep(2 * time.Second)
		release := f.site.holds()
		for range 3 {
			if again, err := f.confirm(f.Checker, f.cookie); again || err != nil {
				t.Errorf("due: %v, %v", again, err)
			}
		}
		f.asked(1)
		begun := time.Now()
		time.Sleep(time.Second)
		release()
		synctest.Wait()
		if at := f.session(f.cookie).Confirmed; !at.Equal(begun) {
			t.Errorf("confirmed at %s, the question began at %s", at, begun)
		}
		_, _ = f.confirm(f.Checker, f.cookie)
		f.asked(1)
	})
}

// Who comes back after a long time waits for the answer.
func TestOverdue(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		time.Sleep(2*every + time.Second)
		release := f.site.holds()
		time.AfterFunc(time.Second, release)
		again, err := f.confirm(f.Checker, f.cookie)
		if !again || err != nil || f.site.questions() != 1 {
			t.Errorf("%v, %v after %d questions", again, err, f.site.questions())
		}
		if age := time.Since(f.session(f.cookie).Confirmed); age != time.Second {
			t.Errorf("confirmed %s ago", age)
		}
	})
}

// No ends every session by this authenticator, with its tokens, and no other.
func TestLoginAgain(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		second, other, bobs := f.login("ada", "site"), f.login("ada", "plain"), f.login("bob", "site")
		session := f.session(second)
		_, err := f.directory.CreateToken(t.Context(), "token-of-the-session", identity.NewToken{
			Owner: identity.UserOwner("ada"), ClientID: "service-wiki", Client: scope.Client{Service: "wiki"},
			BrowserSession: session.BrowserSession, Scopes: []string{"inherit"},
		})
		if err != nil {
			t.Fatal(err)
		}
		visitor := f.directory.VisitorToken(session, scope.Client{Server: scope.Server{User: "ada"}})
		f.site.says(authenticator.Refreshed{Outcome: authenticator.LoginAgain}, nil)
		time.Sleep(3 * every)
		if again, err := f.confirm(f.Checker, f.cookie); !again || err != nil {
			t.Errorf("%v, %v", again, err)
		}
		if f.session(f.cookie) != nil || f.session(second) != nil {
			t.Error("a session goes on")
		}
		if f.session(other) == nil || f.session(bobs) == nil {
			t.Error("the session of somebody else, or by another authenticator, ended")
		}
		for _, token := range []string{"token-of-the-session", visitor} {
			if _, err := f.directory.ByToken(t.Context(), token); !errors.Is(err, identity.ErrInvalid) {
				t.Errorf("a token of the session: %v", err)
			}
		}
		if diff := cmp.Diff([]Outcome{LoginAgain}, f.outcomes); diff != "" {
			t.Error(diff)
		}
	})
}

// Trouble changes nothing as long as there is grace, and then it is trouble, until
// there is an answer.
func TestGrace(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.site.says(authenticator.Refreshed{}, authenticator.ErrUnavailable)
		begun := time.Now()
		for time.Since(begun) < every+grace {
			if again, err := f.confirm(f.Checker, f.cookie); again || err != nil {
				t.Fatalf("after %s: %v, %v", time.Since(begun), again, err)
			}
			time.Sleep(time.Second)
		}
		if again, err := f.confirm(f.Checker, f.cookie); again || !errors.Is(err, ErrUnconfirmed) || !errors.Is(err, authenticator.ErrUnavailable) {
			t.Errorf("after the grace: %v, %v", again, err)
		}
		// One question each 10 seconds, though there was a request each second.
		if asked := f.site.questions(); asked < 50 || asked > 61 {
			t.Errorf("asked %d times", asked)
		}
		f.site.says(authenticator.Refreshed{Outcome: authenticator.Fresh}, nil)
		time.Sleep(rest)
		if again, err := f.confirm(f.Checker, f.cookie); !again || err != nil || f.session(f.cookie) == nil {
			t.Errorf("when it answers again: %v, %v", again, err)
		}
	})
}

// A site that takes its time holds nobody up for long who has grace left, and
// nobody for ever who has none.
func TestPatience(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		for _, test := range []struct {
			idle, waits time.Duration
			want        error
		}{{3 * every, hurry, nil}, {every + grace, checkTimeout, ErrUnconfirmed}} {
			cookie := f.login("eve", "site")
			time.Sleep(test.idle)
			release := f.site.holds()
			begun := time.Now()
			again, err := f.confirm(f.Checker, cookie)
			if waited := time.Since(begun); waited != test.waits || again || !errors.Is(err, test.want) {
				t.Errorf("idle for %s: %v, %v after %s", test.idle, again, err, waited)
			}
			time.Sleep(time.Minute)
			release()
			synctest.Wait()
		}
	})
}

// In the background nobody waits, and what is overdue stays until there is an answer.
func TestInBackground(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		time.Sleep(every + grace)
		release := f.site.holds()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for range 2 {
			again, err := f.Confirm(InBackground(t.Context()), r, f.session(f.cookie))
			if again || err != nil {
				t.Errorf("while it is asked: %v, %v", again, err)
			}
		}
		f.asked(1)
		if f.site.shown != nil {
			t.Error("a request from long ago was shown")
		}
		f.site.says(authenticator.Refreshed{}, authenticator.ErrUnavailable)
		release()
		synctest.Wait()
		if _, err := f.Confirm(InBackground(t.Context()), nil, f.session(f.cookie)); !errors.Is(err, ErrUnconfirmed) {
			t.Errorf("after no answer: %v", err)
		}
	})
}

// Two nodes ask once, however many requests they get, and both go by the answer.
func TestOneQuestion(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		other := f.node(Options{})
		for i, answer := range []authenticator.Outcome{authenticator.Fresh, authenticator.LoginAgain} {
			time.Sleep(3 * every)
			f.site.says(authenticator.Refreshed{Outcome: answer}, nil)
			release := f.site.holds()
			time.AfterFunc(time.Second, release)
			session := f.session(f.cookie)
			var group sync.WaitGroup
			for _, node := range []*Checker{f.Checker, other} {
				for range 20 {
					group.Go(func() {
						if again, err := node.Confirm(t.Context(), nil, session); !again || err != nil {
							t.Errorf("%v: %v, %v", answer, again, err)
						}
					})
				}
			}
			group.Wait()
			f.asked(i + 1)
		}
		if f.session(f.cookie) != nil {
			t.Error("the session goes on")
		}
	})
}

// A node that dies while it asks is waited for, and not for ever.
func TestDeadNode(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		time.Sleep(every)
		check, err := f.directory.BeginCheck(t.Context(), "ada", "site", f.session(f.cookie).Confirmed, claimLength)
		if err != nil || check.ID == "" {
			t.Fatalf("%+v, %v", check, err)
		}
		_, _ = f.confirm(f.Checker, f.cookie)
		f.asked(0)
		time.Sleep(claimLength + rest)
		_, _ = f.confirm(f.Checker, f.cookie)
		f.asked(1)
		if _, err := f.directory.Deny(t.Context(), check); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("the dead node came back: %v", err)
		}
	})
}

// A login while the site is asked about the one before is what counts.
func TestOvertaken(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.site.says(authenticator.Refreshed{Outcome: authenticator.LoginAgain}, nil)
		time.Sleep(every)
		release := f.site.holds()
		_, _ = f.confirm(f.Checker, f.cookie)
		f.asked(1)
		again := f.login("ada", "site")
		release()
		synctest.Wait()
		if f.session(f.cookie) == nil || f.session(again) == nil {
			t.Error("the answer about the login before ended a session")
		}
	})
}

// What has changed is written with the confirmation; what is not told stays.
func TestChanged(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.site.says(authenticator.Refreshed{Outcome: authenticator.Changed, Identity: &authenticator.Identity{
			Name: "ignored", Admin: new(true), Groups: []string{"staff", "astro"}, AuthState: json.RawMessage(`"new"`),
		}}, nil)
		time.Sleep(3 * every)
		if again, err := f.confirm(f.Checker, f.cookie); !again || err != nil {
			t.Fatalf("%v, %v", again, err)
		}
		user, err := f.directory.User(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		state, err := f.directory.AuthState(user)
		if err != nil || string(state) != `"new"` || !user.Admin || !slices.Equal(user.Groups, []string{"astro", "staff"}) {
			t.Errorf("%+v, %s, %v", user, state, err)
		}
		f.site.says(authenticator.Refreshed{Outcome: authenticator.Changed, Identity: &authenticator.Identity{}}, nil)
		time.Sleep(3 * every)
		_, _ = f.confirm(f.Checker, f.cookie)
		if after, err := f.directory.User(t.Context(), "ada"); err != nil || !after.Admin || len(after.Groups) != 2 {
			t.Errorf("%+v, %v", after, err)
		}
		if string(f.site.state) != `"new"` {
			t.Errorf("asked with %s", f.site.state)
		}
	})
}

// Who is asked about: sessions of authenticators that can be asked or are gone.
func TestConcerns(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		unasked, gone, portals := f.login("bob", "plain"), f.login("eve", "removed"), f.login("mia", "portal")
		time.Sleep(3 * every)
		if again, err := f.confirm(f.Checker, unasked); again || err != nil {
			t.Errorf("an authenticator that cannot be asked: %v, %v", again, err)
		}
		if again, err := f.confirm(f.node(Options{Others: []string{"portal"}}), portals); again || err != nil {
			t.Errorf("no authenticator at all: %v, %v", again, err)
		}
		if again, err := f.confirm(f.Checker, gone); !again || err != nil || f.session(gone) != nil {
			t.Errorf("an authenticator that is gone: %v, %v", again, err)
		}
		f.asked(0)
		never := New(Options{Directory: f.directory, Login: f.Checker.login, Every: -1})
		time.Sleep(24 * time.Hour / 4)
		if again, err := never.Confirm(t.Context(), nil, f.session(f.cookie)); again || err != nil {
			t.Errorf("off: %v, %v", again, err)
		}
		f.asked(0)
	})
}

// Before a start the login is asked about whatever its age, and a no is told.
func TestStarted(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		r := httptest.NewRequest(http.MethodPost, "/hub/spawn", nil)
		if err := f.Started(t.Context(), r, "ada"); err != nil || f.site.questions() != 0 {
			t.Errorf("not configured: %v", err)
		}
		node := f.node(Options{BeforeStart: true})
		for i, test := range []struct {
			answer authenticator.Refreshed
			err    error
			want   error
		}{
			{answer: authenticator.Refreshed{Outcome: authenticator.Fresh}},
			{err: authenticator.ErrUnavailable, want: ErrUnconfirmed},
			{want: ErrExpired},
		} {
			f.site.says(test.answer, test.err)
			if err := node.Started(t.Context(), r, "ada"); !errors.Is(err, test.want) {
				t.Errorf("%d: %v, want %v", i, err, test.want)
			}
			f.asked(i + 1)
			time.Sleep(rest)
		}
		if f.session(f.cookie) != nil {
			t.Error("the session goes on")
		}
		f.login("bob", "plain")
		for _, user := range []string{"bob", "nobody"} {
			if err := node.Started(t.Context(), nil, user); err != nil {
				t.Errorf("%s: %v", user, err)
			}
		}
	})
}
