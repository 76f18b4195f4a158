package server

import (
	"context"
	"errors"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Get returns a server inside a transaction. A user's default server that was
// never started is a stopped one, other unknown names are ErrNotFound; ErrUser
// if there is no such user.
func Get(r store.Reader, user, name string) (Server, error) {
	owner, err := getUser(r, user)
	if err != nil {
		return Server{}, err
	}
	if len(name) > store.MaxKeyLength/4 {
		return Server{}, noServer(user, name)
	}
	s, found, err := servers.Find(r, store.Join(user, name))
	if err != nil {
		return Server{}, err
	}
	if found && !foreign(s, owner) {
		return s, nil
	}
	if name != "" {
		return Server{}, noServer(user, name)
	}
	return Server{User: user, UserNumber: owner.Number, Created: owner.Created, Fence: s.Fence}, nil
}

// List returns the servers of a user that have a record, inside a transaction:
// the default server first, then by name. ErrUser if there is no such user.
func List(r store.Reader, user string) ([]Server, error) {
	owner, err := getUser(r, user)
	if err != nil {
		return nil, err
	}
	var list []Server
	err = servers.Each(r, store.Under(user), func(item store.Item[Server]) error {
		if !foreign(item.Value, owner) {
			list = append(list, item.Value)
		}
		return nil
	})
	return list, err
}

// foreign says that a record was left by an earlier user of the same name. One
// that is active is shown all the same, until it has been stopped.
func foreign(s Server, owner identity.User) bool {
	return s.Stopped() && s.UserNumber != owner.Number
}

func getUser(r store.Reader, user string) (identity.User, error) {
	owner, err := identity.GetUser(r, user)
	if errors.Is(err, identity.ErrNotFound) {
		return owner, noUser(user)
	}
	return owner, err
}

// Get is the function Get in a transaction of its own.
func (m *Manager) Get(ctx context.Context, user, name string) (s Server, err error) {
	err = m.store.View(ctx, func(r store.Reader) error {
		s, err = Get(r, user, name)
		return err
	})
	return s, err
}

// List is the function List in a transaction of its own.
func (m *Manager) List(ctx context.Context, user string) (list []Server, err error) {
	err = m.store.View(ctx, func(r store.Reader) error {
		list, err = List(r, user)
		return err
	})
	return list, err
}

// Active returns active servers in a fixed order, after the one with the given
// user and name ("" and "" for the beginning), at most limit, which is 1 to
// store.MaxPage.
func (m *Manager) Active(ctx context.Context, afterUser, afterName string, limit int) (list []Server, err error) {
	page := store.Page{Limit: limit}
	if afterUser != "" {
		page.After = store.Join(afterUser, afterName)
	}
	err = m.store.View(ctx, func(r store.Reader) error {
		list, err = active(r, page)
		return err
	})
	return list, err
}

func active(r store.Reader, page store.Page) ([]Server, error) {
	ids, err := activeServers.List(r, page)
	if err != nil {
		return nil, err
	}
	list := make([]Server, 0, len(ids))
	for _, item := range ids {
		s, err := servers.Get(r, item.ID)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// URL is where browsers reach a server: a path, with subdomains absolute.
func (m *Manager) URL(user, name string) string { return m.settings.Load().url(user, name) }

// LastActivity is when the server was last active, inside a transaction; zero
// if never.
func (m *Manager) LastActivity(r store.Reader, user, name string) (time.Time, error) {
	return m.directory.Activity().Last(r, identity.ActivityOfServer(user, name))
}

// LastInteraction is when somebody last did something with the server, inside a
// transaction; zero if never. Its pages alone do not count, nor its programs.
func (m *Manager) LastInteraction(r store.Reader, user, name string) (time.Time, error) {
	return m.directory.Activity().Last(r, identity.InteractionWithServer(user, name))
}

// Addresses stands for the way in which URL makes addresses: another number
// means that they may be different ones now.
func (m *Manager) Addresses() uint64 { return m.addresses.Load() }
