package identity

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

func (f *fixture) limitedLogin(t testing.TB, user string, scopes ...string) (string, Session) {
	t.Helper()
	cookie, session, err := f.CreateLimitedSession(t.Context(), user, "portal", &Limit{Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return cookie, session
}

// A limited session holds what its limit covers of what its user holds, whatever
// way it takes to ask.
func TestLimitedSession(t *testing.T) {
	f := newFixture(t)
	f.apply(t, Configuration{Roles: []ConfiguredRole{{
		Role: Role{Name: "helper", Scopes: []string{"access:servers!server=bob/lab", "admin:users"}}, Users: []string{"ada"},
	}}})
	if _, err := f.ChangeUser(t.Context(), "ada", UserChange{Admin: new(true)}); err != nil {
		t.Fatal(err)
	}
	identify := []string{"read:users:groups!user=ada", "read:users:name!user=ada"}
	lab := "access:servers!server=ada/lab"
	for name, test := range map[string]struct {
		scopes, want []string
	}{
		"nothing":           {nil, identify},
		"one server":        {[]string{lab}, append([]string{lab}, identify...)},
		"of the role admin": {[]string{"list:services"}, []string{"list:services", "read:services:name", identify[0], identify[1]}},
		"inherit":           {[]string{scope.Inherit}, identify},
		"what no scope is":  {[]string{"nonsense", "access:servers!sevrer=ada/lab", lab}, append([]string{lab}, identify...)},
		"somebody's server": {[]string{"access:servers!server=bob/lab"}, append([]string{"access:servers!server=bob/lab"}, identify...)},
	} {
		cookie, session := f.limitedLogin(t, "ada", test.scopes...)
		child := f.HostSession(&session, "ada.hub.example")
		for way, ask := range map[string]func() (*Identity, error){
			"cookie":        func() (*Identity, error) { return f.BySession(t.Context(), cookie) },
			"again":         func() (*Identity, error) { return f.BySession(t.Context(), cookie) },
			"child session": func() (*Identity, error) { return f.ByHostSession(t.Context(), child, "ada.hub.example") },
		} {
			found, err := ask()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, found.Scopes.Strings()); diff != "" {
				t.Errorf("%s by %s: %s", name, way, diff)
			}
			if found.Admin() || !found.Limited() {
				t.Errorf("%s by %s: acts as an administrator", name, way)
			}
		}
	}
	f.newUser(t, "bob")
	cookie, _ := f.limitedLogin(t, "bob", "list:services", "access:servers!server=ada/lab")
	if found, err := f.BySession(t.Context(), cookie); err != nil || len(found.Scopes.Strings()) != len(identify) {
		t.Errorf("a limit gave what the user does not hold: %+v, %v", found, err)
	}
	cookie, _ = f.login(t, "ada")
	if found, err := f.BySession(t.Context(), cookie); err != nil || found.Limited() || !found.Admin() {
		t.Errorf("a login without a limit: %+v, %v", found, err)
	}
}

// What an upstream is told of a visitor in a limited session opens only what the
// session does.
func TestVisitorOfALimitedSession(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	_, session := f.limitedLogin(t, "ada", "access:servers!server=ada/lab")
	for name, test := range map[string]struct {
		client scope.Client
		want   int
	}{
		"the server":       {scope.Client{Server: scope.Server{User: "ada", Name: "lab"}}, 3},
		"another server":   {scope.Client{Server: scope.Server{User: "ada", Name: "x"}}, 2},
		"a service":        {scope.Client{Service: "grafana"}, 2},
		"nothing at all":   {scope.Client{}, 2},
		"server of nobody": {scope.Client{Server: scope.Server{User: "bob"}}, 2},
	} {
		found, err := f.ByToken(t.Context(), f.VisitorToken(&session, test.client))
		if err != nil {
			t.Fatal(err)
		}
		if got := found.Scopes.Strings(); len(got) != test.want || !found.Limited() {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWidenSession(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	cookie, session := f.limitedLogin(t, "ada", "access:servers!server=ada/a")
	widen := func(s *Session, text string) error {
		return f.WidenSession(t.Context(), s, Limit{Scopes: []string{text}})
	}
	for i := range MaxLimitScopes {
		if err := widen(&session, fmt.Sprintf("access:servers!server=ada/s%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	found, err := f.BySession(t.Context(), cookie)
	if err != nil {
		t.Fatal(err)
	}
	may := func(server string) bool {
		return found.Scopes.Check("access:servers", scope.OnServer("ada", server), nil) == scope.Granted
	}
	if may("a") || !may("s0") || !may(fmt.Sprintf("s%d", MaxLimitScopes-1)) || len(found.Session.Limit.Scopes) != MaxLimitScopes {
		t.Errorf("after %d more servers: %v", MaxLimitScopes, found.Session.Limit.Scopes)
	}
	full, session2 := f.login(t, "ada")
	if err := widen(&session2, "access:servers!server=ada/a"); err != nil {
		t.Fatal(err)
	}
	if found, err := f.BySession(t.Context(), full); err != nil || found.Limited() {
		t.Errorf("a session without a limit got one: %+v, %v", found, err)
	}
	if err := f.DeleteSession(context.WithoutCancel(t.Context()), &session); err != nil {
		t.Fatal(err)
	}
	if err := widen(&session, "self"); !errors.Is(err, ErrInvalid) {
		t.Errorf("an ended session: %v, want ErrInvalid", err)
	}
	if _, err := f.BySession(t.Context(), cookie); !errors.Is(err, ErrInvalid) {
		t.Errorf("the ended session is back: %v", err)
	}
}
