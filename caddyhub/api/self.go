package api

import (
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// getSelf tells callers who they are and what they may do (section 1.2). Every
// single-user server and service asks this about its visitors.
func getSelf(c *call) error {
	if c.identity == nil {
		return refuse(http.StatusForbidden, "")
	}
	if answered, err := c.selfFromMemory(); answered || err != nil {
		return err
	}
	model, err := c.identityModel(c.identity.Owner)
	if err != nil {
		return err
	}
	model["scopes"] = c.scopes.Strings()
	model["token_id"], model["session_id"] = c.login()
	return c.json(http.StatusOK, model)
}

// login is by which token and in which session a request was made, as far as
// GET /user tells; nil for null.
func (c *call) login() (token, session any) {
	switch {
	case c.identity.Token != nil:
		token = c.identity.Token.ID
		if c.identity.Token.BrowserSession != "" {
			session = c.identity.Token.BrowserSession
		}
	case c.identity.Visitor != nil:
		session = c.identity.BrowserSession()
	}
	return token, session
}

// identityModel is the model of a user or service with what the caller may see
// of it and, whatever the caller's scopes, what it takes to know who it is.
func (c *call) identityModel(of identity.Owner) (model map[string]any, err error) {
	view := *c
	view.scopes = c.scopes.Union(scope.IdentifyScopes(scope.Owner{User: of.User, Service: of.Service}))
	err = c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		if of.User == "" {
			service, err := identity.GetService(r, of.Service)
			if err != nil {
				return err
			}
			model, err = view.serviceModelIn(r, service)
			return err
		}
		user, err := identity.GetUser(r, of.User)
		if err != nil {
			return err
		}
		model, err = view.userModel(r, user)
		return err
	})
	return model, err
}
