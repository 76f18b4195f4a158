package identity

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Whatever is done in whatever order, the indexes agree with the records, a
// credential is good exactly if its user and its login are, and what the
// Directory remembers of scopes is what a fresh one finds.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{f: newFixture(t), alive: make(map[string]credential)}
		defer m.f.store.Close()
		rt.Repeat(map[string]func(*rapid.T){
			"create": m.create, "delete": m.delete, "rename": m.rename, "groups": m.groups, "configure": m.configure,
			"login": m.login, "logout": m.logout, "logout everywhere": m.logoutEverywhere, "renew": m.renew,
			"token": m.token, "delete token": m.deleteToken, "rotate": m.rotate, "time": m.time,
			"": m.check,
		})
	})
}

type credential struct {
	user    uint64 // Number
	cookie  string
	session *Session
	token   *Token
	expires time.Time
}

type model struct {
	f     *fixture
	alive map[string]credential // by cookie or secret
}

var (
	someName  = rapid.SampledFrom([]string{"ada", "bob", "c/d e"})
	someGroup = rapid.SliceOfDistinct(rapid.SampledFrom([]string{"astro", "staff", "x/y"}), rapid.ID[string])
	someRole  = rapid.SliceOfDistinct(rapid.SampledFrom([]string{"reader", "lab", RoleUser, RoleAdmin}), rapid.ID[string])
)

