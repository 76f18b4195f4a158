package identity

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
)

// tied logs a user in whom another site knows by these names.
func (f *fixture) tied(t *testing.T, user, authenticator string, elsewhere Elsewhere) (cookie string) {
	t.Helper()
	cookie, session, err := f.CreateSession(t.Context(), user, authenticator)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.TieSession(t.Context(), session, elsewhere); err != nil {
		t.Fatal(err)
	}
	return cookie
}

// A logout elsewhere ends the sessions that it is about, and no other.
func TestEndAnnounced(t *testing.T) {
	sessions := map[string]struct {
		user, authenticator string
		elsewhere           Elsewhere
	}{
		"laptop":       {"ada", "oidc", Elsewhere{"a-1", "s-1"}},
		"phone":        {"ada", "oidc", Elsewhere{"a-1", "s-2"}},
		"no session":   {"ada", "oidc", Elsewhere{Subject: "a-1"}},
		"other issuer": {"ada", "other", Elsewhere{"a-1", "s-1"}},
		"other user":   {"eve", "oidc", Elsewhere{"e-1", "s-3"}},
		"not tied":     {"ada", "oidc", Elsewhere{}},
	}
	for name, test := range map[string]struct {
		about Elsewhere
		ends  []string
	}{
		"one session":             {Elsewhere{Session: "s-1"}, []string{"laptop"}},
		"one session of somebody": {Elsewhere{"a-1", "s-1"}, []string{"laptop", "no session"}},
		"all of somebody":         {Elsewhere{Subject: "a-1"}, []string{"laptop", "phone", "no session"}},
		"nobody here":             {Elsewhere{"x", "y"}, nil},
		"a subject as session":    {Elsewhere{Session: "a-1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.newUser(t, "ada")
			f.newUser(t, "eve")
			cookies := make(map[string]string)
			for session, s := range sessions {
				cookies[session] = f.tied(t, s.user, s.authenticator, s.elsewhere)
			}
			ended, err := f.EndAnnounced(t.Context(), AnnouncedLogout{
				Authenticator: "oidc", Elsewhere: test.about, ID: "j-1", Expires: f.clock.Now().Add(time.Hour),
			})
			if err != nil || len(ended) != len(test.ends) {
				t.Errorf("ended %d sessions, error %v; want %q", len(ended), err, test.ends)
			}
			over := make(map[string]bool)
			for _, session := range test.ends {
				over[session] = true
			}
			for session, cookie := range cookies {
				if _, err := f.BySession(t.Context(), cookie); (err != nil) != over[session] || err != nil && !errors.Is(err, ErrInvalid) {
					t.Errorf("session %q: %v", session, err)
				}
			}
		})
	}
}

// With a session end the tokens that were issued within it.
func TestEndAnnouncedTokens(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	cookie := f.tied(t, "ada", "oidc", Elsewhere{Subject: "a-1"})
	found, err := f.BySession(t.Context(), cookie)
	if err != nil {
		t.Fatal(err)
	}
	token := keyring.RandomToken(16)
	if _, err := f.CreateToken(t.Context(), token, NewToken{Owner: UserOwner("ada"), BrowserSession: found.Session.BrowserSession}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.EndAnnounced(t.Context(), AnnouncedLogout{Authenticator: "oidc", Elsewhere: Elsewhere{Subject: "a-1"}, ID: "j"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ByToken(t.Context(), token); !errors.Is(err, ErrInvalid) {
		t.Errorf("the token of the session: %v", err)
	}
}

// An announcement counts once, on whatever node, and is forgotten in time.
func TestEndAnnouncedOnce(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *fixture{"embedded": newFixture, "redis": newRedisFixture} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			f.newUser(t, "ada")
			logout := AnnouncedLogout{
				Authenticator: "oidc", Elsewhere: Elsewhere{Subject: "a-1"}, ID: "j-1", Expires: f.clock.Now().Add(time.Minute),
			}
			var tries sync.WaitGroup
			results := make([]error, 8)
			for i := range results {
				tries.Go(func() { _, results[i] = f.EndAnnounced(t.Context(), logout) })
			}
			tries.Wait()
			done := 0
			for _, err := range results {
				if err == nil {
					done++
				} else if !errors.Is(err, ErrAnnounced) {
					t.Errorf("error %v", err)
				}
			}
			if done != 1 {
				t.Errorf("carried out %d times", done)
			}
			cookie := f.tied(t, "ada", "oidc", Elsewhere{Subject: "a-1"})
			if _, err := f.EndAnnounced(t.Context(), logout); !errors.Is(err, ErrAnnounced) {
				t.Errorf("replayed: %v", err)
			}
			if _, err := f.BySession(t.Context(), cookie); err != nil {
				t.Errorf("a replayed logout ended a later session: %v", err)
			}
			logout.Authenticator = "other"
			if _, err := f.EndAnnounced(t.Context(), logout); err != nil {
				t.Errorf("the same id of another site: %v", err)
			}
			f.clock.Advance(2 * time.Minute)
			if left := f.records(t, "announced_logout"); len(left) != 0 {
				t.Errorf("remembered for too long: %q", left)
			}
		})
	}
}

func TestEndAnnouncedOfNobody(t *testing.T) {
	f := newFixture(t)
	for _, logout := range []AnnouncedLogout{{Elsewhere: Elsewhere{Subject: "a"}}, {ID: "j"}} {
		if _, err := f.EndAnnounced(t.Context(), logout); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", logout, err)
		}
	}
}
