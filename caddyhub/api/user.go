package api

import (
	"context"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func getUser(c *call) error {
	if answered, err := c.userFromMemory(); answered || err != nil {
		return err
	}
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
