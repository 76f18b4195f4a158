package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/exchange"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/httpstatus"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// ByExchange stands where the name of an authenticator stands in logs, for logins by
// a one-time token. Sessions that begin so have none.
const ByExchange = "hub_exchange"

// Arrivals is how people come in whom a portal sends with a one-time token.
type Arrivals struct {
	// Exchange redeems the tokens. Required.
	Exchange *exchange.Exchange
	// Parameter of the query, or field of a form, that has the token. Required.
	Parameter string
	// Header that has the token; empty for none.
	Header string
	// KnownOnly refuses users whom the hub does not have.
	KnownOnly bool
	// StartServer starts the server that the token names, or else the one that the
	// address leads to, if it is the user's own.
	StartServer bool
	// PortalURL is where people are sent whose token is worth nothing; may be empty.
	PortalURL string
	// Pages says that the hub's pages are served, so that there is one to wait on
	// for a server.
	Pages bool
}

// arrivalRoute is what a request with a token is in metrics and in the audit log.
var arrivalRoute = &route{path: "exchange", action: actionLogin, acts: true, post: (*call).noPage}

// noPage answers nothing: arrivals are not in the table of paths.
func (c *call) noPage() error { return &failure{status: http.StatusNotFound} }

// Arrive answers a request with a one-time token, or one that goes on with one, at
// whatever path. It returns false, and has written nothing but cookies, if the
// request has none; the body of the request is whole then.
//
// A token in the query, in a form or in a header is worth the same. It is consumed
// only by a browser that goes to a page, or by a program; the answer is then a
// redirect to the same address without it. Somebody who is logged in as somebody
// else is asked first, and a form is always answered by a redirect to a page that
// asks: a post from another site comes without the cookie that says who is there.
func (s *Web) Arrive(w http.ResponseWriter, r *http.Request, a *Arrivals) bool {
	offered := a.offer(r)
	if !offered.there && len(s.options.Browser.Arrivals(r)) == 0 && !s.wantsPortal(r, a) {
		return false
	}
	c := &call{Web: s, r: r, written: httpstatus.Recorder{ResponseWriter: w}, route: arrivalRoute}
	c.w = &c.written
	if !offered.there {
		return c.goOn(a, offered)
	}
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout+a.patience())
	defer cancel()
	c.r = r.WithContext(ctx)
	s.setHeaders(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	defer c.account(s.now())
	if err := c.arrive(a, offered); err != nil {
		c.refuseArrival(a, err)
	}
	return true
}

// arrive answers a request with a token.
func (c *call) arrive(a *Arrivals, offered offer) error {
	if err := c.mayArrive(offered); err != nil {
		return err
	}
	if c.looksAhead() {
		c.event.Action = nothing
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	// Before the token is consumed: if nobody can tell who is there, it must not be.
	if err := c.identify(); err != nil {
		return err
	}
	arrival, decision, err := c.redeem(a, offered.token)
	if err != nil {
		return err
	}
	if c.r.Method == http.MethodPost || c.visit.Identity != nil && c.visit.Identity.Name() != decision.User {
		return c.hold(arrival, offered)
	}
	return c.admit(a, arrival, decision, offered.clean)
}

// mayArrive refuses what no browser on its way to a page sends.
func (c *call) mayArrive(offered offer) error {
	if _, err := gate.Canonical(c.r, string(c.options.Base)); err != nil {
		return &failure{status: http.StatusBadRequest, message: "Bad Request: " + err.Error()}
	}
	_, guest := c.options.Browser.GuestHost(c.r)
	switch {
	case !offered.good:
		return &failure{status: http.StatusBadRequest, message: "This address, or the token in it, is damaged."}
	case guest:
		return &failure{status: http.StatusBadRequest, message: "Logins begin on the host of the hub."}
	case c.r.Method != http.MethodGet && c.r.Method != http.MethodHead && c.r.Method != http.MethodPost:
		return methodNotAllowed("GET, POST")
	case !deliberate(c.r):
		return &failure{status: http.StatusForbidden, message: "A one-time token is for a browser that opens a page."}
	}
	return nil
}

// redeem finds out who comes, and consumes the token.
func (c *call) redeem(a *Arrivals, token string) (arrival *exchange.Arrival, decision *authenticator.Decision, err error) {
	c.did(actionLogin, audit.Target{})
	decision, err = c.options.Login.Vouched(c.r.Context(), ByExchange, remote(c.r), func() (authenticator.Identity, error) {
		arrival, err = a.Exchange.Redeem(c.r.Context(), c.options.Directory, token)
		switch {
		case errors.Is(err, exchange.ErrRefused), errors.Is(err, exchange.ErrExpired):
			return authenticator.Identity{}, fmt.Errorf("%w: %w", authenticator.ErrDenied, err)
		case err != nil:
			return authenticator.Identity{}, err
		}
		return arrival.Identity(), nil
	})
	if arrival != nil {
		c.event.Target.User = authenticator.ForLog(arrival.User)
		c.event.Details = map[string]any{"authenticator": ByExchange, "token": arrival.ID}
	}
	if err != nil {
		return arrival, nil, logged{err}
	}
	c.event.Target.User = decision.User
	return arrival, decision, c.known(a, decision.User)
}

// known refuses users whom the hub does not have, where it is to create none.
func (c *call) known(a *Arrivals, user string) error {
	if !a.KnownOnly {
		return nil
	}
	_, err := c.options.Directory.User(c.r.Context(), user)
	if errors.Is(err, identity.ErrNotFound) {
		return fmt.Errorf("%w: the hub has no such user", authenticator.ErrNotAllowed)
	}
	return err
}
