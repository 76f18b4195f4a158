package identity

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func (d *Directory) applyRoles(w store.Writer, configuration Configuration) error {
	kept := make(map[string]bool)
	for _, configured := range configuration.Roles {
		role, err := completed(configured.Role)
		if err != nil {
			return err
		}
		kept[role.Name] = true
		if err := putChanged(w, roles, store.Join(role.Name), role); err != nil {
			return err
		}
		if err := d.ensureMembers(w, configured); err != nil {
			return err
		}
	}
	if err := dropRoles(w, kept); err != nil {
		return err
	}
	return d.assignRoles(w, configuration)
}

// completed fills in what a configured role leaves to the default of its name.
func completed(role Role) (Role, error) {
	if err := CheckName(role.Name); err != nil {
		return role, fmt.Errorf("identity: role: %w", err)
	}
	standard, found := standardRoles()[role.Name]
	if !found {
		return role, nil
	}
	if role.Name == RoleAdmin && role.Scopes != nil && !slices.Equal(role.Scopes, standard.Scopes) {
		return role, errors.New("identity: the scopes of the role \"admin\" cannot be changed")
	}
	if role.Scopes == nil {
		role.Scopes = standard.Scopes
	}
	if role.Description == "" {
		role.Description = standard.Description
	}
	return role, nil
}

// ensureMembers creates the users and groups of a role that are missing; a
// service must exist.
func (d *Directory) ensureMembers(w store.Writer, configured ConfiguredRole) error {
	for _, name := range configured.Users {
		if _, err := d.ensureUser(w, name); err != nil {
			return err
		}
	}
	for _, name := range configured.Groups {
		if _, err := ensureGroup(w, name); err != nil {
			return err
		}
	}
	for _, name := range configured.Services {
		if _, err := GetService(w, name); err != nil {
			return fmt.Errorf("identity: role %q: %w", configured.Name, err)
		}
	}
	return nil
}

// dropRoles deletes roles that left the configuration.
func dropRoles(w store.Writer, kept map[string]bool) error {
	return roles.Each(w, "", func(item store.Item[Role]) error {
		if kept[item.Value.Name] {
			return nil
		}
		return roles.Delete(w, item.ID)
	})
}

// assignRoles gives users, groups and services the configured roles, exactly.
// It looks at those who have a role or are to have one, and at nobody else.
func (d *Directory) assignRoles(w store.Writer, configuration Configuration) error {
	holders, err := roleHolders(w)
	if err != nil {
		return err
	}
	wanted := make(map[member][]string)
	for who := range holders {
		wanted[who] = nil
	}
	exact := make(map[string]bool) // kinds whose administrators are listed
	for _, role := range configuration.Roles {
		for kind, names := range map[string][]string{memberUser: role.Users, memberGroup: role.Groups, memberService: role.Services} {
			for _, name := range names {
				who := member{kind, name}
				wanted[who] = append(wanted[who], role.Name)
			}
			if role.Name == RoleAdmin && len(names) > 0 {
				exact[kind] = true
			}
		}
	}
	for who, names := range wanted {
		slices.Sort(names)
		names = slices.Compact(names)
		if err := assign(w, configuration, who, names, exact[who.kind]); err != nil {
			return err
		}
		// What the index knew of members that are gone.
		if err := tidyIndex(w, who, holders[who]); err != nil {
			return err
		}
	}
	return nil
}

// assign gives one member the roles of these names and takes all others.
func assign(w store.Writer, configuration Configuration, who member, names []string, exactAdmins bool) error {
	admin := slices.Contains(names, RoleAdmin)
	plain := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == RoleAdmin || name == RoleUser })
	switch who.kind {
	case memberUser:
		user, exists, err := found(GetUser(w, who.name))
		if err != nil || !exists {
			return err
		}
		if exactAdmins {
			user.Admin = admin || slices.Contains(configuration.Admins, user.Name)
		}
		user.Roles = plain
		return putUser(w, user)
	case memberGroup:
		group, exists, err := found(GetGroup(w, who.name))
		if err != nil || !exists {
			return err
		}
		if err := indexRoles(w, memberGroup, group.Name, group.Roles, names); err != nil {
			return err
		}
		group.Roles = names
		return putChanged(w, groups, store.Join(group.Name), group)
	default:
		service, exists, err := found(GetService(w, who.name))
		if err != nil || !exists {
			return err
		}
		if exactAdmins {
			service.Admin = admin || slices.ContainsFunc(configuration.Services, func(c ConfiguredService) bool {
				return c.Name == service.Name && c.Admin
			})
		}
		service.Roles = slices.DeleteFunc(names, func(name string) bool { return name == RoleAdmin })
		return putService(w, service)
	}
}

// tidyIndex removes entries of a member that its own record does not bear out.
func tidyIndex(w store.Writer, who member, known []string) error {
	if len(known) == 0 {
		return nil
	}
	var actual []string
	switch who.kind {
	case memberUser:
		user, _, err := found(GetUser(w, who.name))
		if err != nil {
			return err
		}
		actual = user.assigned()
	case memberGroup:
		group, _, err := found(GetGroup(w, who.name))
		if err != nil {
			return err
		}
		actual = group.Roles
	case memberService:
		service, _, err := found(GetService(w, who.name))
		if err != nil {
			return err
		}
		actual = service.assigned()
	}
	for _, role := range known {
		if !slices.Contains(actual, role) {
			if err := roleMembers.Delete(w, store.Join(role, who.kind, who.name)); err != nil {
				return err
			}
		}
	}
	return nil
}
