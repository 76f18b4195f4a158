package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// maxVerbatim is how long what is kept as it came may be, in bytes: properties of a
// group, a service. Every list of groups or services has all of it.
const maxVerbatim = 64 << 10

// maxMembers is how many members one request may add or remove. They are one
// transaction, which reads and writes each of them.
const maxMembers = 10000

func addMembers(c *call) error {
	return c.changeMembers("add", func(w store.Writer, group identity.Group, users []string) error {
		if err := c.checkMembership(w, group, users); err != nil {
			return err
		}
		return identity.AddMembers(w, group.Name, users)
	})
}

func removeMembers(c *call) error {
	return c.changeMembers("delete", func(w store.Writer, group identity.Group, users []string) error {
		return identity.RemoveMembers(w, group.Name, users)
	})
}

// changeMembers adds or removes the users in the body, all or none.
func (c *call) changeMembers(verb string, change func(store.Writer, identity.Group, []string) error) error {
	if err := c.groupExists(); err != nil {
		return err
	}
	users, err := c.membersInBody(verb)
	if err != nil {
		return err
	}
	var model map[string]any
	err = c.options.Directory.Store().Update(c.r.Context(), func(w store.Writer) error {
		group, err := c.findGroup(w)
		if err != nil {
			return err
		}
		members, err := c.findMembers(w, users)
		if err != nil {
			return err
		}
		if err := change(w, group, members); err != nil {
			return err
		}
		model, err = c.groupModel(w, group)
		return err
	})
	if err != nil {
		return err
	}
	c.log.InfoContext(c.r.Context(), "members of group changed",
		"group", c.group, "change", verb, "users", len(users), "by", c.identity.Name())
	return c.json(http.StatusOK, model)
}

func (c *call) membersInBody(verb string) ([]string, error) {
	value, err := c.value()
	if err != nil {
		return nil, err
	}
	model, is := value.(map[string]any)
	if !is {
		return nil, badRequest("Invalid JSON data: %s", repr(value))
	}
	if err := checkModel("group", model, groupTypes); err != nil {
		return nil, err
	}
	asked, given := model["users"]
	if !given {
		return nil, badRequest("Must specify users to %s", verb)
	}
	return memberNames(asked)
}

// memberNames reads a list of users, as they were typed; none if there is no list.
func memberNames(value any) ([]string, error) {
	if value == nil {
		return nil, nil
	}
	names, ok := texts(value)
	switch {
	case !ok:
		return nil, badRequest("usernames must be a list of strings, not %s", repr(value))
	case len(names) > maxMembers:
		return nil, badRequest("Must not specify more than %d users", maxMembers)
	}
	return names, nil
}

// findMembers brings names into the form they have in the hub, and refuses those
// that no user has.
func (c *call) findMembers(r store.Reader, typed []string) ([]string, error) {
	names := make([]string, len(typed))
	for i, text := range typed {
		name, err := c.userName(text)
		if err != nil {
			return nil, badRequest("No such user: %s", authenticator.ForLog(authenticator.Canonical(text)))
		}
		if _, err := identity.GetUser(r, name); errors.Is(err, identity.ErrNotFound) {
			return nil, badRequest("No such user: %s", name)
		} else if err != nil {
			return nil, err
		}
		names[i] = name
	}
	return names, nil
}

// putProperties replaces the properties of a group.
func putProperties(c *call) error {
	if err := c.groupExists(); err != nil {
		return err
	}
	value, err := c.value()
	if err != nil {
		return err
	}
	if _, is := value.(map[string]any); !is {
		return badRequest("Must specify properties")
	}
	properties, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if len(properties) > maxVerbatim {
		return badRequest("Properties must not be longer than %d bytes", maxVerbatim)
	}
	var model map[string]any
	err = c.options.Directory.Store().Update(c.r.Context(), func(w store.Writer) error {
		if _, err := c.findGroup(w); err != nil {
			return err
		}
		group, err := identity.SetGroupProperties(w, c.group, properties)
		if err != nil {
			return err
		}
		model, err = c.groupModel(w, group)
		return err
	})
	if err != nil {
		return err
	}
	c.log.InfoContext(c.r.Context(), "properties of group changed", "group", c.group, "by", c.identity.Name())
	return c.json(http.StatusOK, model)
}
