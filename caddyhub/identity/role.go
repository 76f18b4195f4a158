package identity

import (
	"context"
	"fmt"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// The roles that every hub has (JupyterHub "Default roles").
const (
	RoleUser   = "user"
	RoleAdmin  = "admin"
	RoleServer = "server"
	RoleToken  = "token"
)

// Role is a named list of scopes.
type Role struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Scopes as configured, unexpanded.
	Scopes []string `json:"scopes"`
}

var roles = store.Collection[Role]{Kind: KindRole}

// GetRole returns a role inside a transaction: the configured one, else the
// default one of that name, else ErrNotFound.
func GetRole(r store.Reader, name string) (Role, error) {
	id, err := keyOf("role", name)
	if err != nil {
		return Role{}, err
	}
	role, found, err := roles.Find(r, id)
	if err != nil || found {
		return role, err
	}
	if standard, found := standardRoles()[name]; found {
		return standard, nil
	}
	return Role{}, fmt.Errorf("%w: role %q", ErrNotFound, name)
}

// standardRoles are the default roles by name.
func standardRoles() map[string]Role {
	standard := make(map[string]Role)
	for _, role := range scope.DefaultRoles() {
		standard[role.Name] = Role{Name: role.Name, Description: role.Description, Scopes: role.Scopes}
	}
	return standard
}

// Role returns a role; ErrNotFound if there is none of that name.
func (d *Directory) Role(ctx context.Context, name string) (role Role, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		role, err = GetRole(r, name)
		return err
	})
	return role, err
}
