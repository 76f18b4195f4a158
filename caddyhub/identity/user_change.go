package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// UserChange is what is to change about a user; nil leaves it.
type UserChange struct {
	// Name is a new name, which must have passed the authenticator's rules.
	Name *string
	// Admin sets or takes the flag.
	Admin *bool
	// AuthState replaces what the authenticator remembers; see SetAuthState.
	AuthState *json.RawMessage
	// Allow sees the user as they were, and the transaction; its error ends the
	// change. Nil allows.
	Allow func(r store.Reader, user User) error
}

// ChangeUser changes a user, all in one transaction. A new name goes into every
// record of this package: sessions, tokens, memberships and activity go on under
// it. Servers must have been stopped and removed before. ErrNotFound if there is
// no such user, ErrExists if the new name is taken.
func (d *Directory) ChangeUser(ctx context.Context, name string, change UserChange) (user User, err error) {
	err = d.store.Update(ctx, func(w store.Writer) error {
		if user, err = GetUser(w, name); err != nil {
			return err
		}
		if change.Allow != nil {
			if err := change.Allow(w, user); err != nil {
				return err
			}
		}
		if change.Admin != nil {
			user.Admin = *change.Admin
		}
		if change.AuthState != nil {
			d.SetAuthState(&user, *change.AuthState)
		}
		if change.Name != nil && *change.Name != name {
			return d.rename(w, &user, *change.Name)
		}
		return putUser(w, user)
	})
	return user, err
}

// rename moves a user and all that hangs on the name.
func (d *Directory) rename(w store.Writer, user *User, name string) error {
	if _, err := GetUser(w, name); err == nil {
		return fmt.Errorf("%w: user %q", ErrExists, name)
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	old := user.Name
	user.Name = name
	if err := dropUser(w, old); err != nil {
		return err
	}
	if err := putUser(w, *user); err != nil {
		return err
	}
	if err := userNumbers.Put(w, numberID(user.Number), name, time.Time{}); err != nil {
		return err
	}
	for _, move := range []func(w store.Writer, user *User, old string) error{
		moveMemberships, moveSessions, moveExternalLogins, moveTokens, d.moveActivity,
	} {
		if err := move(w, user, old); err != nil {
			return err
		}
	}
	return nil
}

func moveMemberships(w store.Writer, user *User, old string) error {
	for _, group := range user.Groups {
		if err := groupMembers.Delete(w, store.Join(group, old)); err != nil {
			return err
		}
		if err := groupMembers.Put(w, store.Join(group, user.Name), struct{}{}, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

func moveSessions(w store.Writer, user *User, old string) error {
	return userSessions.Each(w, store.Under(old), func(item store.Item[struct{}]) error {
		parts, err := store.Split(item.ID)
		if err != nil {
			return err
		}
		if err := userSessions.Delete(w, item.ID); err != nil {
			return err
		}
		session, err := getSession(w, parts[1])
		if errors.Is(err, ErrInvalid) {
			return nil // its index outlived it
		}
		if err != nil {
			return err
		}
		session.User = user.Name
		if err := userSessions.Put(w, store.Join(user.Name, session.ID), struct{}{}, session.Expires); err != nil {
			return err
		}
		return sessions.Put(w, session.ID, session, session.Expires)
	})
}

func moveTokens(w store.Writer, user *User, old string) error {
	return ownerTokens.Each(w, UserOwner(old).under(), func(item store.Item[string]) error {
		token, found, err := tokens.Find(w, item.Value)
		if err != nil || !found {
			return err
		}
		if err := ownerTokens.Delete(w, token.ownerIndex()); err != nil {
			return err
		}
		if err := clientTokens.Delete(w, token.clientIndex()); err != nil {
			return err
		}
		token.Owner = UserOwner(user.Name)
		return putToken(w, item.Value, token)
	})
}

func (d *Directory) moveActivity(w store.Writer, user *User, old string) error {
	last, err := d.activity.Last(w, ActivityOfUser(old))
	if err != nil {
		return err
	}
	if err := d.activity.Delete(w, ActivityOfUser(old)); err != nil || last.IsZero() {
		return err
	}
	return d.activity.Set(w, ActivityOfUser(user.Name), last)
}
