package identity

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Configuration is what the operator wrote about identities. Apply makes the
// store agree with it, with JupyterHub's meaning of a restart.
type Configuration struct {
	Roles    []ConfiguredRole
	Groups   []ConfiguredGroup
	Services []ConfiguredService
	// Admins are users who exist and are administrators. Who is taken off this
	// list stays administrator until it is taken away through the API.
	Admins []string
}

// ConfiguredRole is a role with its members. The lists are authoritative: who
// is not on them loses the role. Two roles are special, as in JupyterHub
// ("load_roles"): every user has the role "user", listed or not; and empty
// lists of users and services of the role "admin" leave its members, while
// others are exact, beside Configuration.Admins and Service.Admin.
type ConfiguredRole struct {
	// Role of which empty fields mean the default of a role that every hub has.
	// Scopes that are empty but not nil mean none. "admin" cannot be redefined.
	Role
	Users    []string
	Groups   []string
	Services []string
}

// ConfiguredGroup is a group with members to add; none are removed.
type ConfiguredGroup struct {
	Name string
	// Properties replace the stored ones; nil leaves them.
	Properties json.RawMessage
	Users      []string
}

// ConfiguredService is a service with its API token; empty for none. Another
// token replaces the one before. A managed service without one is given one by
// RenewServiceToken whenever it is started. A service that leaves the configuration goes
// with all its tokens and OAuth clients; one made through the API stays.
type ConfiguredService struct {
	Service
	APIToken string
}

// Apply writes the configuration into the store, in one transaction. It is
// idempotent, and every node may do it. It reads and writes only those whom the
// configuration names or has named, however many users there are.
func (d *Directory) Apply(ctx context.Context, configuration Configuration) error {
	return d.store.Update(ctx, func(w store.Writer) error {
		steps := []func(store.Writer, Configuration) error{
			d.applyAdmins, d.applyGroups, d.applyServices, d.applyRoles,
		}
		for _, step := range steps {
			if err := step(w, configuration); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *Directory) applyAdmins(w store.Writer, configuration Configuration) error {
	for _, name := range configuration.Admins {
		user, err := d.ensureUser(w, name)
		if err != nil {
			return err
		}
		if !user.Admin {
			user.Admin = true
			if err := putUser(w, user); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Directory) applyGroups(w store.Writer, configuration Configuration) error {
	for _, configured := range configuration.Groups {
		group, err := ensureGroup(w, configured.Name)
		if err != nil {
			return err
		}
		if configured.Properties != nil {
			group.Properties = configured.Properties
			if err := putChanged(w, groups, store.Join(group.Name), group); err != nil {
				return err
			}
		}
		for _, name := range configured.Users {
			user, err := d.ensureUser(w, name)
			if err != nil {
				return err
			}
			if !slices.Contains(user.Groups, group.Name) {
				if err := SetGroups(w, &user, append(user.Groups, group.Name)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (d *Directory) ensureUser(w store.Writer, name string) (User, error) {
	user, err := GetUser(w, name)
	if errors.Is(err, ErrNotFound) {
		return d.createUser(w, name, false)
	}
	return user, err
}
