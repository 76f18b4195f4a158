package api

import (
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// authenticate identifies the caller by what the body has for the authenticator,
// as a login does, without making a session. Only trouble of ours is told apart
// from a refusal.
func (c *call) authenticate(auth any) error {
	refused := refuse(http.StatusForbidden, "")
	form, ok := formOf(auth)
	if !ok {
		return refused
	}
	attempt := authenticator.Attempt{Form: form, Request: c.r, Remote: c.options.Remote(c.r)}
	for _, offer := range c.options.Login.Offers() {
		if offer.Redirects {
			continue
		}
		decision, err := c.options.Login.Login(c.r.Context(), offer.Name, attempt)
		if err == nil {
			return c.loggedIn(decision)
		}
		switch status, message, retry := authenticator.Describe(err); {
		case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests:
			return &failure{status: status, message: message, retryAfter: retry, err: err}
		case !errors.Is(err, authenticator.ErrDenied):
			return refused
		}
	}
	return refused
}

// formOf is the object "auth" as the fields of a login form.
func formOf(auth any) (map[string]string, bool) {
	fields, is := auth.(map[string]any)
	if !is || len(fields) == 0 {
		return nil, false
	}
	form := make(map[string]string, len(fields))
	for name, value := range fields {
		text, is := value.(string)
		if !is {
			return nil, false
		}
		form[name] = text
	}
	return form, true
}

// loggedIn makes the user of a decision the caller. Only a login in the browser
// creates users.
func (c *call) loggedIn(decision *authenticator.Decision) error {
	if _, err := c.options.Directory.User(c.r.Context(), decision.User); errors.Is(err, identity.ErrNotFound) {
		return refuse(http.StatusForbidden, "")
	} else if err != nil {
		return err
	}
	user, err := c.options.Directory.RecordLogin(c.r.Context(), identity.Login{
		Name: decision.User, Authenticator: decision.Authenticator, Admin: decision.Admin,
		ManageGroups: decision.Groups != nil, Groups: decision.Groups, AuthState: decision.AuthState,
	})
	if err != nil {
		return err
	}
	caller := &identity.Identity{Owner: identity.UserOwner(user.Name), User: &user}
	err = c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) (err error) {
		caller.Scopes, err = c.options.Directory.OwnerScopes(r, caller.Owner)
		return err
	})
	if err != nil {
		return err
	}
	c.become(caller)
	c.active()
	return nil
}
