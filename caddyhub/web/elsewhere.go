package web

import (
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// beginElsewhere sends the browser to the site where it is to log in.
func (c *call) beginElsewhere(name string, to authenticator.Redirector) error {
	location, state, err := to.Redirect(c.r.Context(), c.r, c.callback())
	if err != nil {
		return c.failElsewhere(name, err)
	}
	next, _ := c.wanted()
	if err := c.keepFlow(flow{Authenticator: name, State: state, Next: next}); err != nil {
		return c.failElsewhere(name, err)
	}
	return c.redirect(location, http.StatusFound)
}

// callback is where a browser comes back to from a login elsewhere: the address
// that JupyterHub's OAuthenticator has, so that it is registered already.
func (c *call) callback() string {
	return c.options.Browser.Origin(c.r) + c.hub + "oauth_callback"
}

// returnToLogin answers GET {hub}oauth_callback.
func (c *call) returnToLogin() error {
	begun, ok := c.takeFlow()
	if !ok {
		return &failure{
			status: http.StatusBadRequest, title: "This login is too old",
			message: "This browser has no login under way that could be completed here.",
			hint:    "Begin again from the login page. If it happens again, allow cookies for this site.",
		}
	}
	decision, err := c.options.Login.Login(c.r.Context(), begun.Authenticator, authenticator.Attempt{
		Request: c.r, Remote: remote(c.r), Callback: c.callback(), Flow: begun.State,
	})
	if err != nil {
		return loginFailure(err)
	}
	if err := c.enter(decision); err != nil {
		return err
	}
	target := begun.Next
	if target == "" {
		if target, err = c.startingPoint(decision.User); err != nil {
			return err
		}
	}
	return c.redirect(target, http.StatusFound)
}

// failElsewhere logs why a login elsewhere could not begin; Login logs its own
// failures.
func (c *call) failElsewhere(name string, err error) error {
	c.log.ErrorContext(c.r.Context(), "login elsewhere not begun", "authenticator", name, "error", err)
	return loginFailure(err)
}

// authenticatorPath serves {hub}login/AUTHENTICATOR/..., the paths that an
// authenticator has of its own.
func (s *Web) authenticatorPath(w http.ResponseWriter, r *http.Request) {
	_, names := s.find(r.URL.EscapedPath()[len(s.hub):])
	found, _ := s.options.Login.Authenticator(names["authenticator"])
	if provider, ok := found.(authenticator.HandlerProvider); ok {
		if handler := provider.Handlers()[names["rest"]]; handler != nil {
			handler.ServeHTTP(w, r)
			return
		}
	}
	(&call{Web: s, w: w, r: r}).fail(&failure{status: http.StatusNotFound})
}
