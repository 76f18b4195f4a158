package api

import (
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// authorizationEndpoints are the oldest ways to ask who somebody is, and what is
// left of one that JupyterHub took away (section 1.11).
func (a *API) authorizationEndpoints() []endpoint {
	return []endpoint{
		{http.MethodPost, "/authorizations/token", permit{who: anybody}, goneAuthorization},
		{http.MethodGet, "/authorizations/token/{token}", permit{who: identified}, whoseToken},
		{http.MethodGet, "/authorizations/cookie/{cookie}", permit{who: identified}, whoseCookie},
		{http.MethodGet, "/authorizations/cookie/{cookie}/{token}", permit{who: identified}, whoseCookie},
	}
}

func goneAuthorization(*call) error {
	return refuse(http.StatusNotFound, "Deprecated endpoint /hub/api/authorizations/token is removed in JupyterHub 2.0."+
		" Use /hub/api/users/:user/tokens instead.")
}

// byToken refuses callers who did not come with a token.
func (c *call) byToken() error {
	if c.identity == nil || c.identity.Token == nil {
		return refuse(http.StatusForbidden, "")
	}
	return nil
}

// whoseToken tells a caller with a token whose another one is.
func whoseToken(c *call) error {
	if err := c.byToken(); err != nil {
		return err
	}
	owner, err := c.options.Directory.ByToken(c.r.Context(), c.token)
	if errors.Is(err, identity.ErrInvalid) {
		return refuse(http.StatusNotFound, "")
	}
	if err != nil {
		return err
	}
	if owner.Token != nil {
		c.options.Directory.Activity().Touch(identity.ActivityOfToken(owner.Token.ID), c.options.Now())
	}
	if owner.User != nil {
		c.options.Directory.Activity().Touch(identity.ActivityOfUser(owner.User.Name), c.options.Now())
	}
	model, err := c.identityModel(owner.Owner)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, model)
}

// maxCookie is how long the value of a cookie in a body may be, in bytes.
const maxCookie = 4096

// whoseCookie tells a caller with a token whose login a cookie of this hub is, as
// far as the caller may see that user. The value stands in the path or, as it
// once did, in the body.
func whoseCookie(c *call) error {
	if err := c.byToken(); err != nil {
		return err
	}
	value := c.token
	if value == "" && c.r.Body != nil {
		body, err := io.ReadAll(io.LimitReader(c.r.Body, maxCookie))
		if err != nil {
			return badRequest("The body of the request is incomplete")
		}
		value = string(body)
	}
	nobody := refuse(http.StatusNotFound, "")
	if !slices.Contains(c.options.Browser.ReservedCookies(), c.cookie) {
		return nobody
	}
	found, err := c.options.Directory.BySession(c.r.Context(), value)
	// Who asks here knows users and no limits.
	if errors.Is(err, identity.ErrInvalid) || err == nil && found.Limited() {
		return nobody
	}
	if err != nil {
		return err
	}
	var model map[string]any
	err = c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
		model, err = c.userModel(r, *found.User)
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, model)
}
