package identity

import (
	"context"
	"errors"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Block takes from a user all by which requests could still be made in that
// name, and all that they would be worth: sessions, tokens, the admin flag and
// the groups (JupyterHub's blocked_users). Servers are the caller's. That there
// is no such user is not an error.
func (d *Directory) Block(ctx context.Context, name string) error {
	return d.store.Update(ctx, func(w store.Writer) error {
		user, err := GetUser(w, name)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := deleteSessions(w, name); err != nil {
			return err
		}
		if err := deleteTokens(w, UserOwner(name), nil); err != nil {
			return err
		}
		if !user.Admin && len(user.Groups) == 0 {
			return nil
		}
		user.Admin = false
		return SetGroups(w, &user, nil)
	})
}
