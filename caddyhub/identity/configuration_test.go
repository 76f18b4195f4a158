package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func role(name string, users ...string) ConfiguredRole {
	return ConfiguredRole{Role: Role{Name: name, Scopes: []string{"read:users"}}, Users: users}
}

func admins(names ...string) ConfiguredRole {
	return ConfiguredRole{Role: Role{Name: RoleAdmin}, Users: names}
}

// Each row applies its configurations one after the other; in between ada makes
// dora an administrator through the API. What is left is who has which role
// (JupyterHub 10, "load_roles").
func TestConfiguredRoles(t *testing.T) {
	for name, test := range map[string]struct {
		configurations []Configuration
		want           string
	}{
		"nothing":      {[]Configuration{{}, {}}, "dora:admin"},
		"assigned":     {[]Configuration{{Roles: []ConfiguredRole{role("reader", "ada")}}}, "ada:reader dora:admin"},
		"exact":        {[]Configuration{{Roles: []ConfiguredRole{role("reader", "ada", "bob")}}, {Roles: []ConfiguredRole{role("reader", "bob")}}}, "ada: bob:reader dora:admin"},
		"emptied":      {[]Configuration{{Roles: []ConfiguredRole{role("reader", "ada")}}, {Roles: []ConfiguredRole{role("reader")}}}, "ada: dora:admin"},
		"role dropped": {[]Configuration{{Roles: []ConfiguredRole{role("reader", "ada")}}, {}}, "ada: dora:admin"},
		"two roles":    {[]Configuration{{Roles: []ConfiguredRole{role("writer", "ada"), role("reader", "ada")}}}, "ada:reader,writer dora:admin"},
		"admins stay":  {[]Configuration{{Admins: []string{"ada"}}, {}}, "ada:admin dora:admin"},
		"role admin without users keeps its members": {
			[]Configuration{{Admins: []string{"ada"}}, {Roles: []ConfiguredRole{admins()}}}, "ada:admin dora:admin"},
		"role admin with users is exact": {
			[]Configuration{{Admins: []string{"ada"}}, {Roles: []ConfiguredRole{admins("bob")}}}, "ada: bob:admin dora:"},
		"role admin and admins together": {
			[]Configuration{{}, {Admins: []string{"ada"}, Roles: []ConfiguredRole{admins("bob")}}}, "ada:admin bob:admin dora:"},
		"users of the role user": {
			[]Configuration{{Roles: []ConfiguredRole{{Role: Role{Name: RoleUser}, Users: []string{"ada"}}}}, {}}, "ada: dora:admin"},
		"twice the same": {[]Configuration{{Roles: []ConfiguredRole{role("reader", "ada", "ada")}}}, "ada:reader dora:admin"},
	} {
		f := newFixture(t)
		for i, configuration := range test.configurations {
			f.apply(t, configuration)
			if i == 0 {
				if _, err := f.CreateUser(t.Context(), "dora", true); err != nil {
					t.Fatal(err)
				}
			}
			checkIndexes(t, f)
		}
		if got := f.rolesOfUsers(t); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// rolesOfUsers are all users with their roles, in the order of their names.
func (f *fixture) rolesOfUsers(t *testing.T) string {
	list, err := f.Users(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, user := range list {
		names := slices.DeleteFunc(user.RoleNames(), func(name string) bool { return name == RoleUser })
		texts = append(texts, user.Name+":"+strings.Join(names, ","))
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

// Roles of groups and services follow the configuration too, and count for
// members.
func TestRolesOfGroupsAndServices(t *testing.T) {
	f := newFixture(t)
	portal := ConfiguredService{Service: Service{Name: "portal"}, APIToken: "token-of-the-portal"}
	helper := ConfiguredRole{Role: Role{Name: "helper", Scopes: []string{"list:users"}}, Groups: []string{"staff"}, Services: []string{"portal"}}
	staff := ConfiguredGroup{Name: "staff", Users: []string{"ada"}}
	f.apply(t, Configuration{Roles: []ConfiguredRole{helper}, Groups: []ConfiguredGroup{staff}, Services: []ConfiguredService{portal}})
	cookie, _ := f.login(t, "ada")
	may := func() [2]bool {
		t.Helper()
		user, errUser := f.BySession(t.Context(), cookie)
		service, errService := f.ByToken(t.Context(), portal.APIToken)
		if err := errors.Join(errUser, errService); err != nil {
			t.Fatal(err)
		}
		return [2]bool{user.Scopes.Contains("list:users"), service.Scopes.Contains("list:users")}
	}
	if may() != [2]bool{true, true} {
		t.Errorf("given: %v", may())
	}
	helper.Groups, helper.Services = []string{"others"}, nil
	f.apply(t, Configuration{Roles: []ConfiguredRole{helper}, Services: []ConfiguredService{portal}})
	checkIndexes(t, f)
	if may() != [2]bool{false, false} {
		t.Errorf("taken: %v", may())
	}
	ada, err := f.User(t.Context(), "ada")
	if err != nil || !slices.Equal(ada.Groups, []string{"staff"}) {
		t.Errorf("groups are additive: %v, %v", ada.Groups, err)
	}
	helper.Services = []string{"nothing"}
	if err := f.Apply(t.Context(), Configuration{Roles: []ConfiguredRole{helper}, Services: []ConfiguredService{portal}}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a role of a service that is not there: %v", err)
	}
}

// Default roles keep what the configuration does not say (JupyterHub 2.5).
func TestOverriddenRoles(t *testing.T) {
	standard := standardRoles()
	for name, test := range map[string]struct {
		role Role
		want Role
		fail bool
	}{
		"scopes":              {Role{Name: RoleUser, Scopes: []string{"self", "list:users"}}, Role{RoleUser, standard[RoleUser].Description, []string{"self", "list:users"}}, false},
		"description":         {Role{Name: RoleServer, Description: "x"}, Role{RoleServer, "x", standard[RoleServer].Scopes}, false},
		"nothing":             {Role{Name: RoleToken}, standard[RoleToken], false},
		"no scopes":           {Role{Name: RoleUser, Scopes: []string{}}, Role{RoleUser, standard[RoleUser].Description, []string{}}, false},
		"admin":               {Role{Name: RoleAdmin, Scopes: []string{"self"}}, standard[RoleAdmin], true},
		"admin, as it is":     {Role{Name: RoleAdmin, Scopes: standard[RoleAdmin].Scopes}, standard[RoleAdmin], false},
		"a role of their own": {Role{Name: "x-1", Scopes: []string{"self"}}, Role{"x-1", "", []string{"self"}}, false},
		"a name too long":     {Role{Name: strings.Repeat("x", 500)}, Role{}, true},
	} {
		f := newFixture(t)
		if err := f.Apply(t.Context(), Configuration{Roles: []ConfiguredRole{{Role: test.role}}}); (err != nil) != test.fail {
			t.Errorf("%s: %v", name, err)
		}
		got, err := f.Role(t.Context(), test.role.Name)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %v, %s", name, err, diff)
		}
		if err := f.Apply(t.Context(), Configuration{}); err != nil {
			t.Fatal(err)
		}
		after, err := f.Role(t.Context(), test.role.Name)
		if diff := cmp.Diff(standard[test.role.Name], after); diff != "" {
			t.Errorf("%s, taken out again: %v, %s", name, err, diff)
		}
	}
}

func TestConfiguredServices(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.newUser(t, "ada")
		service := func(name, token string) ConfiguredService {
			return ConfiguredService{Service: Service{Name: name, Admin: true}, APIToken: token}
		}
		good := func(secret string) bool {
			_, err := f.ByToken(t.Context(), secret)
			return err == nil
		}
		first := Configuration{Services: []ConfiguredService{service("portal", "first-token"), service("other", "other-token")}}
		f.apply(t, first)
		f.do(t, func(w store.Writer) error {
			return errors.Join(
				f.PutClient(w, OAuthClient{ID: "service-portal", Target: scope.Client{Service: "portal"}}, "first-token"),
				putService(w, Service{Name: "runtime"}))
		})
		made, _ := f.token(t, NewToken{Owner: ServiceOwner("portal"), Scopes: inherit})
		runtime, _ := f.token(t, NewToken{Owner: ServiceOwner("runtime"), Scopes: inherit})
		login, _ := f.token(t, NewToken{Owner: UserOwner("ada"), ClientID: "service-portal", Client: scope.Client{Service: "portal"}})
		f.apply(t, first)
		if !good("first-token") || !good(made) || !good(login) {
			t.Error("the same configuration again has changed something")
		}
		f.apply(t, Configuration{Services: []ConfiguredService{service("portal", "second-token"), service("other", "")}})
		if good("first-token") || good("other-token") || !good("second-token") || !good(made) {
			t.Error("the old tokens should be replaced, and only they")
		}
		err := f.Apply(t.Context(), Configuration{Services: []ConfiguredService{service("portal", "second-token"), service("other", "second-token")}})
		if err == nil || strings.Contains(err.Error(), "second-token") {
			t.Errorf("one token for two services: %v", err)
		}
		f.apply(t, Configuration{})
		if good("second-token") || good(made) || good(login) || !good(runtime) {
			t.Error("the service should be gone with all its tokens, and no other")
		}
		if left := mentions(t, f, "portal"); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
		checkIndexes(t, f)
	})
}

// A configuration that is applied again writes nothing, so that a start of one
// node does not empty the memory of all others.
func TestApplyAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		configuration := Configuration{
			Admins: []string{"ada"},
			Roles:  []ConfiguredRole{role("reader", "bob"), {Role: Role{Name: RoleUser}}, admins("ada")},
			Groups: []ConfiguredGroup{{Name: "staff", Users: []string{"ada"}, Properties: json.RawMessage(`{ "a" : 1 }`)}},
			Services: []ConfiguredService{
				{Service: Service{Name: "portal", Info: json.RawMessage(`{ "b" : 2 }`)}, APIToken: "token-of-the-portal"},
			},
		}
		f.apply(t, configuration)
		if changes := f.changes(t, func() { f.apply(t, configuration) }); len(changes) > 0 {
			t.Errorf("written again: %v", changes)
		}
		// Several nodes that start at once do what one does.
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() { f.apply(t, configuration) })
		}
		group.Wait()
		checkIndexes(t, f)
	})
}

