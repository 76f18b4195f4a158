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
// is not on them loses the role.
type ConfiguredRole struct {
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

// ConfiguredService is a service with its API token; empty for none.
type ConfiguredService struct {
	Service
	APIToken string
}

// Apply writes the configuration into the store, in one transaction. It is
// idempotent, and every node may do it.
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
			if err := groups.Put(w, store.Join(group.Name), group, time.Time{}); err != nil {
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

func (d *Directory) applyServices(w store.Writer, configuration Configuration) error {
	for _, configured := range configuration.Services {
		service := configured.Service
		if known, found, err := services.Find(w, store.Join(service.Name)); err != nil {
			return err
		} else if found {
			service.Roles = known.Roles
		}
		if err := putService(w, service); err != nil {
			return err
		}
		if err := d.applyServiceToken(w, configured); err != nil {
			return err
		}
	}
	return nil
}

// applyServiceToken replaces the configured token of a service if it changed.
func (d *Directory) applyServiceToken(w store.Writer, configured ConfiguredService) error {
	owner := ServiceOwner(configured.Name)
	if configured.APIToken != "" {
		token, err := d.findToken(w, configured.APIToken)
		if err == nil {
			if token.Owner != owner {
				return fmt.Errorf("identity: the api_token of service %q is in use by another owner", configured.Name)
			}
			return nil
		}
		if !errors.Is(err, ErrInvalid) {
			return err
		}
	}
	if err := deleteTokens(w, owner, func(token Token) bool { return token.Configured }); err != nil {
		return err
	}
	if configured.APIToken == "" {
		return nil
	}
	_, err := d.CreateTokenIn(w, configured.APIToken, NewToken{
		Owner: owner, Scopes: []string{"inherit"}, Configured: true,
	})
	return err
}

func (d *Directory) applyRoles(w store.Writer, configuration Configuration) error {
	configured := make(map[string]ConfiguredRole)
	for _, role := range configuration.Roles {
		configured[role.Name] = role
		if err := putRole(w, role.Role); err != nil {
			return err
		}
		for _, name := range role.Users {
			if _, err := d.ensureUser(w, name); err != nil {
				return err
			}
		}
		for _, name := range role.Groups {
			if _, err := ensureGroup(w, name); err != nil {
				return err
			}
		}
	}
	if err := dropRoles(w, configured); err != nil {
		return err
	}
	return d.assignRoles(w, configured)
}

// dropRoles deletes roles that left the configuration.
func dropRoles(w store.Writer, configured map[string]ConfiguredRole) error {
	return roles.Each(w, "", func(item store.Item[Role]) error {
		if _, kept := configured[item.Value.Name]; kept {
			return nil
		}
		return roles.Delete(w, item.ID)
	})
}

// assignRoles gives users, groups and services the configured roles, exactly.
func (d *Directory) assignRoles(w store.Writer, configured map[string]ConfiguredRole) error {
	err := users.Each(w, "", func(item store.Item[User]) error {
		user := item.Value
		wanted := rolesOf(configured, user.Name, func(role ConfiguredRole) []string { return role.Users })
		if slices.Equal(wanted, user.Roles) {
			return nil
		}
		user.Roles = wanted
		return putUser(w, user)
	})
	if err != nil {
		return err
	}
	err = groups.Each(w, "", func(item store.Item[Group]) error {
		group := item.Value
		wanted := rolesOf(configured, group.Name, func(role ConfiguredRole) []string { return role.Groups })
		if slices.Equal(wanted, group.Roles) {
			return nil
		}
		group.Roles = wanted
		return groups.Put(w, item.ID, group, time.Time{})
	})
	if err != nil {
		return err
	}
	for _, role := range configured {
		for _, name := range role.Services {
			if _, err := GetService(w, name); err != nil {
				return fmt.Errorf("identity: role %q: %w", role.Name, err)
			}
		}
	}
	return services.Each(w, "", func(item store.Item[Service]) error {
		service := item.Value
		wanted := rolesOf(configured, service.Name, func(role ConfiguredRole) []string { return role.Services })
		if slices.Equal(wanted, service.Roles) {
			return nil
		}
		service.Roles = wanted
		return putService(w, service)
	})
}

// rolesOf are the roles whose member list has the name; sorted.
func rolesOf(configured map[string]ConfiguredRole, name string, members func(ConfiguredRole) []string) []string {
	var wanted []string
	for _, role := range configured {
		if slices.Contains(members(role), name) {
			wanted = append(wanted, role.Name)
		}
	}
	slices.Sort(wanted)
	return wanted
}

func (d *Directory) ensureUser(w store.Writer, name string) (User, error) {
	user, err := GetUser(w, name)
	if errors.Is(err, ErrNotFound) {
		return d.createUser(w, name, false)
	}
	return user, err
}
