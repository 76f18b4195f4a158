package identity

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Login is what a successful login, or a LoginCheck, says about a user. Confirm takes
// neither Name nor Authenticator from it, and nil there leaves what is known.
type Login struct {
	// Name as the authenticator's rules made it.
	Name string
	// Authenticator that did it.
	Authenticator string
	// Admin sets the admin flag; nil leaves it.
	Admin *bool
	// ManageGroups replaces the user's groups by Groups.
	ManageGroups bool
	Groups       []string
	// AuthState is sealed and stored; nil forgets what was stored.
	AuthState json.RawMessage
}

// RecordLogin writes down a login: the user is created if new, and what the
// authenticator says about the user replaces what was known. JupyterHub's order
// (reference "Authenticators, persist").
func (d *Directory) RecordLogin(ctx context.Context, login Login) (user User, err error) {
	err = d.store.Update(ctx, func(w store.Writer) error {
		user, err = GetUser(w, login.Name)
		if errors.Is(err, ErrNotFound) {
			user, err = d.createUser(w, login.Name, false)
		}
		if err != nil {
			return err
		}
		if err := d.recordExternalLogin(w, user, login.Authenticator); err != nil {
			return err
		}
		if login.Admin != nil {
			user.Admin = *login.Admin
		}
		user.Authenticator = login.Authenticator
		d.SetAuthState(&user, login.AuthState)
		if login.ManageGroups {
			return SetGroups(w, &user, login.Groups)
		}
		return putUser(w, user)
	})
	return user, err
}
