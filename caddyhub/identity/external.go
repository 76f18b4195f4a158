package identity

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// externalLogin is the login of a user by one authenticator, which all sessions
// that began with it share.
type externalLogin struct {
	// UserNumber ties it to this user, not a later one of that name.
	UserNumber uint64 `json:"user_number"`
	// Confirmed is when the authenticator last vouched for the user.
	Confirmed time.Time `json:"confirmed"`
	// Check is the id of a check under way; empty if there is none.
	Check string `json:"check,omitempty"`
	// Rest is until when no other check begins: one is under way, or has failed.
	Rest time.Time `json:"rest,omitzero"`
	// SealedAuthState is what this authenticator wants remembered, while another
	// one has logged the user in last. Otherwise it is with the user.
	SealedAuthState []byte `json:"auth_state,omitempty"`
}

// externalLogins have ids of user and authenticator. They expire when no session
// can have been confirmed by them any more.
var externalLogins = store.Collection[externalLogin]{Kind: "external_login"}

// LoginCheck is one question to an authenticator, whether a user is still logged in
// there. While it lasts no node begins another of the same user.
type LoginCheck struct {
	// ID is random.
	ID            string
	User          string
	Authenticator string
	// AuthState is what the authenticator wanted remembered; may be nil.
	AuthState json.RawMessage
	// Begun is when, which is what a good answer confirms.
	Begun time.Time
}

// Standing is how it stands with an external login.
type Standing struct {
	// Known is false if nobody has confirmed it, or it has ended.
	Known bool
	// Confirmed is when it was last confirmed.
	Confirmed time.Time
	// Checking says that a check is under way, on whatever node.
	Checking bool
}

// BeginCheck claims the check of an external login for at most the given time.
// It returns a zero LoginCheck if there is nothing to do: it was confirmed at or after
// the given time, another check is under way, or one has failed not long ago.
// ErrNotFound if there is no such user.
func (d *Directory) BeginCheck(ctx context.Context, user, authenticator string, confirmed time.Time, length time.Duration) (check LoginCheck, err error) {
	err = d.store.Update(ctx, func(w store.Writer) error {
		check = LoginCheck{}
		owner, err := GetUser(w, user)
		if err != nil {
			return err
		}
		login, _, err := d.externalLogin(w, owner, authenticator)
		if err != nil {
			return err
		}
		now := d.now().UTC()
		if login.Confirmed.After(confirmed) || now.Before(login.Rest) {
			return nil
		}
		state, err := d.authStateFor(owner, login, authenticator)
		if err != nil {
			return err
		}
		check = LoginCheck{ID: keyring.RandomToken(16), User: user, Authenticator: authenticator, AuthState: state, Begun: now}
		login.Check, login.Rest = check.ID, now.Add(length)
		return d.putExternalLogin(w, user, authenticator, login)
	})
	if err != nil {
		return LoginCheck{}, err
	}
	return check, nil
}

// Confirm ends a check that found the login alive, together with what has changed.
// ErrInvalid if the check has been overtaken by a new login or by another check;
// then nothing is written. rights says that the user's rights are others now.
func (d *Directory) Confirm(ctx context.Context, check LoginCheck, change Login) (rights bool, err error) {
	err = d.endCheck(ctx, check, func(w store.Writer, user User, login externalLogin) error {
		before := user
		login.Confirmed, login.Check, login.Rest = check.Begun, "", time.Time{}
		if change.Admin != nil {
			user.Admin = *change.Admin
		}
		if state := change.AuthState; state != nil {
			if user.Authenticator == check.Authenticator {
				d.SetAuthState(&user, state)
			} else {
				login.SealedAuthState = d.keys.Seal(purposeAuthState, state, authStateOf(user))
			}
		}
		err := d.putExternalLogin(w, check.User, check.Authenticator, login)
		if err != nil {
			return err
		}
		if change.ManageGroups {
			err = SetGroups(w, &user, change.Groups)
		} else {
			err = putUser(w, user)
		}
		rights = user.Admin != before.Admin || !slices.Equal(user.Groups, before.Groups)
		return err
	})
	return rights, err
}

// Abandon ends a check that found nothing out. No node begins another for the
// given time.
func (d *Directory) Abandon(ctx context.Context, check LoginCheck, rest time.Duration) error {
	return d.endCheck(ctx, check, func(w store.Writer, _ User, login externalLogin) error {
		login.Check, login.Rest = "", d.now().UTC().Add(rest)
		return d.putExternalLogin(w, check.User, check.Authenticator, login)
	})
}

