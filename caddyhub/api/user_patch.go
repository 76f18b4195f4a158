package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// changeUser changes name, admin flag and auth state, all or nothing.
func changeUser(c *call) error {
	if _, err := c.options.Directory.User(c.r.Context(), c.user); err != nil {
		return err
	}
	value, err := c.value()
	if err != nil {
		return err
	}
	model, is := value.(map[string]any)
	if !is {
		return badRequest("Invalid JSON data: %s", repr(value))
	}
	change, err := c.userChange(model)
	if err != nil {
		return err
	}
	if change.Name != nil {
		if err := c.clearServers(*change.Name, change.Allow); err != nil {
			return err
		}
	}
	changed, err := c.options.Directory.ChangeUser(c.r.Context(), c.user, change)
	if errors.Is(err, identity.ErrExists) {
		return notUnique(*change.Name)
	}
	if err != nil {
		return err
	}
	c.log.InfoContext(c.r.Context(), "user changed", "user", c.user, "name", changed.Name,
		"admin", changed.Admin, "auth_state", change.AuthState != nil, "by", c.identity.Name())
	return c.answerChanged(changed)
}

func notUnique(name string) error {
	return badRequest("User %s already exists, username must be unique", name)
}

// userChange reads the wish for a change.
func (c *call) userChange(model map[string]any) (change identity.UserChange, err error) {
	if err := checkUser(model); err != nil {
		return change, err
	}
	for _, key := range []string{"groups", "roles"} {
		if _, given := model[key]; given {
			return change, badRequest("user.%s cannot be changed here", key)
		}
	}
	if admin, given := model["admin"].(bool); given {
		change.Admin = &admin
	}
	if state, given := model["auth_state"]; given {
		encoded, err := json.Marshal(state)
		if err != nil {
			return change, err
		}
		change.AuthState = (*json.RawMessage)(&encoded)
	}
	if typed, given := model["name"].(string); given && typed != c.user {
		name, err := c.userName(typed)
		if err != nil {
			return change, badRequest("Invalid username: %s", authenticator.ForLog(typed))
		}
		if name != c.user {
			change.Name = &name
		}
	}
	change.Allow = func(r store.Reader, user identity.User) error { return c.allowChange(r, user, change) }
	return change, nil
}

// allowChange is checked in the transaction of the change.
func (c *call) allowChange(r store.Reader, user identity.User, change identity.UserChange) error {
	if change.Name != nil {
		if _, err := identity.GetUser(r, *change.Name); err == nil {
			return notUnique(*change.Name)
		} else if !errors.Is(err, identity.ErrNotFound) {
			return err
		}
	}
	switch {
	case user.Admin && !c.identity.Admin():
		return errModifyAdmin
	case change.Admin != nil && *change.Admin && !user.Admin && !c.mayMakeAdmins():
		return errGrantAdmin
	case change.Name == nil:
		return nil
	}
	if err := c.checkRename(user, *change.Name); err != nil {
		return err
	}
	servers, err := server.List(r, user.Name)
	if err != nil {
		return err
	}
	for _, s := range servers {
		if s.Active() {
			return badRequest("%s has running servers; stop them before changing the name", user.Name)
		}
	}
	return nil
}

// clearServers forgets the stopped servers of a user who is about to be renamed,
// once it is certain that the rename is allowed: their records, routes and
// tokens stand under the old name.
func (c *call) clearServers(name string, allow func(store.Reader, identity.User) error) error {
	err := c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		user, err := identity.GetUser(r, c.user)
		if err != nil {
			return err
		}
		return allow(r, user)
	})
	if err != nil {
		return err
	}
	return c.options.Servers.StopAll(c.r.Context(), c.user)
}

// answerChanged answers with the model, which here always has the auth state.
func (c *call) answerChanged(user identity.User) error {
	models, err := c.userModels([]identity.User{user})
	if err != nil {
		return err
	}
	model := map[string]any{}
	if len(models) > 0 {
		model = models[0]
	}
	if err := c.withAuthState(model, user); err != nil {
		return err
	}
	return c.json(http.StatusOK, model)
}
