package identity

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// populate gives a user everything that a user can have, and returns the
// credentials.
func populate(t testing.TB, f *fixture, name string) (cookies, secrets []string, login Session) {
	t.Helper()
	if _, err := f.RecordLogin(t.Context(), Login{
		Name: name, Authenticator: "dummy", AuthState: json.RawMessage(`{"refresh_token":"x"}`),
		ManageGroups: true, Groups: []string{"astro", "staff"},
	}); err != nil {
		t.Fatal(err)
	}
	_, err := f.UpdateUser(t.Context(), name, func(user *User) error {
		user.Roles, user.Admin = []string{"reader", "writer"}, true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	cookie, _ := f.login(t, name)
	last, login := f.login(t, name)
	lab := scope.Client{Server: scope.Server{User: name}}
	for _, details := range []NewToken{
		{Scopes: inherit},
		{Scopes: inherit, Lifetime: time.Hour},
		{ClientID: "jupyterhub-user-" + name, Client: lab, BrowserSession: login.BrowserSession, Lifetime: time.Hour},
		{ClientID: "service-grafana", Client: scope.Client{Service: "grafana"}, BrowserSession: login.BrowserSession},
	} {
		details.Owner = UserOwner(name)
		secret, token := f.token(t, details)
		secrets = append(secrets, secret)
		f.Activity().Touch(ActivityOfToken(token.ID), f.clock.Now())
	}
	f.Activity().Touch(ActivityOfUser(name), f.clock.Now())
	if err := f.Activity().Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return []string{cookie, last}, append(secrets, f.VisitorToken(&login, lab)), login
}

// dead fails unless all credentials are worthless.
func dead(t *testing.T, f *fixture, cookies, secrets []string) {
	t.Helper()
	for _, cookie := range cookies {
		if found, err := f.BySession(t.Context(), cookie); !errors.Is(err, ErrInvalid) {
			t.Errorf("a cookie is alive: %v, %v", found, err)
		}
	}
	for i, secret := range secrets {
		if found, err := f.ByToken(t.Context(), secret); !errors.Is(err, ErrInvalid) {
			t.Errorf("token %d is alive: %v, %v", i, found, err)
		}
	}
}

// Nothing remembers a user who was deleted, and a new one of the same name has
// none of the old one's credentials.
func TestDeleteUser(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		const name = "zz ada/é zz"
		cookies, secrets, _ := populate(t, f, name)
		populate(t, f, "bob")
		checkIndexes(t, f)
		bobs := mentions(t, f, "bob")
		// Touched on another node, not yet written.
		other := New(Options{Store: f.store, Keys: f.ring, Now: f.clock.Now})
		f.clock.Advance(time.Minute)
		token := firstToken(t, f, name)
		other.Activity().Touch(ActivityOfToken(token.ID), f.clock.Now())
		other.Activity().Touch(ActivityOfUser(name), f.clock.Now())
		if err := f.DeleteUser(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if err := other.Activity().Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{name, store.Join(name), token.ID} {
			if left := mentions(t, f, text); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		}
		dead(t, f, cookies, secrets)
		if diff := cmp.Diff(bobs, mentions(t, f, "bob")); diff != "" {
			t.Errorf("another user has changed: %s", diff)
		}
		checkIndexes(t, f)
		if _, err := f.CreateUser(t.Context(), name, false); err != nil {
			t.Fatal(err)
		}
		dead(t, f, cookies, secrets)
		if err := f.DeleteUser(t.Context(), "nobody"); !errors.Is(err, ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}

func firstToken(t testing.TB, f *fixture, user string) (token Token) {
	t.Helper()
	f.read(t, func(r store.Reader) error {
		list, err := Tokens(r, UserOwner(user))
		if err == nil {
			token = list[0]
		}
		return err
	})
	return token
}

// Even if credentials were left in the store, a later user of the same name
// does not inherit them.
func TestNumbersTellUsersApart(t *testing.T) {
	f := newFixture(t)
	cookies, secrets, _ := populate(t, f, "ada")
	state, err := f.User(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	f.do(t, func(w store.Writer) error { return users.Delete(w, "ada") })
	dead(t, f, cookies, secrets)
	again := f.newUser(t, "ada")
	dead(t, f, cookies, secrets)
	again.SealedAuthState = state.SealedAuthState
	if opened, err := f.AuthState(again); err == nil {
		t.Errorf("the auth state of an earlier user opens: %s", opened)
	}
}

// Logging out ends the session with the tokens issued within it, and nothing
// else (JupyterHub 3.5).
func TestDeleteSession(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		cookies, secrets, login := populate(t, f, "ada")
		plain, within := secrets[:2], secrets[2:]
		for range 2 { // the second time there is nothing left to end
			if err := f.DeleteSession(t.Context(), &login); err != nil {
				t.Fatal(err)
			}
			dead(t, f, cookies[1:], within)
			checkIndexes(t, f)
			if _, err := f.BySession(t.Context(), cookies[0]); err != nil {
				t.Errorf("the other session: %v", err)
			}
			for _, secret := range plain {
				if _, err := f.ByToken(t.Context(), secret); err != nil {
					t.Errorf("a plain token: %v", err)
				}
			}
		}
		if err := f.RenewSession(t.Context(), &Session{ID: login.ID}); !errors.Is(err, ErrInvalid) {
			t.Errorf("renewing it: %v", err)
		}
	})
}

func TestDeleteClient(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		const id = "service-grafana"
		f.do(t, func(w store.Writer) error { return f.PutClient(w, OAuthClient{ID: id}, "secret") })
		_, adas, _ := populate(t, f, "ada")
		_, bobs, _ := populate(t, f, "bob")
		f.do(t, func(w store.Writer) error { return DeleteClient(w, id) })
		dead(t, f, nil, []string{adas[3], bobs[3]})
		if left := mentions(t, f, id); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
		for _, secret := range slices.Concat(adas[:3], bobs[:3], adas[4:], bobs[4:]) {
			if _, err := f.ByToken(t.Context(), secret); err != nil {
				t.Errorf("a token of another client: %v", err)
			}
		}
		checkIndexes(t, f)
	})
}

// A token that is made while its owner is deleted is worthless and leaves
// nothing behind, whichever comes first.
func TestDeletedMeanwhile(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		for range 20 {
			f.newUser(t, "ada")
			var group sync.WaitGroup
			for range 3 {
				group.Go(func() {
					_, err := f.CreateToken(t.Context(), keyring.RandomToken(16), NewToken{Owner: UserOwner("ada"), Scopes: inherit})
					if err != nil && !errors.Is(err, ErrNotFound) {
						t.Error(err)
					}
				})
			}
			group.Go(func() {
				_, _, err := f.CreateSession(t.Context(), "ada", "dummy")
				if err != nil && !errors.Is(err, ErrNotFound) {
					t.Error(err)
				}
			})
			group.Go(func() {
				if _, err := f.SetGroups(t.Context(), "ada", []string{"astro"}); err != nil && !errors.Is(err, ErrNotFound) {
					t.Error(err)
				}
			})
			group.Go(func() {
				if err := f.DeleteUser(t.Context(), "ada"); err != nil {
					t.Error(err)
				}
			})
			group.Wait()
			if left := mentions(t, f, "ada"); len(left) > 0 {
				t.Fatalf("left behind: %q", left)
			}
		}
	})
}
