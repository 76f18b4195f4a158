package identity

import (
	"context"
	"errors"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// CreateUsers creates those of the users that do not exist yet, all in one
// transaction, and returns them. The names must have passed the authenticator's
// rules.
func (d *Directory) CreateUsers(ctx context.Context, names []string, admin bool) (created []User, err error) {
	err = d.store.Update(ctx, func(w store.Writer) error {
		created = nil
		for _, name := range names {
			user, err := d.createUser(w, name, admin)
			if errors.Is(err, ErrExists) {
				continue
			}
			if err != nil {
				return err
			}
			created = append(created, user)
		}
		return nil
	})
	return created, err
}
