package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/exchange"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// logged is an error that the login rules have logged already.
type logged struct{ error }

// Unwrap returns the error.
func (l logged) Unwrap() error { return l.error }

// retryPortal is when to ask the portal again.
const retryPortal = 5 * time.Second

// refuseArrival answers somebody who is not let in: a person with a page, a program
// with JSON (JupyterHub "Error format").
func (c *call) refuseArrival(a *Arrivals, err error) {
	shown := describeArrival(err, a.PortalURL)
	if c.event.Reason == "" && shown.status != http.StatusNoContent {
		c.event.Reason = err.Error()
	}
	if !errors.As(err, new(logged)) {
		level := slog.LevelInfo
		if shown.status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		c.log.Log(c.r.Context(), level, "arrival refused", "path", c.r.URL.Path, "status", shown.status, "remote", remote(c.r), "error", err)
	}
	header := c.w.Header()
	if shown.allow != "" {
		header.Set("Allow", shown.allow)
	}
	setRetryAfter(header, shown.retryAfter)
	if gate.Classify(c.r, gate.Path{}).Kind != gate.KindNavigation {
		header.Set("Content-Type", "application/json")
		c.w.WriteHeader(shown.status)
		_ = json.NewEncoder(c.w).Encode(map[string]any{"status": shown.status, "message": shown.message})
		return
	}
	view := page.Error{Status: shown.status, Title: shown.title, Message: shown.message, Hint: shown.hint}
	if a.PortalURL != "" {
		view.Links = []page.Link{{Label: "To the portal", URL: a.PortalURL}}
	}
	_ = c.render(shown.status, view) // never fails
}

// describeArrival is the one place that knows how an error looks to somebody who
// comes by a token. It tells an unknown token from an expired and from a used one as
// little as a login page tells an unknown name from a wrong password.
func describeArrival(err error, portal string) *failure {
	invalid := &failure{
		status: http.StatusForbidden, title: "This link does not log you in", message: "Invalid token.",
		hint: "A link like this works once, and for a short time. Go back to where you found it and follow it again from there.",
	}
	if portal != "" {
		invalid.message += " Login with external provider at " + portal
	}
	switch {
	case errors.Is(err, exchange.ErrUnavailable):
		return &failure{
			status: http.StatusServiceUnavailable, retryAfter: retryPortal, title: "The portal does not answer",
			message: "The portal that sent you here cannot be asked who you are at the moment.",
			hint:    "Load this page again in a moment. If that does not help, go back to the portal and follow the link again.",
		}
	case errors.Is(err, exchange.ErrRefused), errors.Is(err, exchange.ErrExpired), errors.Is(err, exchange.ErrUsed):
		return invalid
	case errors.Is(err, authenticator.ErrNotAllowed), errors.Is(err, authenticator.ErrInvalidName):
		return &failure{
			status: http.StatusForbidden, title: "You may not come in", message: "This hub does not let you in.",
			hint: "The portal knows who you are, but the rules of this hub do not allow it. Ask the people who run it.",
		}
	}
	var told *authenticator.Error
	if errors.As(err, &told) || errors.Is(err, authenticator.ErrUnavailable) {
		return loginFailure(err)
	}
	return describe(err)
}