// A start looks only at those whom the configuration names, or has named.
func TestApplyReadsFew(t *testing.T) {
	f := newFixture(t)
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprintf("user%d", i))
	}
	if _, err := f.CreateUsers(t.Context(), names, false); err != nil {
		t.Fatal(err)
	}
	f.apply(t, Configuration{Roles: []ConfiguredRole{role("reader", "user7")}})
	read := make(map[store.Key]bool)
	d := New(Options{Store: countingReads{f.store, read}, Keys: f.ring, Now: f.clock.Now})
	if err := d.Apply(t.Context(), Configuration{Roles: []ConfiguredRole{role("reader", "user8")}}); err != nil {
		t.Fatal(err)
	}
	if len(read) > 10 || !read[users.Key("user7")] || !read[users.Key("user8")] {
		t.Errorf("%d records were read: %v", len(read), read)
	}
	if got := f.rolesOfUsers(t); !strings.Contains(got, "user7: ") || !strings.Contains(got, "user8:reader") {
		t.Error("the role did not move")
	}
}

// A service that the hub runs has, without a configured token, the one of its
// last start, through further starts of the hub, until it has a configured one
// or is run no more.
func TestGeneratedTokens(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		run := ConfiguredService{Service: Service{Name: "portal", Command: []string{"portal"}}}
		renew := func(secret string) {
			f.do(t, func(w store.Writer) error { return f.RenewServiceToken(w, "portal", secret) })
		}
		good := func(secrets ...string) string {
			var found []string
			for _, secret := range secrets {
				if _, err := f.ByToken(t.Context(), secret); err == nil {
					found = append(found, secret)
				}
			}
			return strings.Join(found, " ")
		}
		f.apply(t, Configuration{Services: []ConfiguredService{run}})
		made, _ := f.token(t, NewToken{Owner: ServiceOwner("portal"), Scopes: inherit})
		renew("first-start")
		renew("second-start")
		f.apply(t, Configuration{Services: []ConfiguredService{run}})
		if got := good("first-start", "second-start", made); got != "second-start "+made {
			t.Errorf("started twice: %s", got)
		}
		configured := run
		configured.APIToken = "configured-token"
		f.apply(t, Configuration{Services: []ConfiguredService{configured}})
		if got := good("second-start", made, "configured-token"); got != made+" configured-token" {
			t.Errorf("with a configured token: %s", got)
		}
		f.apply(t, Configuration{Services: []ConfiguredService{run}})
		renew("third-start")
		f.apply(t, Configuration{Services: []ConfiguredService{{Service: Service{Name: "portal"}}}})
		if got := good("third-start", made, "configured-token"); got != made {
			t.Errorf("not run any more: %s", got)
		}
		if err := f.store.Update(t.Context(), func(w store.Writer) error { return f.RenewServiceToken(w, "nobody", "some-secret") }); !errors.Is(err, ErrNotFound) {
			t.Errorf("a service that is not there: %v", err)
		}
		checkIndexes(t, f)
	})
}

