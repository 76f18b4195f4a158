package api

import (
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// maxNewGroups is how many groups one request may create. They are one
// transaction, which holds up all others for as long as it takes.
const maxNewGroups = 1000

// groupTypes are the keys of a group in a request (section 1.6).
var groupTypes = map[string]pythonType{"name": typeStr, "users": typeList, "roles": typeList}

// createGroups creates several groups with the same members, or none.
func createGroups(c *call) error {
	value, err := c.value()
	if err != nil {
		return err
	}
	model, _ := value.(map[string]any)
	asked, given := model["groups"]
	if !given || empty(asked) {
		return badRequest("Must specify at least one group to create")
	}
	names, ok := texts(asked)
	switch {
	case !ok:
		return badRequest("groups must be a list of strings, not %s", repr(asked))
	case len(names) > maxNewGroups:
		return badRequest("Must not specify more than %d groups to create", maxNewGroups)
	}
	delete(model, "groups")
	models, err := c.newGroups(names, model)
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, models)
}

// createGroup creates the group in the path.
func createGroup(c *call) error {
	model, err := c.object()
	if err != nil {
		return err
	}
	models, err := c.newGroups([]string{c.group}, model)
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, models[0])
}

// newGroups creates groups in one transaction and returns their models.
func (c *call) newGroups(names []string, model map[string]any) (models []map[string]any, err error) {
	if err := checkModel("group", model, groupTypes); err != nil {
		return nil, err
	}
	users, err := memberNames(model["users"])
	if err != nil {
		return nil, err
	}
	err = c.options.Directory.Store().Update(c.r.Context(), func(w store.Writer) error {
		models = nil
		var created []identity.Group
		for _, name := range names {
			group, err := c.newGroup(w, name, users)
			if err != nil {
				return err
			}
			created = append(created, group)
		}
		models, err = c.groupModels(w, created)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.log.InfoContext(c.r.Context(), "groups created", "count", len(models), "members", len(users), "by", c.identity.Name())
	return models, nil
}

func (c *call) newGroup(w store.Writer, name string, users []string) (identity.Group, error) {
	group, err := identity.CreateGroup(w, name)
	switch {
	case errors.Is(err, identity.ErrExists):
		return group, refuse(http.StatusConflict, "Group %s already exists", name)
	case errors.Is(err, identity.ErrName):
		return group, badRequest("Invalid group name: %s", authenticator.ForLog(name))
	case err != nil:
		return group, err
	}
	members, err := c.findMembers(w, users)
	if err != nil {
		return group, err
	}
	if err := c.checkMembership(w, group, members); err != nil {
		return group, err
	}
	return group, identity.AddMembers(w, name, members)
}
