package web

import (
	"net/http"
	"net/netip"
	"unicode/utf8"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

const (
	// maxFields bounds how many fields of a login form an authenticator is handed.
	maxFields = 32
	// maxShown bounds the name that a refused form is filled with again, in bytes.
	maxShown = 255
)

// tryLogin answers POST {hub}login.
func (c *call) tryLogin() error {
	if err := c.parse(); err != nil {
		return err
	}
	if err := c.proveLogin(); err != nil {
		c.log.InfoContext(c.r.Context(), "login form refused", "remote", remote(c.r), "error", err)
		return c.loginPage(http.StatusForbidden, "Login form invalid or expired. Try again.", "")
	}
	name, ok := c.chosen()
	if !ok {
		return loginFailure(authenticator.ErrUnknown)
	}
	attempt := authenticator.Attempt{Form: c.loginFields(), Request: c.r, Remote: remote(c.r), Device: c.device}
	c.did(actionLogin, audit.Target{User: attempt.Username()})
	decision, err := c.options.Login.Login(c.r.Context(), name, attempt)
	if err != nil {
		status, message, retryAfter := authenticator.Describe(err)
		setRetryAfter(c.w.Header(), retryAfter)
		return c.loginPage(status, message, shownName(attempt.Username()))
	}
	if err := c.enter(decision); err != nil {
		return err
	}
	c.rememberDevice(decision.User)
	target, err := c.destination(decision.User, "")
	if err != nil {
		return err
	}
	return c.redirect(target, http.StatusFound)
}

// proveLogin makes sure that this browser asked for the form: a page elsewhere
// must not log people in as somebody else. The form of somebody who is logged in
// already is signed like any other.
func (c *call) proveLogin() error {
	err := c.options.Browser.CheckAnonymousXSRF(c.r, c.hub)
	if err != nil && c.visit.Identity != nil {
		return c.options.Browser.CheckXSRF(c.r, c.visit, gate.AreaPage, c.hub)
	}
	return err
}

// chosen is the authenticator whose form was sent: the one that the address
// names, else the first that has a form.
func (c *call) chosen() (string, bool) {
	name := c.r.URL.Query().Get("authenticator")
	for _, offer := range c.options.Login.Offers() {
		if hasForm(offer) && (name == "" || name == offer.Name) {
			return offer.Name, true
		}
	}
	return "", false
}

// loginFields are the fields of the form but our own; of several with one name,
// the last (JupyterHub).
func (c *call) loginFields() map[string]string {
	fields := make(map[string]string)
	for name, values := range c.r.PostForm {
		if name != "_xsrf" && len(values) > 0 && len(fields) < maxFields {
			fields[name] = values[len(values)-1]
		}
	}
	return fields
}

// shownName is a name fit to fill the form with again.
func shownName(typed string) string {
	if len(typed) > maxShown || !utf8.ValidString(typed) {
		return ""
	}
	return typed
}

// remote is the address of the client.
func remote(r *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap()
}
