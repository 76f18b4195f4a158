package api

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// tokenEndpoints are those of section 1.5.
func (a *API) tokenEndpoints() []endpoint {
	return []endpoint{
		{http.MethodGet, "/users/{user}/tokens", need(onUser, "read:tokens"), listTokens},
		{http.MethodPost, "/users/{user}/tokens", permit{who: identified}, createToken},
		{http.MethodGet, "/users/{user}/tokens/{token}", need(onUser, "read:tokens"), getToken},
		{http.MethodDelete, "/users/{user}/tokens/{token}", need(onUser, "tokens"), deleteToken},
	}
}

// listTokens lists the live tokens of a user, the least recently used first.
func listTokens(c *call) error {
	models := []map[string]any{}
	err := c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		models = models[:0]
		if _, err := identity.GetUser(r, c.user); err != nil {
			return err
		}
		tokens, err := c.tokensByUse(r)
		if err != nil {
			return err
		}
		for _, token := range tokens {
			model, err := c.tokenModel(r, token)
			if err != nil {
				return err
			}
			models = append(models, model)
		}
		return nil
	})
	if err != nil {
		return c.noUser(err)
	}
	return c.json(http.StatusOK, map[string]any{"api_tokens": models})
}

func (c *call) tokensByUse(r store.Reader) ([]identity.Token, error) {
	tokens, err := identity.Tokens(r, identity.UserOwner(c.user))
	if err != nil {
		return nil, err
	}
	last := make(map[string]time.Time, len(tokens))
	for _, token := range tokens {
		if last[token.ID], err = c.used(r, token); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(tokens, func(a, b identity.Token) int { return last[a.ID].Compare(last[b.ID]) })
	return tokens, nil
}

// noUser puts JupyterHub's words to a user who is not there.
func (c *call) noUser(err error) error {
	if errors.Is(err, identity.ErrNotFound) {
		return refuse(http.StatusNotFound, "No such user: %s", authenticator.ForLog(c.user))
	}
	return err
}

func (c *call) noToken(err error) error {
	if errors.Is(err, identity.ErrNotFound) {
		return refuse(http.StatusNotFound, "No such token %s for user %s",
			authenticator.ForLog(c.token), authenticator.ForLog(c.user))
	}
	return err
}

func getToken(c *call) error {
	if _, err := c.options.Directory.User(c.r.Context(), c.user); err != nil {
		return c.noUser(err)
	}
	var model map[string]any
	err := c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		token, err := identity.GetToken(r, identity.UserOwner(c.user), c.token)
		if err != nil {
			return err
		}
		model, err = c.tokenModel(r, token)
		return err
	})
	if err != nil {
		return c.noToken(err)
	}
	return c.json(http.StatusOK, model)
}

// deleteToken revokes a token, and with one of an OAuth client all that this
// client has of the user.
func deleteToken(c *call) error {
	if _, err := c.options.Directory.User(c.r.Context(), c.user); err != nil {
		return c.noUser(err)
	}
	err := c.options.Directory.DeleteToken(c.r.Context(), identity.UserOwner(c.user), c.token)
	if err != nil {
		return c.noToken(err)
	}
	c.log.InfoContext(c.r.Context(), "token deleted", "token", c.token, "user", c.user, "by", c.identity.Name())
	return c.noContent()
}
