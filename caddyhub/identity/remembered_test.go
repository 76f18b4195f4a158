package identity

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// TestRememberedCredentials changes one thing after a session, a token and a
// visitor token have been seen, and asks again: what was remembered must not
// outlive what it rests on, on this node at once.
func TestRememberedCredentials(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, f *fixture, session *Session) error
		// still are those that are good afterwards, of "session token visitor".
		still string
	}{
		{"nothing", func(*testing.T, *fixture, *Session) error { return nil }, "session token visitor"},
		{"another user", func(t *testing.T, f *fixture, _ *Session) error {
			return f.DeleteUser(t.Context(), "bob")
		}, "session token visitor"},
		{"logout", func(t *testing.T, f *fixture, session *Session) error {
			return f.DeleteSession(t.Context(), session)
		}, "token"},
		{"token revoked", func(t *testing.T, f *fixture, _ *Session) error {
			f.do(t, func(w store.Writer) error { return deleteTokens(w, UserOwner("ada"), nil) })
			return nil
		}, "session visitor"},
		{"user deleted", func(t *testing.T, f *fixture, _ *Session) error {
			return f.DeleteUser(t.Context(), "ada")
		}, ""},
		{"user made anew", func(t *testing.T, f *fixture, _ *Session) error {
			if err := f.DeleteUser(t.Context(), "ada"); err != nil {
				return err
			}
			_, err := f.CreateUser(t.Context(), "ada", false)
			return err
		}, ""},
		{"idle", func(_ *testing.T, f *fixture, _ *Session) error {
			f.clock.Advance(DefaultIdleTimeout)
			return nil
		}, "token"},
		{"shorter sessions", func(_ *testing.T, f *fixture, _ *Session) error {
			f.clock.Advance(time.Minute)
			f.Configure(Settings{Sessions: SessionLimits{Idle: time.Minute}})
			return nil
		}, "token"},
		{"visitor token too old", func(_ *testing.T, f *fixture, _ *Session) error {
			f.clock.Advance(VisitorLifetime)
			return nil
		}, "session token"},
		{"keys exchanged", func(_ *testing.T, f *fixture, _ *Session) error {
			return f.ring.Replace([]keyring.Key{keyring.NewKey(f.clock.Now().Add(-time.Hour))})
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.newUser(t, "ada")
			f.newUser(t, "bob")
			cookie, session := f.login(t, "ada")
			token, _ := f.token(t, NewToken{Owner: UserOwner("ada"), Scopes: []string{scope.Inherit}})
			visitor := f.VisitorToken(&session, scope.Client{Server: scope.Server{User: "ada"}})
			ask := func() (good []string) {
				for _, one := range []struct {
					name   string
					by     func() (*Identity, error)
					wanted *Identity
				}{
					{name: "session", by: func() (*Identity, error) { return f.BySession(t.Context(), cookie) }},
					{name: "token", by: func() (*Identity, error) { return f.ByToken(t.Context(), token) }},
					{name: "visitor", by: func() (*Identity, error) { return f.ByToken(t.Context(), visitor) }},
				} {
					found, err := one.by()
					if err != nil && !errors.Is(err, ErrInvalid) {
						t.Fatal(err)
					}
					if err == nil && found.User.Name == "ada" {
						good = append(good, one.name)
					}
				}
				return good
			}
			// As soon as the feed has told that they were made.
			for f.recall(rememberedToken, token) == nil || f.recall(rememberedSession, cookie) == nil || f.recall(rememberedToken, visitor) == nil {
				if got := strings.Join(ask(), " "); got != "session token visitor" {
					t.Fatalf("good before: %q", got)
				}
			}
			if f.recall(rememberedSession, token) != nil || f.recall(rememberedToken, cookie) != nil {
				t.Error("a credential of one kind counts as one of another")
			}
			if err := test.change(t, f, &session); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(ask(), " "); got != test.still {
				t.Errorf("good after it: %q, want %q", got, test.still)
			}
		})
	}
}

// TestRememberedScopesChange gives a role to a user who has been seen, and to a
// group of theirs, and takes both away.
func TestRememberedScopesChange(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.newUser(t, "ada")
		f.apply(t, Configuration{Roles: []ConfiguredRole{{Role: Role{Name: "reader", Scopes: []string{"read:metrics"}}}}})
		cookie, _ := f.login(t, "ada")
		holds := func(want bool) {
			t.Helper()
			for range 3 {
				found, err := f.BySession(t.Context(), cookie)
				if err != nil {
					t.Fatal(err)
				}
				if found.Scopes.Contains("read:metrics") != want {
					t.Errorf("holds the scope: %v", !want)
				}
			}
		}
		holds(false)
		for _, roles := range [][]string{{"reader"}, nil} {
			if _, err := f.UpdateUser(t.Context(), "ada", func(u *User) error { u.Roles = roles; return nil }); err != nil {
				t.Fatal(err)
			}
			holds(len(roles) > 0)
		}
	})
}

func TestLongCredentialsAreNotRemembered(t *testing.T) {
	f := newFixture(t)
	long := strings.Repeat("x", maxRemembered+1)
	if _, err := f.ByToken(t.Context(), long); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if _, ok := f.credentials.fingerprint(rememberedToken, long); ok {
		t.Error("a credential longer than the limit has a fingerprint")
	}
	one, _ := f.credentials.fingerprint(rememberedToken, "one")
	if other, _ := newCredentials().fingerprint(rememberedToken, "one"); one == other {
		t.Error("fingerprints are the same in every process")
	}
}
