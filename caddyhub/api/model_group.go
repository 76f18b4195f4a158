package api

import (
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// groupFields are the fields of a group that each scope reveals (section 1.12).
var groupFields = fields{
	"read:groups":       {"kind", "name", "properties", "users"},
	"read:groups:name":  {"kind", "name"},
	"read:roles:groups": {"kind", "name", "roles"},
}

// groupModel is a group as the caller may see it, inside a transaction.
func (c *call) groupModel(r store.Reader, group identity.Group) (map[string]any, error) {
	of := scope.OnGroup(group.Name)
	model := map[string]any{
		"kind": "group", "name": group.Name, "roles": list(group.Roles), "properties": object(group.Properties),
	}
	if c.may("read:groups", of) {
		users, err := identity.Members(r, group.Name)
		if err != nil {
			return nil, err
		}
		model["users"] = list(users)
	}
	return c.reveal(groupFields, of, model), nil
}

func (c *call) groupModels(r store.Reader, groups []identity.Group) ([]map[string]any, error) {
	models := make([]map[string]any, len(groups))
	for i, group := range groups {
		model, err := c.groupModel(r, group)
		if err != nil {
			return nil, err
		}
		models[i] = model
	}
	return models, nil
}

// findGroup is the group in the path, inside a transaction.
func (c *call) findGroup(r store.Reader) (identity.Group, error) {
	group, err := identity.GetGroup(r, c.group)
	if errors.Is(err, identity.ErrNotFound) {
		return group, refuse(http.StatusNotFound, "No such group: %s", authenticator.ForLog(c.group))
	}
	return group, err
}

// groupExists is for endpoints that say so before they look at the body.
func (c *call) groupExists() error {
	return c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		_, err := c.findGroup(r)
		return err
	})
}
