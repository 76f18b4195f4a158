package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// grant is a grant of a token for a server, in a browser without a login.
func (f *fixture) grant(t testing.TB, secret string, client scope.Client) Grant {
	t.Helper()
	from, err := f.ByToken(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	grant, err := f.NewGrant(from, client, nil)
	return must(t, grant, err)
}

// A grant is the token's owner with what the token opens, there and nowhere else.
func TestGrantScopes(t *testing.T) {
	f := newFixture(t)
	definitions, err := scope.NewDefinitions(map[string]scope.Custom{"custom:lab:write": {Description: "write"}})
	if err != nil {
		t.Fatal(err)
	}
	f.Configure(Settings{Definitions: definitions})
	f.apply(t, Configuration{
		Roles: []ConfiguredRole{{
			Role: Role{Name: "helper", Scopes: []string{"access:servers!server=bob/lab", "custom:lab:write", "admin:users"}}, Users: []string{"ada"},
		}, {Role: Role{Name: "watcher", Scopes: []string{"access:servers"}}, Services: []string{"portal"}}},
		Services: []ConfiguredService{{Service: Service{Name: "portal"}}},
	})
	identify := []string{"read:users:groups!user=ada", "read:users:name!user=ada"}
	bobLab := scope.Client{Server: scope.Server{User: "bob", Name: "lab"}}
	for name, test := range map[string]struct {
		owner  Owner
		scopes []string
		client scope.Client
		want   []string
	}{
		"everything of the owner": {UserOwner("ada"), inherit, adaLab, append([]string{"access:servers!server=ada/", "custom:lab:write"}, identify...)},
		"one server":              {UserOwner("ada"), []string{"access:servers!server=ada/"}, adaLab, append([]string{"access:servers!server=ada/"}, identify...)},
		"a shared server":         {UserOwner("ada"), inherit, bobLab, append([]string{"access:servers!server=bob/lab", "custom:lab:write"}, identify...)},
		"another server":          {UserOwner("ada"), []string{"access:servers!server=ada/x"}, adaLab, identify},
		"no access":               {UserOwner("ada"), []string{"self"}, scope.Client{Server: scope.Server{User: "carl"}}, append([]string{"custom:lab:write"}, identify...)[1:]},
		"a service":               {ServiceOwner("portal"), inherit, adaLab, []string{"access:servers!server=ada/"}},
	} {
		secret, token := f.token(t, NewToken{Owner: test.owner, Scopes: test.scopes})
		grant := f.grant(t, secret, test.client)
		found, err := f.ByGrant(t.Context(), grant)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(test.want, found.Scopes.Strings()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
		if found.Owner != test.owner || found.Token == nil || found.Token.ID != token.ID || found.Session != nil || found.CookieID() != "grant "+grant.ID {
			t.Errorf("%s: %+v", name, found)
		}
		// What the upstream is handed is worth the same.
		visitor, err := f.ByToken(t.Context(), f.VisitorTokenOfGrant(&grant, test.client))
		if err != nil || !visitor.Scopes.Equal(found.Scopes) || visitor.Owner != test.owner || visitor.Visitor.Client != test.client {
			t.Errorf("%s: by visitor token %+v, %v", name, visitor, err)
		}
		if _, err := f.ByToken(t.Context(), f.VisitorTokenOfGrant(&grant, scope.Client{Service: "wiki"})); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: a visitor token for something else: %v", name, err)
		}
	}
}

// Grants end with what they were made of, and bring nothing back.
func TestGrantsEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		for name, end := range map[string]func(f *fixture, token Token) error{
			"revoked":          func(f *fixture, token Token) error { return f.DeleteToken(t.Context(), token.Owner, token.ID) },
			"expired":          func(f *fixture, _ Token) error { f.clock.Advance(time.Hour); return nil },
			"owner blocked":    func(f *fixture, token Token) error { return f.Block(t.Context(), token.Owner.User) },
			"owner deleted":    func(f *fixture, token Token) error { return f.DeleteUser(t.Context(), token.Owner.User) },
			"owner made again": func(f *fixture, token Token) error { return again(t.Context(), f, token.Owner.User) },
		} {
			user := strings.ReplaceAll(name, " ", "-")
			f.newUser(t, user)
			client := scope.Client{Server: scope.Server{User: user}}
			secret, token := f.token(t, NewToken{Owner: UserOwner(user), Scopes: inherit, Lifetime: time.Hour})
			grant := f.grant(t, secret, client)
			visitor := f.VisitorTokenOfGrant(&grant, client)
			if _, err := f.ByGrant(t.Context(), grant); err != nil {
				t.Fatalf("%s: at first: %v", name, err)
			}
			if _, err := f.ByToken(t.Context(), visitor); err != nil {
				t.Fatalf("%s: visitor token at first: %v", name, err)
			}
			if err := end(f, token); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if found, err := f.ByGrant(t.Context(), grant); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %+v, %v", name, found, err)
			}
			if found, err := f.ByToken(t.Context(), visitor); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: by visitor token %+v, %v", name, found, err)
			}
			if _, err := f.Agree(t.Context(), grant, &Session{ID: "s"}); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: agreed to: %v", name, err)
			}
		}
	})
}

func again(ctx context.Context, f *fixture, name string) error {
	if err := f.DeleteUser(ctx, name); err != nil {
		return err
	}
	_, err := f.CreateUser(ctx, name, false)
	return err
}

