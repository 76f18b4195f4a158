package web

import (
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// endAnnounced answers POST {hub}login/AUTHENTICATOR/backchannel_logout, by which
// the site of an authenticator announces that somebody has logged out there (OpenID
// Connect Back-Channel Logout 1.0, section 2.5). When it answers 200 the sessions
// are over; every node drops what they hold open.
func (c *call) endAnnounced() error {
	c.w.Header().Set("Cache-Control", "no-store")
	name := c.names["authenticator"]
	found, _ := c.options.Login.Authenticator(name)
	receiver, ok := found.(authenticator.LogoutReceiver)
	if !ok {
		return &failure{status: http.StatusNotFound}
	}
	c.event.Details, c.event.Reason = map[string]any{"authenticator": name}, "announced by the site of the authenticator"
	if err := c.parse(); err != nil {
		return err
	}
	tokens := c.r.PostForm["logout_token"]
	if len(tokens) != 1 {
		return &failure{status: http.StatusBadRequest, message: "The form needs one logout_token."}
	}
	ctx := c.r.Context()
	logout, err := receiver.ReceiveLogout(ctx, tokens[0])
	if err != nil {
		return c.refuseAnnounced(err)
	}
	ended, err := c.options.Directory.EndAnnounced(ctx, identity.AnnouncedLogout{
		Authenticator: name, Elsewhere: identity.Elsewhere(logout.ExternalLogin), ID: logout.ID, Expires: logout.Expires,
	})
	if errors.Is(err, identity.ErrAnnounced) {
		return c.refuseAnnounced(err)
	}
	if err != nil {
		return err
	}
	c.event.Details["sessions"] = len(ended)
	if len(ended) > 0 {
		// A subject is one user, unless an operator has mapped it anew meanwhile.
		c.did(actionLogout, audit.Target{User: ended[0].User})
	}
	c.log.InfoContext(ctx, "logout announced", "authenticator", name, "sessions", len(ended))
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// refuseAnnounced answers an announcement that is not believed, or that nobody can
// judge at the moment.
func (c *call) refuseAnnounced(err error) error {
	status, message, retryAfter := authenticator.Describe(err)
	if status < http.StatusInternalServerError || errors.Is(err, identity.ErrAnnounced) {
		status, message = http.StatusBadRequest, "The logout token is not valid."
	}
	c.log.WarnContext(c.r.Context(), "announced logout refused", "authenticator", c.names["authenticator"],
		"remote", remote(c.r), "reason", err)
	return &failure{status: status, message: message, retryAfter: retryAfter}
}
