package web

import (
	"context"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// logout answers GET {hub}logout. It ends the session with every token that was
// issued within it, and then logs out elsewhere, if the login came from there.
func (c *call) logout() error {
	ctx := c.r.Context()
	left := c.visit
	if err := c.endSessions(ctx); err != nil {
		// The cookies stay: whoever believed to be out would not be.
		return err
	}
	c.visit = browser.Visit{}
	c.options.Browser.Clear(c.w, c.r)
	if left.Identity != nil {
		c.did(actionLogout, audit.Target{User: left.Identity.Name()})
		c.log.InfoContext(ctx, "user logged out", "user", left.Identity.Name())
		if elsewhere := c.logoutElsewhere(ctx, left); elsewhere != "" {
			return c.redirect(elsewhere, http.StatusFound)
		}
	}
	if target, ok := c.wanted(); ok {
		return c.redirect(target, http.StatusFound)
	}
	if _, auto := c.options.Login.Auto(); auto {
		// The login page would log in again at once.
		c.options.Pages.Render(c.w, http.StatusOK, page.Visitor{}, page.Logout{})
		return nil
	}
	return c.redirect(c.hub+"login", http.StatusFound)
}

// logoutElsewhere is where the session ends that the login came from; empty for
// nowhere. Trouble there leaves the visitor logged out here.
func (c *call) logoutElsewhere(ctx context.Context, left browser.Visit) string {
	found, _ := c.options.Login.Authenticator(left.Identity.Session.Authenticator)
	redirector, ok := found.(authenticator.LogoutRedirector)
	if !ok {
		return ""
	}
	state, err := c.options.Directory.AuthState(*left.Identity.User)
	if err == nil {
		var location string
		if location, err = redirector.LogoutURL(ctx, state); err == nil {
			return location
		}
	}
	c.log.WarnContext(ctx, "no logout elsewhere", "user", left.Identity.Name(), "error", err)
	return ""
}
