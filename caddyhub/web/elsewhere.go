package web

import (
	"net/http"
	"net/url"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// callbackPath is where browsers come back to, below the hub: the path that
// JupyterHub's OAuthenticator has, so that it is registered already.
const callbackPath = "oauth_callback"

// beginElsewhere sends the browser to the site where it is to log in.
func (c *call) beginElsewhere(name string, to authenticator.Redirector) error {
	location, state, err := to.Redirect(c.r.Context(), c.r, c.callback(name))
	if err != nil {
		return c.failElsewhere(name, err)
	}
	next, _ := c.wanted()
	if err := c.keepFlow(flow{Authenticator: name, State: state, Next: next}, location); err != nil {
		return c.failElsewhere(name, err)
	}
	return c.redirect(location, http.StatusFound)
}

// loginElsewhere answers GET {hub}oauth_login, where links of JupyterHub's
// OAuthenticator lead that leave the login page out.
func (c *call) loginElsewhere() error {
	name := c.firstElsewhere()
	if name == "" {
		return loginFailure(authenticator.ErrUnknown)
	}
	return c.showLoginBy(name)
}

// callback is where a browser comes back to from a login elsewhere. Each
// authenticator has a place of its own, so that no site can pass off the answer of
// another as its own (RFC 9700, section 4.4). The first one has JupyterHub's.
func (c *call) callback(name string) string {
	return c.options.Browser.Origin(c.r) + c.callbackOf(name)
}

func (c *call) callbackOf(name string) string {
	if name == c.firstElsewhere() {
		return c.hub + callbackPath
	}
	return c.hub + callbackPath + "/" + url.PathEscape(name)
}

// firstElsewhere is the first authenticator that logs in at another site; empty if
// there is none.
func (c *call) firstElsewhere() string {
	for _, offer := range c.options.Login.Offers() {
		if offer.Redirects {
			return offer.Name
		}
	}
	return ""
}

// returnToLogin answers GET {hub}oauth_callback, and those of further
// authenticators.
func (c *call) returnToLogin() error {
	begun, ok := c.takeFlow()
	if !ok || c.callbackOf(begun.Authenticator) != c.r.URL.EscapedPath() {
		return &failure{
			status: http.StatusBadRequest, title: "This login is too old",
			message: "This browser has no login under way that could be completed here.",
			hint:    "Begin again from the login page. If it happens again, allow cookies for this site.",
		}
	}
	c.did(actionLogin, audit.Target{})
	c.event.Details = map[string]any{"authenticator": begun.Authenticator}
	decision, err := c.options.Login.Login(c.r.Context(), begun.Authenticator, authenticator.Attempt{
		Request: c.r, Remote: remote(c.r), Callback: c.callback(begun.Authenticator), Flow: begun.State,
	})
	if err != nil {
		return refusedElsewhere(err)
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

// refusedElsewhere is loginFailure for somebody who typed no password here.
func refusedElsewhere(err error) error {
	failed := loginFailure(err)
	if failed.status == http.StatusForbidden && failed.message == authenticator.DeniedMessage {
		failed.title = "You cannot log in here"
		failed.message = "You came back from the login, but this hub does not let your account in."
		failed.hint = "If you think that it should, ask its administrator, who finds the reason in the log. " +
			"To come as somebody else, log out where you logged in."
	}
	return failed
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