// A configured service does not inherit what one of its name, that was made
// through the API, has handed out.
func TestConfiguredServiceOverMadeOne(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.do(t, func(w store.Writer) error {
			return f.CreateService(w, Service{Name: "portal"}, "token-of-the-made-one")
		})
		f.apply(t, Configuration{Services: []ConfiguredService{{Service: Service{Name: "portal", Admin: true}}}})
		if _, err := f.ByToken(t.Context(), "token-of-the-made-one"); !errors.Is(err, ErrInvalid) {
			t.Errorf("its token: %v", err)
		}
		if service, err := f.Service(t.Context(), "portal"); err != nil || !service.Configured || !service.Admin {
			t.Errorf("%+v, %v", service, err)
		}
		checkIndexes(t, f)
	})
}

// Users who were added by a configuration and deleted by hand come back only
// while it names them; what hands have changed of groups and administrators
// stays where the configuration does not say otherwise (JupyterHub 10).
func TestConfigurationAndHands(t *testing.T) {
	f := newFixture(t)
	configuration := Configuration{
		Admins: []string{"grace"},
		Roles:  []ConfiguredRole{role("reader", "ada")},
		Groups: []ConfiguredGroup{{Name: "staff", Users: []string{"bob"}, Properties: json.RawMessage(`{"a":1}`)}},
	}
	f.apply(t, configuration)
	for _, name := range []string{"ada", "bob", "grace"} {
		if err := f.DeleteUser(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	f.do(t, func(w store.Writer) error {
		_, err := SetGroupProperties(w, "staff", json.RawMessage(`{"b":2}`))
		return err
	})
	f.apply(t, Configuration{Groups: []ConfiguredGroup{{Name: "staff"}}})
	if got := f.rolesOfUsers(t); got != "" {
		t.Errorf("named no more, and back: %s", got)
	}
	var group Group
	err := f.store.View(t.Context(), func(r store.Reader) (err error) {
		group, err = GetGroup(r, "staff")
		return err
	})
	if err != nil || string(group.Properties) != `{"b":2}` {
		t.Errorf("properties of which the configuration says nothing: %s, %v", group.Properties, err)
	}
	f.apply(t, configuration)
	if got := f.rolesOfUsers(t); got != "ada:reader bob: grace:admin" {
		t.Errorf("named again: %s", got)
	}
	checkIndexes(t, f)
}
