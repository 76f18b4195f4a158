package identity

import (
	"errors"
	"fmt"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// existing says that a name is taken.
func existing(what, name string) error { return fmt.Errorf("%w: %s %q", ErrExists, what, name) }

// CreateService creates a service that is not configured, with an API token
// unless that is empty, inside a transaction. ErrExists if there is one of that
// name or the token is in use, ErrName if none can have it.
func (d *Directory) CreateService(w store.Writer, service Service, token string) error {
	_, err := GetService(w, service.Name)
	switch {
	case err == nil:
		return existing("service", service.Name)
	case !errors.Is(err, ErrNotFound):
		return err
	}
	service.Configured, service.Roles = false, nil
	if err := putService(w, service); err != nil || token == "" {
		return err
	}
	_, err = d.CreateTokenIn(w, token, NewToken{Owner: ServiceOwner(service.Name), Scopes: []string{scope.Inherit}})
	return err
}

// DeleteService removes a service with its tokens and OAuth clients, and every
// token that those were given, inside a transaction. ErrNotFound if there is none.
func (d *Directory) DeleteService(w store.Writer, name string) error {
	service, err := GetService(w, name)
	if err != nil {
		return err
	}
	return d.removeService(w, service)
}