// may fails unless an error is one of those that are allowed.
func may(t *rapid.T, err error, allowed ...error) {
	t.Helper()
	for _, one := range allowed {
		if errors.Is(err, one) {
			return
		}
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
}

func (m *model) forget(match func(credential) bool) {
	for key, credential := range m.alive {
		if match(credential) {
			delete(m.alive, key)
		}
	}
}

func (m *model) number(t *rapid.T, name string) uint64 {
	user, err := m.f.User(t.Context(), name)
	may(t, err, ErrNotFound)
	return user.Number
}

func (m *model) create(t *rapid.T) {
	_, err := m.f.CreateUser(t.Context(), someName.Draw(t, "name"), rapid.Bool().Draw(t, "admin"))
	may(t, err, ErrExists)
}

func (m *model) delete(t *rapid.T) {
	name := someName.Draw(t, "name")
	number := m.number(t, name)
	may(t, m.f.DeleteUser(t.Context(), name), ErrNotFound)
	m.forget(func(c credential) bool { return c.user == number })
}

func (m *model) rename(t *rapid.T) {
	to := someName.Draw(t, "to")
	_, err := m.f.ChangeUser(t.Context(), someName.Draw(t, "name"), UserChange{Name: &to})
	may(t, err, ErrNotFound, ErrExists)
}

func (m *model) groups(t *rapid.T) {
	_, err := m.f.SetGroups(t.Context(), someName.Draw(t, "name"), someGroup.Draw(t, "groups"))
	may(t, err, ErrNotFound)
}

func (m *model) configure(t *rapid.T) {
	var configuration Configuration
	for _, name := range someRole.Draw(t, "roles") {
		role := ConfiguredRole{
			Role:  Role{Name: name},
			Users: rapid.SliceOfN(someName, 0, 2).Draw(t, "users"), Groups: someGroup.Draw(t, "groups"),
		}
		if name != RoleAdmin {
			role.Scopes = rapid.SliceOf(rapid.SampledFrom([]string{"read:users", "self", "access:servers!group=astro", "list:users"})).Draw(t, "scopes")
		}
		configuration.Roles = append(configuration.Roles, role)
	}
	may(t, m.f.Apply(t.Context(), configuration))
}

func (m *model) login(t *rapid.T) {
	cookie, session, err := m.f.CreateSession(t.Context(), someName.Draw(t, "name"), "dummy")
	may(t, err, ErrNotFound)
	if err == nil {
		m.alive[cookie] = credential{user: session.UserNumber, cookie: cookie, session: &session, expires: session.Expires}
	}
}

// pick draws a live credential of a kind.
func (m *model) pick(t *rapid.T, match func(credential) bool) (credential, bool) {
	var keys []string
	for key, credential := range m.alive {
		if match(credential) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return credential{}, false
	}
	slices.Sort(keys)
	return m.alive[keys[rapid.IntRange(0, len(keys)-1).Draw(t, "credential")]], true
}

func isSession(c credential) bool { return c.session != nil }

func (m *model) logout(t *rapid.T) {
	ended, ok := m.pick(t, isSession)
	if !ok {
		return
	}
	found, err := m.f.BySession(t.Context(), ended.cookie)
	may(t, err)
	may(t, m.f.DeleteSession(t.Context(), found.Session))
	browser := ended.session.BrowserSession
	m.forget(func(c credential) bool {
		return isSession(c) && c.session.BrowserSession == browser || c.token != nil && c.token.BrowserSession == browser
	})
}

func (m *model) logoutEverywhere(t *rapid.T) {
	name := someName.Draw(t, "name")
	number := m.number(t, name)
	may(t, m.f.DeleteSessions(t.Context(), name))
	m.forget(func(c credential) bool {
		return c.user == number && (isSession(c) || c.token.BrowserSession != "")
	})
}

func (m *model) renew(t *rapid.T) {
	renewed, ok := m.pick(t, isSession)
	if !ok {
		return
	}
	found, err := m.f.BySession(t.Context(), renewed.cookie)
	may(t, err)
	may(t, m.f.RenewSession(t.Context(), found.Session))
	found, err = m.f.BySession(t.Context(), renewed.cookie)
	may(t, err)
	renewed.expires = found.Session.Expires
	m.alive[renewed.cookie] = renewed
}

func (m *model) token(t *rapid.T) {
	details := NewToken{Owner: UserOwner(someName.Draw(t, "name")), Scopes: inherit}
	if rapid.Bool().Draw(t, "of a server") {
		details.ClientID, details.Client = "lab", scope.Client{Server: scope.Server{User: "bob"}}
		details.Scopes = []string{"access:servers!server=bob/", "users:activity!user"}
	}
	if login, ok := m.pick(t, isSession); ok && rapid.Bool().Draw(t, "within a session") {
		found, err := m.f.BySession(t.Context(), login.cookie)
		may(t, err)
		details.Owner, details.BrowserSession = found.Owner, login.session.BrowserSession
	}
	details.Lifetime = time.Duration(rapid.IntRange(0, 3).Draw(t, "hours")) * time.Hour
	secret := keyring.RandomToken(16)
	token, err := m.f.CreateToken(t.Context(), secret, details)
	may(t, err, ErrNotFound)
	if err == nil {
		m.alive[secret] = credential{user: token.OwnerNumber, token: &token, expires: token.Expires}
	}
}

func (m *model) deleteToken(t *rapid.T) {
	ended, ok := m.pick(t, func(c credential) bool { return c.token != nil })
	if !ok {
		return
	}
	for _, name := range []string{"ada", "bob", "c/d e"} {
		if m.number(t, name) == ended.user {
			may(t, m.f.DeleteToken(t.Context(), UserOwner(name), ended.token.ID))
		}
	}
	m.forget(func(c credential) bool {
		return c.token != nil && (c.token.ID == ended.token.ID ||
			c.user == ended.user && c.token.ClientID == "lab" && ended.token.ClientID == "lab")
	})
}

func (m *model) rotate(t *rapid.T) {
	keys, err := m.f.ring.Rotated()
	may(t, err, keyring.ErrFull)
	if err == nil {
		may(t, m.f.ring.Replace(keys))
	}
}

func (m *model) time(t *rapid.T) {
	m.f.clock.Advance(time.Duration(rapid.IntRange(1, 600).Draw(t, "minutes")) * time.Minute)
	m.forget(func(c credential) bool { return !c.expires.IsZero() && !m.f.clock.Now().Before(c.expires) })
}

func (m *model) check(t *rapid.T) {
	fresh := New(Options{Store: m.f.store, Keys: m.f.ring, Now: m.f.clock.Now})
	live := 0
	for key, credential := range m.alive {
		find, findFresh := m.f.ByToken, fresh.ByToken
		if isSession(credential) {
			find, findFresh = m.f.BySession, fresh.BySession
			live++
		}
		found, err := find(t.Context(), key)
		again, errFresh := findFresh(t.Context(), key)
		if err != nil || errFresh != nil || found.User.Number != credential.user {
			t.Fatalf("%+v: %v, %v", credential, err, errFresh)
		}
		if !found.Scopes.Equal(again.Scopes) {
			t.Fatalf("remembered %v, should be %v", found.Scopes.Strings(), again.Scopes.Strings())
		}
	}
	checkIndexes(t, m.f)
	err := m.f.store.View(t.Context(), func(r store.Reader) error {
		stored, err := sessions.List(r, store.Page{})
		listed, errTokens := tokens.List(r, store.Page{})
		if err := errors.Join(err, errTokens); err != nil {
			return err
		}
		if len(stored) != live || len(listed) != len(m.alive)-live {
			t.Fatalf("%d sessions and %d tokens are stored, %d and %d are good", len(stored), len(listed), live, len(m.alive)-live)
		}
		return nil
	})
	may(t, err)
}