// A role taken away counts for grants as for the token.
func TestGrantLosesScopes(t *testing.T) {
	f := newFixture(t)
	helper := Role{Name: "helper", Scopes: []string{"access:servers!server=bob/"}}
	f.apply(t, Configuration{Roles: []ConfiguredRole{{Role: helper, Users: []string{"ada"}}}})
	secret, _ := f.token(t, NewToken{Owner: UserOwner("ada"), Scopes: inherit})
	grant := f.grant(t, secret, scope.Client{Server: scope.Server{User: "bob"}})
	opens := func() bool {
		found, err := f.ByGrant(t.Context(), grant)
		return must(t, found, err).Scopes.Check("access:servers", scope.OnServer("bob", ""), nil) == scope.Granted
	}
	if !opens() {
		t.Fatal("no access at first")
	}
	f.apply(t, Configuration{})
	if opens() {
		t.Error("access without the role")
	}
}

// A grant of a visitor token lives as long as the session of who made the link.
func TestGrantOfVisitorToken(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	_, session := f.login(t, "ada")
	grant := f.grant(t, f.VisitorToken(&session, adaLab), adaLab)
	f.clock.Advance(VisitorLifetime)
	found, err := f.ByGrant(t.Context(), grant)
	if err != nil || found.Name() != "ada" || found.Session != nil || found.Token != nil {
		t.Fatalf("after the visitor token: %+v, %v", found, err)
	}
	again := f.grant(t, f.VisitorTokenOfGrant(&grant, adaLab), adaLab)
	if err := f.DeleteSession(t.Context(), &session); err != nil {
		t.Fatal(err)
	}
	for _, grant := range []Grant{grant, again} {
		if _, err := f.ByGrant(t.Context(), grant); !errors.Is(err, ErrInvalid) {
			t.Errorf("after the logout: %v", err)
		}
	}
	_, bob := f.login(t, f.newUser(t, "bob").Name)
	grant.SessionID = bob.ID
	if _, err := f.ByGrant(t.Context(), grant); !errors.Is(err, ErrInvalid) {
		t.Errorf("of another's session: %v", err)
	}
}

// A choice has to be made soon, and once made it lasts.
func TestGrantChoice(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	f.newUser(t, "bob")
	cookie, session := f.login(t, "bob")
	login, err := f.BySession(t.Context(), cookie)
	if err != nil {
		t.Fatal(err)
	}
	secret, token := f.token(t, NewToken{Owner: UserOwner("ada"), Scopes: inherit, Lifetime: time.Hour})
	from, err := f.ByToken(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	grant, err := f.NewGrant(from, adaLab, &session)
	if err != nil || grant.Beside != session.ID || grant.Agreed || grant.Expires != f.clock.Now().Add(GrantChoice).Unix() {
		t.Fatalf("%+v, %v", grant, err)
	}
	agreed, err := f.Agree(t.Context(), grant, &session)
	if err != nil || !agreed.Agreed || agreed.ID == grant.ID || agreed.Expires != token.Expires.Unix() {
		t.Fatalf("%+v, %v", agreed, err)
	}
	f.clock.Advance(GrantChoice)
	if _, ok := f.OpenGrant(f.SealGrant(grant)); ok {
		t.Error("a choice too late")
	}
	if found, ok := f.OpenGrant(f.SealGrant(agreed)); !ok || !cmp.Equal(found, agreed) {
		t.Errorf("what was agreed to: %+v", found)
	}
	if _, err := f.NewGrant(login, adaLab, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("a grant of a session: %v", err)
	}
}

// The cookie tells nothing, and nothing but what was sealed for it opens.
func TestGrantCookie(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	secret, token := f.token(t, NewToken{Owner: UserOwner("ada"), Scopes: inherit})
	grant := f.grant(t, secret, adaLab)
	sealed := f.SealGrant(grant)
	plain, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for _, told := range []string{"ada", token.ID, secret, grant.ID} {
		if strings.Contains(sealed, told) || strings.Contains(string(plain), told) {
			t.Errorf("the cookie tells %q", told)
		}
	}
	wrong := []string{"", "x", sealed[:len(sealed)-1], sealed + "A", sealed + "=", strings.ToUpper(sealed), strings.Repeat("A", 1<<20)}
	for i := range sealed {
		wrong = append(wrong, sealed[:i]+flip(sealed[i])+sealed[i+1:])
	}
	wrong = append(wrong, base64.RawURLEncoding.EncodeToString(f.ring.Seal("auth state", []byte("{}"), nil)))
	for _, value := range wrong {
		if found, ok := f.OpenGrant(value); ok && value != sealed {
			t.Errorf("%.40q opens: %+v", value, found)
		}
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// Trouble with the store is not a grant that has ended.
func TestGrantInOutage(t *testing.T) {
	f := newRedisFixture(t)
	f.newUser(t, "ada")
	secret, _ := f.token(t, NewToken{Owner: UserOwner("ada"), Scopes: inherit})
	grant := f.grant(t, secret, adaLab)
	f.redis.Stop()
	if _, err := f.ByGrant(t.Context(), grant); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// FuzzGrant: no text that was not sealed here is a grant.
func FuzzGrant(f *testing.F) {
	fixture := newFixture(f)
	sealed := fixture.SealGrant(Grant{ID: "x", Owner: UserOwner("ada"), TokenID: "a1", Client: adaLab, Expires: fixture.clock.Now().Add(time.Hour).Unix()})
	f.Add(sealed)
	f.Add("")
	f.Add("visitor.x")
	f.Fuzz(func(t *testing.T, text string) {
		if grant, ok := fixture.OpenGrant(text); ok && text != sealed {
			t.Errorf("%q opens: %+v", text, grant)
		}
	})
}
