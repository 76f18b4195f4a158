package userlist

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// users is the content of a List.
type users struct {
	byName map[string]*node
	times  map[string]time.Time // of activity, as stored
	// inOrder are the entries of each state, the oldest user first; nil until
	// they are needed after a change.
	inOrder [states][]*Entry
}

// node is what the store holds under one name. There may be servers without a
// user, while a user is being deleted or before the user is read.
type node struct {
	// fresh is the user as just read, nil if there is none; rebuild moves it
	// into the entry.
	fresh   *identity.User
	servers map[string]server.Server
	entry   *Entry // nil without a user
}

func newUsers() *users {
	return &users{byName: make(map[string]*node), times: make(map[string]time.Time)}
}

// loadUsers reads everything.
func loadUsers(r store.Reader) (*users, error) {
	u := newUsers()
	for _, part := range []struct{ kind, prefix string }{
		{identity.KindUser, ""}, {server.KindServer, ""}, {identity.KindActivity, "user/"}, {identity.KindActivity, "server/"},
	} {
		page := store.Page{Prefix: part.prefix}
		for {
			records, err := r.List(part.kind, page)
			if err != nil {
				return nil, err
			}
			for _, record := range records {
				if err := u.take(record.Key, record); err != nil {
					return nil, err
				}
			}
			if len(records) < store.MaxPage {
				break
			}
			page.After = records[len(records)-1].Key.ID
		}
	}
	for _, n := range u.byName {
		n.rebuild()
	}
	return u, nil
}

// apply takes over records that were read again; the zero Record stands for one
// that is gone. After an error the same has to be applied once more.
func (u *users) apply(keys []store.Key, records []store.Record) error {
	changed := make(map[string]struct{})
	for i, key := range keys {
		if err := u.take(key, records[i]); err != nil {
			return err
		}
		if key.Kind == identity.KindActivity {
			continue
		}
		name, _, err := owner(key)
		if err != nil {
			return err
		}
		changed[name] = struct{}{}
	}
	for name := range changed {
		n := u.byName[name]
		n.rebuild()
		if n.entry == nil && len(n.servers) == 0 {
			delete(u.byName, name)
		}
	}
	if len(changed) > 0 {
		u.inOrder = [states][]*Entry{}
	}
	return nil
}

// owner is the name of the user that a record is about, and of the server if it
// is one.
func owner(key store.Key) (user, server string, err error) {
	parts, err := store.Split(key.ID)
	switch {
	case err != nil:
		return "", "", err
	case len(parts) == 1:
		return parts[0], "", nil
	case len(parts) == 2:
		return parts[0], parts[1], nil
	}
	return "", "", fmt.Errorf("%w: %s %q names no user", store.ErrType, key.Kind, key.ID)
}

// take takes over one record.
func (u *users) take(key store.Key, record store.Record) error {
	if key.Kind == identity.KindActivity {
		at, err := identity.OpenActivity(record)
		if at.IsZero() {
			delete(u.times, key.ID)
		} else {
			u.times[key.ID] = at
		}
		return err
	}
	name, serverName, err := owner(key)
	if err != nil {
		return err
	}
	n := u.byName[name]
	if n == nil {
		n = new(node)
		u.byName[name] = n
	}
	if key.Kind == identity.KindUser {
		user, found, err := identity.OpenUser(record)
		n.fresh, n.entry = &user, nil
		if !found {
			n.fresh = nil
		}
		return err
	}
	s, found, err := server.Open(record)
	if !found {
		delete(n.servers, serverName)
		return err
	}
	s.Failure = nil
	if n.servers == nil {
		n.servers = make(map[string]server.Server)
	}
	n.servers[serverName] = s
	return nil
}

// rebuild makes the entry of what was read.
func (n *node) rebuild() {
	all := slices.Collect(maps.Values(n.servers))
	switch {
	case n.fresh != nil:
		n.entry, n.fresh = newEntry(*n.fresh, all), nil
	case n.entry != nil:
		n.entry = n.entry.with(all)
	}
}

// sort makes the entries of all states, if something has changed since.
func (u *users) sort() {
	if u.inOrder[Any] != nil {
		return
	}
	all := make([]*Entry, 0, len(u.byName))
	for _, n := range u.byName {
		if n.entry != nil {
			all = append(all, n.entry)
		}
	}
	slices.SortFunc(all, func(a, b *Entry) int {
		return cmp.Or(cmp.Compare(a.User.Number, b.User.Number), strings.Compare(a.User.Name, b.User.Name))
	})
	u.inOrder[Any] = all
	for state := Any + 1; state < states; state++ {
		u.inOrder[state] = make([]*Entry, 0)
		for _, e := range all {
			if e.states[state] {
				u.inOrder[state] = append(u.inOrder[state], e)
			}
		}
	}
}
