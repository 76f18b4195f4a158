package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// User is a person who may log in.
type User struct {
	// Name is unique, as the authenticator's rules made it.
	Name string `json:"name"`
	// Number counts users in the order of their creation; it is never used
	// again, so it tells a user from a later one of the same name.
	Number uint64 `json:"number"`
	// Admin gives the role "admin"; the flag and the role are one thing.
	Admin bool `json:"admin,omitempty"`
	// Roles assigned to the user directly, beside "user" and "admin"; sorted.
	Roles []string `json:"roles,omitempty"`
	// Groups the user is a member of; sorted.
	Groups []string `json:"groups,omitempty"`
	// Created is when, in UTC.
	Created time.Time `json:"created"`
	// SealedAuthState is what the authenticator wants remembered; see AuthState.
	SealedAuthState []byte `json:"auth_state,omitempty"`
	// Authenticator is the name of the one that last logged the user in.
	Authenticator string `json:"authenticator,omitempty"`
}

// RoleNames are the roles of the user without those of groups: "admin" if so,
// "user" always, and the assigned ones; sorted.
func (u User) RoleNames() []string {
	names := append(slices.Clone(u.Roles), RoleUser)
	if u.Admin {
		names = append(names, RoleAdmin)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var (
	users    = store.Collection[User]{Kind: KindUser}
	counters = store.Collection[uint64]{Kind: "counter"}
	// userNumbers leads from a number to a name, to list users in the order of
	// their creation.
	userNumbers = store.Collection[string]{Kind: KindUserNumber}
)

const purposeAuthState = "auth state"

// GetUser returns a user inside a transaction, or ErrNotFound.
func GetUser(r store.Reader, name string) (User, error) {
	id, err := keyOf("user", name)
	if err != nil {
		return User{}, err
	}
	user, err := users.Get(r, id)
	return user, notFound(err, "user", name)
}

// User returns a user, or ErrNotFound.
func (d *Directory) User(ctx context.Context, name string) (user User, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		user, err = GetUser(r, name)
		return err
	})
	return user, err
}

// Users returns the users in the order of their creation, beginning after the
// given number: at most limit of them, or store.MaxPage if that is zero.
func (d *Directory) Users(ctx context.Context, after uint64, limit int) (list []User, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		list = nil
		page := store.Page{Limit: limit}
		if after > 0 {
			page.After = numberID(after)
		}
		names, err := userNumbers.List(r, page)
		if err != nil {
			return err
		}
		for _, name := range names {
			user, err := GetUser(r, name.Value)
			if err != nil {
				return err
			}
			list = append(list, user)
		}
		return nil
	})
	return list, err
}

// CreateUser creates a user. The name must have passed the authenticator's
// rules. ErrExists if there is one of that name, ErrName if nobody can have it.
func (d *Directory) CreateUser(ctx context.Context, name string, admin bool) (user User, err error) {
	err = d.store.Update(ctx, func(w store.Writer) error {
		user, err = d.createUser(w, name, admin)
		return err
	})
	return user, err
}

func (d *Directory) createUser(w store.Writer, name string, admin bool) (User, error) {
	if err := CheckName(name); err != nil {
		return User{}, err
	}
	if _, err := GetUser(w, name); err == nil {
		return User{}, fmt.Errorf("%w: user %q", ErrExists, name)
	} else if !errors.Is(err, ErrNotFound) {
		return User{}, err
	}
	number, err := next(w, "user")
	if err != nil {
		return User{}, err
	}
	user := User{Name: name, Number: number, Admin: admin, Created: d.now().UTC()}
	if err := userNumbers.Put(w, numberID(number), name, time.Time{}); err != nil {
		return User{}, err
	}
	return user, putUser(w, user)
}

// UpdateUser changes a user in one transaction; change may run more than once.
// What it does to Name, Number, Created or Groups has no effect (see ChangeUser
// and SetGroups).
func (d *Directory) UpdateUser(ctx context.Context, name string, change func(*User) error) (user User, err error) {
	err = d.store.Update(ctx, func(w store.Writer) error {
		if user, err = GetUser(w, name); err != nil {
			return err
		}
		before := user
		before.Groups = slices.Clone(user.Groups)
		if err := change(&user); err != nil {
			return err
		}
		user.Name, user.Number, user.Created, user.Groups = before.Name, before.Number, before.Created, before.Groups
		slices.Sort(user.Roles)
		user.Roles = slices.Compact(user.Roles)
		return putUser(w, user)
	})
	return user, err
}

// DeleteUser removes a user with all sessions, tokens and memberships. Servers
// must have been stopped and removed before. ErrNotFound if there is none.
func (d *Directory) DeleteUser(ctx context.Context, name string) error {
	return d.store.Update(ctx, func(w store.Writer) error {
		user, err := GetUser(w, name)
		if err != nil {
			return err
		}
		if err := deleteSessions(w, name); err != nil {
			return err
		}
		if err := deleteExternalLogins(w, name); err != nil {
			return err
		}
		if err := deleteTokens(w, UserOwner(name), nil); err != nil {
			return err
		}
		for _, group := range user.Groups {
			if err := groupMembers.Delete(w, store.Join(group, name)); err != nil {
				return err
			}
		}
		if err := d.activity.Delete(w, ActivityOfUser(name)); err != nil {
			return err
		}
		if err := userNumbers.Delete(w, numberID(user.Number)); err != nil {
			return err
		}
		return dropUser(w, name)
	})
}

// dropUser deletes the record of a user, with the roles in the index.
func dropUser(w store.Writer, name string) error {
	user, err := GetUser(w, name)
	if err != nil {
		return err
	}
	if err := indexRoles(w, memberUser, name, user.assigned(), nil); err != nil {
		return err
	}
	return users.Delete(w, store.Join(name))
}

// AuthState opens what the authenticator stored with the user; nil if nothing.
func (d *Directory) AuthState(user User) (json.RawMessage, error) {
	if len(user.SealedAuthState) == 0 {
		return nil, nil
	}
	return d.keys.Open(purposeAuthState, user.SealedAuthState, authStateOf(user))
}

// SetAuthState seals what the authenticator wants remembered into the user;
// nil forgets it. To be called inside UpdateUser.
func (d *Directory) SetAuthState(user *User, state json.RawMessage) {
	user.SealedAuthState = nil
	if len(state) > 0 {
		user.SealedAuthState = d.keys.Seal(purposeAuthState, state, authStateOf(*user))
	}
}

// authStateOf binds sealed auth state to one user.
func authStateOf(user User) []byte { return []byte(numberID(user.Number)) }

// putUser writes a user, with the roles into the index, unless nothing changed.
func putUser(w store.Writer, user User) error {
	id := store.Join(user.Name)
	before, _, err := users.Find(w, id)
	if err != nil {
		return err
	}
	if err := indexRoles(w, memberUser, user.Name, before.assigned(), user.assigned()); err != nil {
		return err
	}
	return putChanged(w, users, id, user)
}

// numberID sorts as the number does.
func numberID(number uint64) string { return fmt.Sprintf("%016x", number) }

// next counts up a named counter and returns its new value; the first is 1.
func next(w store.Writer, name string) (uint64, error) {
	number, _, err := counters.Find(w, name)
	if err != nil {
		return 0, err
	}
	number++
	return number, counters.Put(w, name, number, time.Time{})
}

// notFound turns the store's error into ours, with a name that helps.
func notFound(err error, what, name string) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: %s %q", ErrNotFound, what, name)
	}
	return err
}
