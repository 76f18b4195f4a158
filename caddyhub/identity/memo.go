package identity

import (
	"slices"
	"sync"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Limits of one half of a memo. What was asked for last is kept up to one of
// them; no more than twice as much is ever held.
const (
	memoSize  = 4096
	memoBytes = 4 << 20 // of arguments; results are of the same order
)

// memo remembers the results of a pure function by its whole argument, so that
// nothing ever has to be thrown out of it because something has changed. When
// the young half is full it becomes the old one, and what was old is dropped;
// what is asked for in between moves back to the young.
type memo[V any] struct {
	mu    sync.Mutex
	young map[string]V
	old   map[string]V
	bytes int // of the arguments in young
}

func newMemo[V any]() *memo[V] { return &memo[V]{young: make(map[string]V)} }

func (m *memo[V]) get(argument []byte) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value, found := m.young[string(argument)]; found {
		return value, true
	}
	value, found := m.old[string(argument)]
	if found {
		m.add(string(argument), value)
	}
	return value, found
}

func (m *memo[V]) put(argument []byte, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(string(argument), value)
}

// replace is put for a result that is no longer the one remembered.
func (m *memo[V]) replace(argument []byte, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, again := m.young[string(argument)]; again {
		m.young[string(argument)] = value
		return
	}
	m.add(string(argument), value)
}

func (m *memo[V]) add(argument string, value V) {
	if _, again := m.young[argument]; again {
		return
	}
	if len(m.young) >= memoSize || m.bytes+len(argument) > memoBytes {
		m.old, m.young, m.bytes = m.young, make(map[string]V), 0
	}
	m.young[argument] = value
	m.bytes += len(argument)
}

// decoded remembers what the bytes of records mean.
type decoded struct {
	users    *memo[User]
	groups   *memo[Group]
	roles    *memo[Role]
	services *memo[Service]
	sessions *memo[Session]
	tokens   *memo[Token]
	// externalLogins are what sessions were confirmed by.
	externalLogins *memo[externalLogin]
	// standard are the default roles by name.
	standard map[string]Role
}

func newDecoded() *decoded {
	return &decoded{
		users: newMemo[User](), groups: newMemo[Group](), roles: newMemo[Role](),
		services: newMemo[Service](), sessions: newMemo[Session](), tokens: newMemo[Token](),
		externalLogins: newMemo[externalLogin](), standard: standardRoles(),
	}
}

// find is Collection.Find, but decodes the same bytes only once. What it
// returns is shared: callers copy what they hand out.
func find[V any](m *memo[V], c store.Collection[V], r store.Reader, id string) (value V, exists bool, err error) {
	record, err := r.Get(c.Key(id))
	if err != nil {
		return c.Find(failing{err: err}, id)
	}
	if value, known := m.get(record.Value); known {
		return value, true, nil
	}
	value, err = c.Get(failing{record: record}, id)
	if err != nil {
		return value, false, err
	}
	m.put(record.Value, value)
	return value, true, nil
}

// failing is a Reader of a single outcome, which has been read already.
type failing struct {
	record store.Record
	err    error
}

// Get implements store.Reader.
func (f failing) Get(store.Key) (store.Record, error) { return f.record, f.err }

// List implements store.Reader.
func (f failing) List(string, store.Page) ([]store.Record, error) { return nil, store.ErrInvalid }

// user is GetUser for requests.
func (d *Directory) user(r store.Reader, name string) (User, error) {
	id, err := keyOf("user", name)
	if err != nil {
		return User{}, err
	}
	user, exists, err := find(d.decoded.users, users, r, id)
	if err == nil && !exists {
		err = notFound(store.ErrNotFound, "user", name)
	}
	user.Roles, user.Groups = slices.Clone(user.Roles), slices.Clone(user.Groups)
	user.SealedAuthState = slices.Clone(user.SealedAuthState)
	return user, err
}

// service is GetService for requests.
func (d *Directory) service(r store.Reader, name string) (Service, error) {
	id, err := keyOf("service", name)
	if err != nil {
		return Service{}, err
	}
	service, exists, err := find(d.decoded.services, services, r, id)
	if err == nil && !exists {
		err = notFound(store.ErrNotFound, "service", name)
	}
	service.Roles = slices.Clone(service.Roles)
	service.OAuthClientAllowedScopes = slices.Clone(service.OAuthClientAllowedScopes)
	service.Info = slices.Clone(service.Info)
	return service, err
}

// role is GetRole for requests; only its scopes are asked for.
func (d *Directory) role(r store.Reader, name string) (Role, bool, error) {
	role, exists, err := find(d.decoded.roles, roles, r, store.Join(name))
	if err != nil || exists {
		return role, exists, err
	}
	role, exists = d.decoded.standard[name]
	return role, exists, nil
}

// expansion is a set of scopes with the argument that it was expanded from,
// which stands for it in the arguments of others under the same settings.
type expansion struct {
	set      scope.Set
	argument []byte
	settings *Settings
}

// expansions remembers what the definitions of one configuration make of lists
// of scopes.
type expansions struct {
	owners *memo[scope.Set]
	cuts   *memo[scope.Set]
}

func newExpansions() *expansions {
	return &expansions{owners: newMemo[scope.Set](), cuts: newMemo[scope.Set]()}
}
