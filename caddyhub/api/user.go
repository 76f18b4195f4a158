package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func getUser(c *call) error {
	var (
		user  identity.User
		model map[string]any
	)
	err := c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) (err error) {
		if user, err = identity.GetUser(r, c.user); err != nil {
			return err
		}
		model, err = c.userModel(r, user)
		return err
	})
	if err != nil {
		return err
	}
	if _, revealed := model["auth_state"]; revealed {
		if err := c.withAuthState(model, user); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, model)
}

// createUser creates the user in the path. JupyterHub takes any name here; a
// name that no login could ever have is refused instead, since nobody could use
// the account.
func createUser(c *call) error {
	if unknown, err := c.unknown([]string{c.user}); err != nil {
		return err
	} else if len(unknown) == 0 {
		return alreadyExists(c.user)
	}
	model, err := c.object()
	if err != nil {
		return err
	}
	admin, err := c.newUser(model)
	if err != nil {
		return err
	}
	if name, err := c.options.Login.UserName(c.user); err != nil || name != c.user {
		return badRequest("Failed to create user: %s", authenticator.ForLog(c.user))
	}
	if err := c.announce(c.user); err != nil {
		return err
	}
	created, err := c.options.Directory.CreateUser(c.r.Context(), c.user, admin)
	if errors.Is(err, identity.ErrExists) {
		return alreadyExists(c.user)
	}
	if err != nil {
		return err
	}
	c.log.InfoContext(c.r.Context(), "user created", "user", c.user, "admin", admin, "by", c.identity.Name())
	return c.answerUser(http.StatusCreated, created)
}

func alreadyExists(name string) error {
	return refuse(http.StatusConflict, "User %s already exists", name)
}

func (c *call) answerUser(status int, user identity.User) error {
	models, err := c.userModels([]identity.User{user})
	if err != nil {
		return err
	}
	if len(models) == 0 {
		models = []map[string]any{{}}
	}
	return c.json(status, models[0])
}

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
		name, err := c.options.Login.UserName(typed)
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
	if !c.identity.Admin() {
		switch {
		case user.Admin:
			return errModifyAdmin
		case change.Admin != nil && *change.Admin:
			return errGrantAdmin
		}
	}
	if change.Name == nil {
		return nil
	}
	if _, err := identity.GetUser(r, *change.Name); err == nil {
		return notUnique(*change.Name)
	} else if !errors.Is(err, identity.ErrNotFound) {
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

// deleteUser stops and removes all servers of a user, then the user.
func deleteUser(c *call) error {
	if _, err := c.options.Directory.User(c.r.Context(), c.user); err != nil {
		return err
	}
	if c.identity.Owner == identity.UserOwner(c.user) {
		return badRequest("Cannot delete yourself!")
	}
	stopping := badRequest("%s's server is in the process of stopping, please wait.", c.user)
	standard, err := c.options.Servers.Get(c.r.Context(), c.user, "")
	if err != nil {
		return err
	}
	if standard.Pending == server.PendingStop {
		return stopping
	}
	limited, cancel := context.WithTimeout(c.r.Context(), c.options.SlowStop)
	defer cancel()
	if err := c.options.Servers.StopAll(limited, c.user); err != nil {
		if limited.Err() != nil && c.r.Context().Err() == nil {
			return stopping
		}
		return err
	}
	for _, known := range c.options.Login.All() {
		if deleter, can := known.(authenticator.UserDeleter); can {
			if err := deleter.DeleteUser(c.r.Context(), c.user); err != nil {
				return err
			}
		}
	}
	if err := c.options.Directory.DeleteUser(c.r.Context(), c.user); err != nil {
		return err
	}
	c.log.InfoContext(c.r.Context(), "user deleted", "user", c.user, "by", c.identity.Name())
	return c.noContent()
}
