package identity

import (
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// What a credential may do follows every change at the next request, also where
// it hangs on the groups of somebody else (edge-and-caddy S9).
func TestScopesFollowChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		teacher := func(scopes ...string) Configuration {
			return Configuration{
				Roles:  []ConfiguredRole{{Role: Role{Name: "teacher", Scopes: scopes}, Groups: []string{"staff"}}},
				Groups: []ConfiguredGroup{{Name: "class", Users: []string{"bob"}}, {Name: "staff", Users: []string{"ada"}}},
			}
		}
		f.apply(t, teacher("access:servers!group=class"))
		cookie, session := f.login(t, "ada")
		lab := scope.Client{Server: scope.Server{User: "bob"}}
		token, _ := f.token(t, NewToken{Owner: UserOwner("ada"), ClientID: "lab", Client: lab})
		inherited, _ := f.token(t, NewToken{Owner: UserOwner("ada"), Scopes: inherit})
		const access, group = "access:servers!server=bob/", "access:servers!group=class"
		expect := func(when string, toBob, toClass, listing bool) {
			t.Helper()
			for range 2 { // as found, and as remembered
				for name, test := range map[string]struct {
					find  func() (*Identity, error)
					scope string
					want  bool
				}{
					"token":         {func() (*Identity, error) { return f.ByToken(t.Context(), token) }, access, toBob},
					"visitor token": {func() (*Identity, error) { return f.ByToken(t.Context(), f.VisitorToken(&session, lab)) }, access, toBob},
					"session":       {func() (*Identity, error) { return f.BySession(t.Context(), cookie) }, group, toClass},
					"all of ada's":  {func() (*Identity, error) { return f.ByToken(t.Context(), inherited) }, group, toClass},
					"listing":       {func() (*Identity, error) { return f.ByToken(t.Context(), inherited) }, "list:users", listing},
				} {
					found, err := test.find()
					if err != nil || found.Scopes.Contains(test.scope) != test.want {
						t.Errorf("%s: %s: %v, %v", when, name, found.Scopes.Strings(), err)
					}
				}
			}
		}
		groups := func(user string, names ...string) {
			t.Helper()
			if _, err := f.SetGroups(t.Context(), user, names); err != nil {
				t.Fatal(err)
			}
		}
		expect("at first", true, true, false)
		groups("bob")
		expect("bob has left the class", false, true, false)
		groups("bob", "class")
		expect("bob is back", true, true, false)
		groups("ada")
		expect("ada has left the staff", false, false, false)
		groups("ada", "staff")
		f.apply(t, teacher("list:users"))
		expect("the role has changed", false, false, true)
		if _, err := f.UpdateUser(t.Context(), "ada", func(user *User) error { user.Admin = true; return nil }); err != nil {
			t.Fatal(err)
		}
		if found, err := f.BySession(t.Context(), cookie); err != nil || !found.Scopes.Contains("admin:users") || !found.Admin() {
			t.Errorf("an administrator: %v", err)
		}
	})
}

// Scopes that are defined anew count at once.
func TestDefinitionsFollowConfiguration(t *testing.T) {
	f := newFixture(t)
	f.apply(t, Configuration{Roles: []ConfiguredRole{{Role: Role{Name: "maker", Scopes: []string{"custom:make", "list:users"}}, Users: []string{"ada"}}}})
	cookie, _ := f.login(t, "ada")
	custom, err := scope.NewDefinitions(map[string]scope.Custom{"custom:make": {Description: "make"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, definitions := range []*scope.Definitions{nil, custom, nil} {
		f.Configure(Settings{Definitions: definitions})
		found, err := f.BySession(t.Context(), cookie)
		if err != nil || found.Scopes.Contains("custom:make") != (definitions == custom) || !found.Scopes.Contains("list:users") {
			t.Errorf("%v, %v", found.Scopes.Strings(), err)
		}
	}
}