// Deny ends a check that found the login gone: every session that began with it
// ends, with the tokens that were issued within them. It returns how many that
// were. ErrInvalid as with Confirm.
func (d *Directory) Deny(ctx context.Context, check LoginCheck) (ended int, err error) {
	err = d.endCheck(ctx, check, func(w store.Writer, user User, _ externalLogin) error {
		ended = 0
		gone := make(map[string]bool)
		err := userSessions.Each(w, store.Under(user.Name), func(item store.Item[struct{}]) error {
			parts, err := store.Split(item.ID)
			if err != nil {
				return err
			}
			session, alive, err := FindSession(w, parts[1])
			if err != nil || !alive || session.Authenticator != check.Authenticator {
				return err
			}
			ended++
			gone[session.BrowserSession] = true
			return deleteSession(w, session)
		})
		if err != nil {
			return err
		}
		if err := externalLogins.Delete(w, store.Join(user.Name, check.Authenticator)); err != nil {
			return err
		}
		return deleteTokens(w, UserOwner(user.Name), func(token Token) bool { return gone[token.BrowserSession] })
	})
	return ended, err
}

// endCheck runs end unless the check has been overtaken.
func (d *Directory) endCheck(ctx context.Context, check LoginCheck, end func(store.Writer, User, externalLogin) error) error {
	return d.store.Update(ctx, func(w store.Writer) error {
		user, err := GetUser(w, check.User)
		if errors.Is(err, ErrNotFound) {
			return ErrInvalid
		}
		if err != nil {
			return err
		}
		login, found, err := d.externalLogin(w, user, check.Authenticator)
		if err != nil {
			return err
		}
		if !found || login.Check != check.ID || check.ID == "" {
			return ErrInvalid
		}
		return end(w, user, login)
	})
}

// Standing is how it stands with the login of a user by an authenticator.
func (d *Directory) Standing(ctx context.Context, user, authenticator string) (standing Standing, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		login, found, err := externalLogins.Find(r, store.Join(user, authenticator))
		standing = Standing{
			Known: found, Confirmed: login.Confirmed,
			Checking: login.Check != "" && d.now().Before(login.Rest),
		}
		return err
	})
	return standing, err
}

// externalLogin is the record of a login; found is false for one that nobody has
// written down yet.
func (d *Directory) externalLogin(r store.Reader, user User, authenticator string) (login externalLogin, found bool, err error) {
	login, found, err = externalLogins.Find(r, store.Join(user.Name, authenticator))
	if err != nil || !found || login.UserNumber != user.Number {
		return externalLogin{UserNumber: user.Number}, false, err
	}
	return login, true, nil
}

func (d *Directory) putExternalLogin(w store.Writer, user, authenticator string, login externalLogin) error {
	// Sessions that begin within a check that began now are the last to need it.
	expires := d.now().UTC().Add(d.sessionLimits().Lifetime)
	return externalLogins.Put(w, store.Join(user, authenticator), login, expires)
}

// authStateFor is what an authenticator wanted remembered of a user.
func (d *Directory) authStateFor(user User, login externalLogin, authenticator string) (json.RawMessage, error) {
	if user.Authenticator == authenticator {
		return d.AuthState(user)
	}
	if len(login.SealedAuthState) == 0 {
		return nil, nil
	}
	return d.keys.Open(purposeAuthState, login.SealedAuthState, authStateOf(user))
}

// recordExternalLogin writes down that an authenticator has just logged a user in,
// and puts aside what the one before wanted remembered. Checks under way are
// overtaken. The user is as before the login.
func (d *Directory) recordExternalLogin(w store.Writer, user User, authenticator string) error {
	before := user.Authenticator
	if before != "" && before != authenticator && len(user.SealedAuthState) > 0 {
		aside, found, err := d.externalLogin(w, user, before)
		if err != nil {
			return err
		}
		if found {
			aside.SealedAuthState = user.SealedAuthState
			if err := d.putExternalLogin(w, user.Name, before, aside); err != nil {
				return err
			}
		}
	}
	if authenticator == "" {
		return nil
	}
	return d.putExternalLogin(w, user.Name, authenticator, externalLogin{UserNumber: user.Number, Confirmed: d.now().UTC()})
}

// confirmed is when the login behind a session was last confirmed.
func (d *Directory) confirmed(r store.Reader, user User, session Session) (time.Time, error) {
	if session.Authenticator == "" {
		return session.Created, nil
	}
	login, found, err := find(d.decoded.externalLogins, externalLogins, r, store.Join(user.Name, session.Authenticator))
	if err != nil || !found || login.UserNumber != user.Number || login.Confirmed.Before(session.Created) {
		return session.Created, err
	}
	return login.Confirmed, nil
}

func deleteExternalLogins(w store.Writer, user string) error {
	return externalLogins.Each(w, store.Under(user), func(item store.Item[externalLogin]) error {
		return externalLogins.Delete(w, item.ID)
	})
}

func moveExternalLogins(w store.Writer, user *User, old string) error {
	return externalLogins.Each(w, store.Under(old), func(item store.Item[externalLogin]) error {
		parts, err := store.Split(item.ID)
		if err != nil {
			return err
		}
		if err := externalLogins.Delete(w, item.ID); err != nil {
			return err
		}
		// A check under way is lost with the old name: it knows nothing of the new.
		item.Value.Check, item.Value.Rest = "", time.Time{}
		return externalLogins.Put(w, store.Join(user.Name, parts[1]), item.Value, item.Expires)
	})
}
