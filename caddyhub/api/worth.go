package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Nobody may hand out more than they hold: that is what the checks in this file
// are about. JupyterHub leaves some of it to the operator, who has to know that
// the scope "groups" may be worth any role that a group has.

// worthAll says whether the caller's scopes are worth all there are: those of an
// administrator, or tokens of everybody.
func (c *call) worthAll() bool {
	everywhere := func(name string) bool { return c.may(name, scope.Resource{}) }
	return everywhere("tokens") || !slices.ContainsFunc(adminScopes(), func(name string) bool { return !everywhere(name) })
}

// adminScopes are those of the role "admin".
func adminScopes() []string {
	for _, role := range scope.DefaultRoles() {
		if role.Name == identity.RoleAdmin {
			return role.Scopes
		}
	}
	return nil
}

// mayMakeAdmins says whether the caller may make users administrators: JupyterHub
// asks for the flag; a token of an administrator that may do less than they must
// not do it either.
func (c *call) mayMakeAdmins() bool { return c.identity.Admin() && c.worthAll() }

// checkMembership refuses to make users members of a group whose roles would give
// them more than the caller has, inside the transaction that adds them.
func (c *call) checkMembership(r store.Reader, group identity.Group, users []string) error {
	if c.worthAll() {
		return nil
	}
	for _, name := range users {
		user, err := identity.GetUser(r, name)
		if err != nil {
			return err
		}
		if slices.Contains(user.Groups, group.Name) {
			continue
		}
		if user.Admin && c.reachesMembers(group.Name) {
			return refuse(http.StatusForbidden, "Only admins can add other admins to groups whose members they have permissions on")
		}
		if err := c.checkGain(r, group, user); err != nil {
			return err
		}
	}
	return nil
}

// reachesMembers says whether the caller can do more to the members of a group
// than look at them.
func (c *call) reachesMembers(group string) bool {
	for _, name := range c.scopes.Names() {
		filters, _ := c.scopes.Filters(name)
		if actsOnUsers(name) && slices.Contains(filters.Values(scope.KindGroup), group) {
			return true
		}
	}
	return false
}

// actsOnUsers says of which scopes a filter by group means the members, and not
// only for reading.
func actsOnUsers(name string) bool {
	return !strings.HasPrefix(name, "read:") && !strings.HasPrefix(name, "list:") &&
		!strings.Contains(name, "groups") && !strings.Contains(name, "services")
}

// checkGain refuses what a user would gain by the roles of a group, unless the
// caller has it.
func (c *call) checkGain(r store.Reader, group identity.Group, user identity.User) error {
	if len(group.Roles) == 0 {
		return nil
	}
	owner := identity.UserOwner(user.Name)
	gained, err := c.options.Directory.RoleScopes(r, group.Roles, owner)
	if err != nil {
		return err
	}
	held, err := c.options.Directory.OwnerScopes(r, owner)
	if err != nil {
		return err
	}
	missing, err := identity.Missing(r, gained, held.Union(c.scopes))
	if err != nil || len(missing) == 0 {
		return err
	}
	return refuse(http.StatusForbidden, "Not adding users to group %s, whose roles have scopes not held by %s %s: %s",
		group.Name, c.callerKind(), c.identity.Name(), shorten(strings.Join(missing, ", ")))
}

// checkRename refuses a new name for a user if the caller, whose scopes are by
// name, would have more of that user than before.
func (c *call) checkRename(user identity.User, name string) error {
	groups := func(string) []string { return user.Groups }
	for _, held := range c.scopes.Names() {
		filters, _ := c.scopes.Filters(held)
		before := filters.Allows(scope.OnUser(user.Name), groups)
		if before {
			continue
		}
		if filters.Allows(scope.OnUser(name), groups) || slices.ContainsFunc(filters.Values(scope.KindServer), func(server string) bool {
			return strings.HasPrefix(server, name+"/")
		}) {
			return refuse(http.StatusForbidden, "Not renaming %s to a user on whom you have other permissions", user.Name)
		}
	}
	return nil
}

// callerKind names the caller's kind as JupyterHub's messages do.
func (c *call) callerKind() string {
	if c.identity.User == nil {
		return "Service"
	}
	return "User"
}
