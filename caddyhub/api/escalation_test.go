package api_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// TestNoEscalation lets callers with random scopes make random calls, also with
// every token they get on the way. Whatever they do, no token of theirs may be
// good for anything that the scopes they began with were not worth.
func TestNoEscalation(t *testing.T) {
	walks, succeeded := 200, 0
	if testing.Short() {
		walks = 20
	}
	for seed := range uint64(walks) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWalker(t, rand.New(rand.NewPCG(seed, 17)))
			for range 60 {
				if w.step() {
					succeeded++
				}
				if w.check(); t.Failed() {
					t.Logf("began with %v as %s; calls that succeeded:\n%s", w.began, w.owner, strings.Join(w.history, "\n"))
					return
				}
			}
		})
	}
	if succeeded < walks {
		t.Errorf("only %d calls in %d walks did anything: this proves nothing", succeeded, walks)
	}
}

// walker is a caller with the credentials that it has come by.
type walker struct {
	*hub
	random *rand.Rand
	owner  string
	began  []string
	// secrets are tokens, all but the first won by calls.
	secrets []string
	// worth are the scopes that it began with, and those of all whom it could
	// make tokens for.
	worth []scope.Set
	// users, groups: who was there at the beginning.
	users   map[uint64]identity.User
	groups  []string
	history []string
}

var (
	walkerScopes = []string{
		"admin:users", "admin:users", "users", "delete:users", "tokens", "admin:groups", "groups", "groups",
		"admin:services", "admin:servers", "access:servers", "read:hub",
	}
	walkerUsers  = []string{"root", "ada", "bob", "eve", "oscar", "new", "other"}
	walkerGroups = []string{"astro", "operators", "bosses", "made"}
)

func newWalker(t *testing.T, random *rand.Rand) *walker {
	t.Helper()
	w := &walker{hub: newHub(t), random: random, users: make(map[uint64]identity.User), groups: walkerGroups[:3]}
	for range 2 + random.IntN(3) {
		w.began = append(w.began, w.scope())
	}
	configuration := identity.Configuration{
		Admins:   []string{"root"},
		Groups:   []identity.ConfiguredGroup{{Name: "astro", Users: []string{"ada", "bob"}}},
		Services: []identity.ConfiguredService{{Service: identity.Service{Name: "walker"}, APIToken: "walker-secret"}},
		Roles: []identity.ConfiguredRole{
			{Role: identity.Role{Name: "walker", Scopes: w.began}, Services: []string{"walker"}, Users: []string{"eve"}},
			{Role: identity.Role{Name: "operators", Scopes: []string{"admin:servers", "read:hub", "tokens!user=ada"}}, Groups: []string{"operators"}},
			{Role: identity.Role{Name: "oscar", Scopes: []string{"admin:services", "shutdown"}}, Users: []string{"oscar"}},
			{Role: identity.Role{Name: "admin"}, Users: []string{"root"}, Groups: []string{"bosses"}},
		},
	}
	if err := w.directory.Apply(t.Context(), configuration); err != nil {
		t.Fatal(err)
	}
	for _, user := range must(w.directory.Users(t.Context(), 0, 0))(t) {
		w.users[user.Number] = user
	}
	switch w.owner = []string{"service", "user", "administrator"}[random.IntN(3)]; w.owner {
	case "service":
		w.secrets = []string{"walker-secret"}
	case "user":
		w.secrets = []string{w.token("eve", "inherit")}
	default:
		w.secrets = []string{w.token("root", w.began...)}
	}
	w.close()
	return w
}

// close finds out what the scopes of the first token are worth.
func (w *walker) close() {
	w.t.Helper()
	first := must(w.directory.ByToken(w.t.Context(), w.secrets[0]))(w.t)
	w.worth = []scope.Set{first.Scopes}
	become := make(map[string]bool)
	for grown := true; grown; {
		grown = false
		for _, user := range w.users {
			if !become[user.Name] && w.worthy("tokens", scope.OnUser(user.Name), user) {
				become[user.Name], grown = true, true
				w.worth = append(w.worth, w.scopesOf(user.Name))
			}
		}
	}
}

