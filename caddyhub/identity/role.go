package identity

import (
	"context"
	"fmt"
	"slices"
	"time"

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

var roles = store.Collection[Role]{Kind: "role"}

// GetRole returns a role inside a transaction: the configured one, else the
// default one of that name, else ErrNotFound.
func GetRole(r store.Reader, name string) (Role, error) {
	role, found, err := roles.Find(r, store.Join(name))
	if err != nil || found {
		return role, err
	}
	for _, standard := range scope.DefaultRoles() {
		if standard.Name == name {
			return Role{Name: name, Description: standard.Description, Scopes: standard.Scopes}, nil
		}
	}
	return Role{}, fmt.Errorf("%w: role %q", ErrNotFound, name)
}

// scopesOfRoles are the scopes of roles together, unexpanded. A role that no
// longer exists gives none.
func scopesOfRoles(r store.Reader, names []string) ([]string, error) {
	var all []string
	for _, name := range names {
		role, found, err := findRole(r, name)
		if err != nil {
			return nil, err
		}
		if found {
			all = append(all, role.Scopes...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func findRole(r store.Reader, name string) (Role, bool, error) {
	role, err := GetRole(r, name)
	return found(role, err)
}

// Role returns a role; ErrNotFound if there is none of that name.
func (d *Directory) Role(ctx context.Context, name string) (role Role, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		role, err = GetRole(r, name)
		return err
	})
	return role, err
}

func putRole(w store.Writer, role Role) error {
	return roles.Put(w, store.Join(role.Name), role, time.Time{})
}
