package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/exchange"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/nexturl"
	"github.com/caddyhub/caddyhub/caddyhub/server"
)

// How long a browser waits for a server that an arrival starts: with pages, until
// it is worth showing one (slow_spawn_timeout); without, as long as browsers do.
const (
	patienceWithPage = 2 * time.Second
	patienceWithout  = 2 * time.Minute
)

// patience is how long the browser of an arrival waits for its server.
func (a *Arrivals) patience() time.Duration {
	if a.Pages {
		return patienceWithPage
	}
	return patienceWithout
}

// admit lets somebody in and sends the browser on.
func (c *call) admit(a *Arrivals, arrival *exchange.Arrival, decision *authenticator.Decision, clean string) error {
	details := c.event.Details
	limit := arrival.Limit(decision.User)
	kept, err := c.keepSession(decision, limit)
	if err != nil {
		return err
	}
	if !kept {
		if err := c.enterWithin(decision, limit); err != nil {
			return err
		}
	}
	if limit != nil {
		details["scopes"] = limit.Scopes
	}
	c.event.Details = details
	target := c.arrivalTarget(arrival, decision.User, clean)
	if name, ok := c.serverToStart(a, arrival, decision.User, target); ok {
		return c.startFor(a, decision.User, name, target)
	}
	return c.redirect(target, http.StatusSeeOther)
}

// keepSession lets the session of a browser go on that has one of the same user: to
// end it would close what is open in other windows. It is widened if it has a limit
// and the token another one.
func (c *call) keepSession(decision *authenticator.Decision, limit *identity.Limit) (kept bool, err error) {
	visitor := c.visit.Identity
	if visitor == nil || visitor.Name() != decision.User {
		return false, nil
	}
	had := limitOf(visitor)
	if had != nil && limit == nil {
		return false, nil
	}
	if had != nil {
		err := c.options.Directory.WidenSession(c.r.Context(), visitor.Session, *limit)
		if errors.Is(err, identity.ErrInvalid) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	if err := c.record(decision); err != nil {
		return false, err
	}
	c.did(actionLogin, audit.Target{User: decision.User})
	c.equip()
	return true, nil
}

// arrivalTarget is where an arrival leads: where the portal says, to the server that
// it names, where the address says.
func (c *call) arrivalTarget(arrival *exchange.Arrival, user, clean string) string {
	site := nexturl.Site{Origins: []string{c.options.Browser.Origin(c.r)}}
	if arrival.Next != "" {
		if target, ok := site.Clean(arrival.Next); ok {
			return target
		}
		c.log.WarnContext(c.r.Context(), "the portal sends people to a place that is not on this site", "token", arrival.ID)
	}
	if arrival.Server != nil {
		return c.options.Servers.URL(user, *arrival.Server)
	}
	path, _, _ := strings.Cut(clean, "?")
	if path != c.hub+"login" {
		return clean
	}
	if target, ok := c.wanted(); ok {
		return target
	}
	if c.options.DefaultURL != "" {
		return c.options.DefaultURL
	}
	return c.options.Servers.URL(user, "")
}

// serverToStart is the server that an arrival is to start.
func (c *call) serverToStart(a *Arrivals, arrival *exchange.Arrival, user, target string) (name string, ok bool) {
	if !a.StartServer {
		return "", false
	}
	if arrival.Server != nil {
		return *arrival.Server, true
	}
	escaped, _, _ := strings.Cut(target, "?")
	path, err := gate.CanonicalPath(escaped, string(c.options.Base))
	if err != nil || !path.InBase() || path.Segment(0) != "user" || path.Segment(1) != user {
		return "", false
	}
	// What follows may be a named server or a page of the default one.
	if name = path.Segment(2); name != "" {
		if _, err := c.options.Servers.Get(c.r.Context(), user, name); err != nil {
			name = ""
		}
	}
	return name, true
}

// startFor starts a server for somebody who has just come in. What the portal may
// ask for it has decided: it has sent them there.
func (c *call) startFor(a *Arrivals, user, name, target string) error {
	begun := c.now()
	err := c.options.Servers.Start(c.r.Context(), user, name, nil)
	switch {
	case errors.Is(err, server.ErrRunning):
		return c.redirect(target, http.StatusSeeOther)
	case errors.Is(err, server.ErrPending):
	default:
		event := audit.Event{Action: actionStart, Actor: c.event.Actor, Remote: remote(c.r), Target: audit.ServerOf(user, name), Took: c.now().Sub(begun)}
		if err != nil {
			event.Outcome, event.Status, event.Reason = audit.Refused, describe(err).status, err.Error()
		}
		c.options.Audit.Record(c.r.Context(), event)
		if err != nil {
			return err
		}
	}
	s, err := c.options.Servers.Wait(c.r.Context(), user, name, a.patience())
	switch {
	case err != nil:
		return err
	case s.Ready:
		return c.redirect(target, http.StatusSeeOther)
	case s.Failure != nil && s.Stopped():
		return &failure{status: s.Failure.Status, message: s.Failure.Message}
	case a.Pages:
		pending := hubpath.Of(c.hub+"spawn-pending/", user, name)
		return c.redirect(withParameters(pending, map[string][]string{"next": {target}}), http.StatusSeeOther)
	}
	return &failure{
		status: http.StatusServiceUnavailable, retryAfter: retryAway, title: "Your server is still starting",
		hint: "Go back to where you came from, and follow the link again in a moment.",
	}
}
