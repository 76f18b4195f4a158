package appgate

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

const ofGrafana = "access:services!service=grafana"

func TestPolicyCheck(t *testing.T) {
	for name, test := range map[string]struct {
		policy Policy
		says   string // empty if it is fine
	}{
		"nothing":                  {Policy{}, "nobody; name"},
		"scopes":                   {Policy{Scopes: []string{ofGrafana, "admin:users"}}, ""},
		"users and groups":         {Policy{Users: []string{"ada"}, Groups: []string{"astro"}}, ""},
		"authenticated":            {Policy{Authenticated: true}, ""},
		"anonymous":                {Policy{Anonymous: true}, ""},
		"anonymous and users":      {Policy{Anonymous: true, Users: []string{"ada"}}, "no other rule"},
		"anonymous and known":      {Policy{Anonymous: true, Authenticated: true}, "no other rule"},
		"authenticated and scopes": {Policy{Authenticated: true, Scopes: []string{ofGrafana}}, "no effect"},
		"an empty name":            {Policy{Users: []string{""}}, "empty name"},
		"a placeholder":            {Policy{Scopes: []string{"access:servers!user"}}, "not expanded"},
		"no scope":                 {Policy{Scopes: []string{"access services"}}, "scope"},
		"an unknown scope":         {Policy{Scopes: []string{"acess:services"}}, "acess:services"},
	} {
		err := test.policy.Check(scope.Builtin())
		if (err == nil) != (test.says == "") || err != nil && (!errors.Is(err, ErrPolicy) || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Policy{Scopes: []string{"unknown"}}).Check(nil); err != nil {
		t.Errorf("without definitions: %v", err)
	}
}

// TestWhoMayPass asks every kind of credential about every kind of rule.
func TestWhoMayPass(t *testing.T) {
	s := newSite(t)
	ofServer := scope.Client{Server: scope.Server{User: "bob"}}
	session, _, ada := s.login("ada")
	_, _, bob := s.login("bob")
	visitor := s.directory.VisitorToken(&session, ofServer)
	limited := func(scopes ...string) string {
		_, made, err := s.directory.CreateLimitedSession(t.Context(), "ada", "portal", &identity.Limit{Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		return "__Host-caddyhub-session=" + s.directory.HostSession(&made, appHost)
	}
	callers := map[string][]string{
		"nobody":            {},
		"ada":               {"Cookie", ada},
		"bob":               {"Cookie", bob},
		"ada's token":       {"Authorization", "token " + s.token("ada", scope.Inherit)},
		"a narrow token":    {"Authorization", "bearer " + s.token("ada", "read:users!user=ada")},
		"a fitting token":   {"Authorization", "Bearer " + s.token("ada", ofGrafana)},
		"ada's at a server": {"Authorization", "token " + visitor},
		"a narrow login":    {"Cookie", limited("read:users!user=ada")},
		"a fitting login":   {"Cookie", limited(ofGrafana)},
		"the service":       {"Authorization", "token " + serviceToken},
		"a stranger's":      {"Authorization", "Bearer glsa_of_the_app_itself"},
	}
	for name, test := range map[string]struct {
		policy Policy
		may    []string
	}{
		"scopes": {
			Policy{Scopes: []string{"admin:users", ofGrafana}},
			[]string{"ada", "ada's token", "a fitting token", "a fitting login", "the service"},
		},
		"users":  {Policy{Users: []string{"ada"}}, []string{"ada", "ada's token"}},
		"groups": {Policy{Groups: []string{"astro"}}, []string{"ada", "ada's token"}},
		"either": {
			Policy{Users: []string{"bob"}, Scopes: []string{ofGrafana}},
			[]string{"ada", "bob", "ada's token", "a fitting token", "a fitting login", "the service"},
		},
		"nobody's name": {Policy{Users: []string{"monitor"}, Groups: []string{"nobody"}}, nil},
		"authenticated": {Policy{Authenticated: true}, []string{"ada", "bob", "ada's token", "the service"}},
		"anonymous": {Policy{Anonymous: true}, []string{
			"nobody", "ada", "bob", "ada's token", "a narrow token", "a narrow login", "a fitting login", "a fitting token", "ada's at a server", "the service", "a stranger's",
		}},
	} {
		may := make(map[string]bool)
		for _, caller := range test.may {
			may[caller] = true
		}
		g := s.gate(test.policy)
		for caller, header := range callers {
			answer, got := serve(t, g, ask(http.MethodGet, "https://"+appHost+"/api/x", header...))
			if (got != nil) != may[caller] {
				t.Errorf("%s, %s: passed %v, want %v: %d %s", name, caller, got != nil, may[caller], answer.Code, cut(answer))
				continue
			}
			known := caller != "nobody" && caller != "a stranger's" && caller != "ada's at a server"
			want := http.StatusForbidden
			if !known {
				want = http.StatusUnauthorized
			}
			if got == nil && answer.Code != want {
				t.Errorf("%s, %s: %d, want %d", name, caller, answer.Code, want)
			}
			if got != nil && got.visitor.Known() != known {
				t.Errorf("%s, %s: known to the app %v, want %v", name, caller, got.visitor.Known(), known)
			}
		}
	}
}

// TestLossOfRights counts at the next request.
func TestLossOfRights(t *testing.T) {
	s := newSite(t)
	session, _, cookie := s.login("ada")
	for name, test := range map[string]struct {
		policy Policy
		lose   func(ctx context.Context) error
		want   int
	}{
		"a group": {
			Policy{Groups: []string{"staff"}},
			func(ctx context.Context) error {
				_, err := s.directory.SetGroups(ctx, "ada", []string{"astro"})
				return err
			}, http.StatusForbidden,
		},
	} {
		g := s.gate(test.policy)
		request := func() int {
			answer, _ := serve(t, g, ask(http.MethodGet, "https://"+appHost+"/", "Cookie", cookie, "Accept", "application/json"))
			return answer.Code
		}
		if status := request(); status != http.StatusOK {
			t.Fatalf("%s: before: %d", name, status)
		}
		if err := test.lose(t.Context()); err != nil {
			t.Fatal(err)
		}
		if status := request(); status != test.want {
			t.Errorf("%s: after: %d, want %d", name, status, test.want)
		}
	}
	if err := s.directory.DeleteSession(t.Context(), &session); err != nil {
		t.Fatal(err)
	}
	answer, _ := serve(t, s.gate(Policy{Authenticated: true}), ask(http.MethodGet, "https://"+appHost+"/", "Cookie", cookie, "Accept", "application/json"))
	if answer.Code != http.StatusUnauthorized {
		t.Errorf("after the logout: %d", answer.Code)
	}
}

// TestScopeOfGroup needs the groups of users.
func TestScopeOfGroup(t *testing.T) {
	s := newSite(t)
	err := s.directory.Apply(t.Context(), identity.Configuration{
		Groups: []identity.ConfiguredGroup{{Name: "astro", Users: []string{"ada"}}},
		Roles: []identity.ConfiguredRole{{
			Role: identity.Role{Name: "tutor", Scopes: []string{"access:servers!group=astro"}}, Users: []string{"bob"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _, bob := s.login("bob")
	for text, want := range map[string]bool{"access:servers!user=ada": true, "access:servers!user=root": false, "access:servers": false} {
		g := s.gate(Policy{Scopes: []string{text}})
		if _, got := serve(t, g, ask(http.MethodGet, "https://"+appHost+"/", "Cookie", bob)); (got != nil) != want {
			t.Errorf("%s: passed %v, want %v", text, got != nil, want)
		}
	}
}