func (w *walker) scopesOf(user string) (held scope.Set) {
	w.t.Helper()
	err := w.store.View(w.t.Context(), func(r store.Reader) (err error) {
		held, err = w.directory.OwnerScopes(r, identity.UserOwner(user))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return held
}

// worthy says whether what the walker began with was worth a scope on a resource;
// user is whose resource it is, if anybody's. Who may say who is in a group has
// what is given on its members; on administrators only what is for reading.
func (w *walker) worthy(name string, on scope.Resource, user identity.User) bool {
	groups := func(of string) []string {
		for _, user := range w.users {
			if user.Name == of {
				return user.Groups
			}
		}
		return nil
	}
	for _, held := range w.worth {
		if held.Check(name, on, groups) == scope.Granted {
			return true
		}
		filters, _ := held.Filters(name)
		for _, group := range filters.Values(scope.KindGroup) {
			if user.Name != "" && (!user.Admin || strings.HasPrefix(name, "read:") || strings.HasPrefix(name, "list:")) && slices.ContainsFunc(w.worth, func(s scope.Set) bool {
				return s.Check("groups", scope.OnGroup(group), groups) == scope.Granted
			}) {
				return true
			}
		}
	}
	return false
}

// check looks at every token for what it is good for now.
func (w *walker) check() {
	w.t.Helper()
	now := make(map[uint64]identity.User)
	for _, user := range must(w.directory.Users(w.t.Context(), 0, 0))(w.t) {
		now[user.Number] = user
	}
	groups := func(of string) []string {
		for _, user := range now {
			if user.Name == of {
				return user.Groups
			}
		}
		return nil
	}
	for _, secret := range w.secrets {
		found, err := w.directory.ByToken(w.t.Context(), secret)
		if err != nil {
			continue // its owner is gone
		}
		for _, name := range found.Scopes.Names() {
			holds := func(on scope.Resource) bool { return found.Scopes.Check(name, on, groups) == scope.Granted }
			if holds(scope.Resource{}) && !w.worthy(name, scope.Resource{}, identity.User{}) {
				w.t.Errorf("%s %s holds %s everywhere", found.Kind(), found.Name(), name)
			}
			for number, before := range w.users {
				if strings.Contains(name, "groups") || strings.Contains(name, "services") {
					continue // not about users
				}
				if after, there := now[number]; there && holds(scope.OnUser(after.Name)) && !w.worthy(name, scope.OnUser(before.Name), before) {
					w.t.Errorf("%s %s holds %s on %s, once %s", found.Kind(), found.Name(), name, after.Name, before.Name)
				}
			}
			for _, group := range w.groups {
				if holds(scope.OnGroup(group)) && !w.worthy(name, scope.OnGroup(group), identity.User{}) {
					w.t.Errorf("%s %s holds %s on the group %s", found.Kind(), found.Name(), name, group)
				}
			}
			if holds(scope.OnService("portal")) && !w.worthy(name, scope.OnService("portal"), identity.User{}) {
				w.t.Errorf("%s %s holds %s on the service", found.Kind(), found.Name(), name)
			}
		}
	}
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

// scope is a random scope, with a random filter or none.
func (w *walker) scope() string {
	name := pick(w.random, walkerScopes)
	switch w.random.IntN(7) {
	case 0:
		return name + "!user=" + pick(w.random, walkerUsers)
	case 1:
		return name + "!group=" + pick(w.random, walkerGroups)
	case 2:
		if !strings.Contains(name, "services") {
			return name
		}
		return name + "!service=" + pick(w.random, []string{"portal", "made"})
	}
	return name
}

// step makes a random call and says whether it succeeded.
func (w *walker) step() bool {
	w.t.Helper()
	method, path, body := w.call()
	text := ""
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		text = string(encoded)
	}
	got := w.send(request{method: method, path: path, body: text, token: pick(w.random, w.secrets)})
	if got.Code >= 500 {
		w.t.Errorf("%s %s %s: %d %s", method, path, text, got.Code, got.Body)
	}
	if got.Code >= 300 {
		return false
	}
	w.history = append(w.history, fmt.Sprintf("%s %s %s: %d", method, path, text, got.Code))
	if strings.HasSuffix(path, "/tokens") {
		w.secrets = append(w.secrets, model[struct{ Token string }](w.t, got).Token)
	} else if secret, given := body["api_token"].(string); given {
		w.secrets = append(w.secrets, secret)
	}
	return true
}

// user is a random user, and often the one whose scopes the walker has.
func (w *walker) user() string {
	if w.random.IntN(3) == 0 {
		return "eve"
	}
	return pick(w.random, walkerUsers)
}

func (w *walker) call() (method, path string, body map[string]any) {
	user, group := w.user(), pick(w.random, walkerGroups)
	admin := w.random.IntN(3) == 0
	members := map[string]any{"users": []string{w.user(), user}[w.random.IntN(2):]}
	switch w.random.IntN(13) {
	case 0:
		return http.MethodPost, "/users/" + user, map[string]any{"admin": admin}
	case 1:
		return http.MethodPost, "/users", map[string]any{"usernames": []string{user, "more"}, "admin": admin}
	case 2:
		return http.MethodPatch, "/users/" + user, map[string]any{"admin": w.random.IntN(2) == 0}
	case 3:
		return http.MethodPatch, "/users/" + user, map[string]any{"name": w.user()}
	case 4:
		return http.MethodDelete, "/users/" + user, nil
	case 5:
		return http.MethodPost, "/users/" + user + "/tokens", nil
	case 6:
		return http.MethodPost, "/users/" + user + "/tokens", map[string]any{"scopes": []string{w.scope()}}
	case 7:
		return http.MethodPost, "/groups/" + group, members
	case 8:
		return http.MethodPost, "/groups", map[string]any{"groups": []string{group}, "users": members["users"]}
	case 9:
		return http.MethodDelete, "/groups/" + group, nil
	case 10:
		return http.MethodDelete, "/groups/" + group + "/users", members
	case 11:
		return http.MethodPost, "/services/made", map[string]any{
			"admin": admin, "api_token": fmt.Sprintf("token-of-walk-%d", w.random.Uint32()), "oauth_client_allowed_scopes": []string{w.scope()},
		}
	}
	return http.MethodPost, "/groups/" + group + "/users", members
}
