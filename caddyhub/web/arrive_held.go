package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/exchange"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/nexturl"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// The field of the page that asks, and what it can be.
const (
	answerField  = "answer"
	answerSwitch = "switch"
	answerStay   = "stay"
)

// hold keeps an arrival for this browser and sends it to the address without the
// token. The token is used up; only this browser can go on with it.
func (c *call) hold(arrival *exchange.Arrival, offered offer) error {
	path, _, _ := strings.Cut(offered.clean, "?")
	arrival.At = path
	if next := offered.form.Get("next"); next != "" && arrival.Next == "" && path == c.hub+"login" {
		arrival.Next = next
	}
	handle, err := exchange.Hold(c.r.Context(), c.options.Directory, arrival, c.now())
	if err != nil {
		return err
	}
	c.event.Action = nothing
	c.options.Browser.SetArrival(c.w, c.r, path, handle, exchange.HoldLifetime)
	return c.redirect(offered.clean, http.StatusSeeOther)
}

// goOn answers a request of a browser that has an arrival held for this path.
func (c *call) goOn(a *Arrivals, offered offer) (served bool) {
	r := c.r
	answered := offered.form.Get(answerField)
	asks := r.Method == http.MethodGet || r.Method == http.MethodPost && (answered == answerSwitch || answered == answerStay)
	if !asks || !deliberate(r) || c.looksAhead() {
		return false
	}
	handle, arrival, err := c.held()
	if err == nil && arrival == nil {
		return c.sendToPortal(a)
	}
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout+a.patience())
	defer cancel()
	c.r = r.WithContext(ctx)
	c.setHeaders(c.w.Header())
	c.w.Header().Set("Cache-Control", "no-store")
	c.w.Header().Set("Referrer-Policy", "no-referrer")
	defer c.account(c.now())
	if err == nil {
		err = c.goOnWith(a, handle, arrival, answered)
	}
	if err != nil {
		c.refuseArrival(a, err)
	}
	return true
}

// held finds what is held for this path. Nothing is a nil arrival and no error.
func (c *call) held() (handle string, arrival *exchange.Arrival, err error) {
	for _, handle := range c.options.Browser.Arrivals(c.r) {
		arrival, err := exchange.Held(c.r.Context(), c.options.Directory, handle)
		switch {
		case errors.Is(err, exchange.ErrUsed):
			continue
		case err != nil:
			return "", nil, err
		case arrival.At == c.r.URL.EscapedPath():
			return handle, arrival, nil
		}
	}
	return "", nil, nil
}

// goOnWith asks, or acts on the answer.
func (c *call) goOnWith(a *Arrivals, handle string, arrival *exchange.Arrival, answered string) error {
	c.event.Action = nothing
	if err := c.identify(); err != nil {
		return err
	}
	here, ok := nexturl.Site{}.Clean(c.r.URL.RequestURI())
	if !ok {
		here = arrival.At
	}
	if c.r.Method == http.MethodPost {
		if c.visit.Identity != nil {
			if err := c.prove(); err != nil {
				return err
			}
		}
		if answered == answerStay {
			return c.stay(a, handle, arrival)
		}
	}
	decision, err := c.vouched(arrival)
	if err != nil {
		return logged{err}
	}
	if err := c.known(a, decision.User); err != nil {
		return err
	}
	visitor := c.visit.Identity
	if c.r.Method == http.MethodGet && visitor != nil && visitor.Name() != decision.User {
		view := page.SwitchUser{User: decision.User, Action: here, NextURL: c.arrivalTarget(arrival, decision.User, here)}
		return c.render(http.StatusOK, view)
	}
	taken, err := exchange.Take(c.r.Context(), c.options.Directory, handle)
	if err != nil {
		return err
	}
	c.options.Browser.ClearArrival(c.w, c.r, arrival.At)
	c.event.Details = map[string]any{"authenticator": ByExchange, "token": taken.ID}
	return c.admit(a, taken, decision, here)
}

// stay drops what is held, since its browser wants to stay who it is.
func (c *call) stay(a *Arrivals, handle string, arrival *exchange.Arrival) error {
	if _, err := exchange.Take(c.r.Context(), c.options.Directory, handle); err != nil && !errors.Is(err, exchange.ErrUsed) {
		return err
	}
	c.did(actionDecline, audit.Target{User: authenticator.ForLog(arrival.User)})
	c.event.Details = map[string]any{"token": arrival.ID}
	c.options.Browser.ClearArrival(c.w, c.r, arrival.At)
	home := c.hub + "home"
	if !a.Pages && c.visit.Identity != nil {
		home = c.options.Servers.URL(c.visit.Identity.Name(), "")
	}
	return c.redirect(home, http.StatusSeeOther)
}

// vouched applies the rules to what is held. They may have changed meanwhile.
func (c *call) vouched(arrival *exchange.Arrival) (*authenticator.Decision, error) {
	return c.options.Login.Vouched(c.r.Context(), ByExchange, remote(c.r), func() (authenticator.Identity, error) {
		return arrival.Identity(), nil
	})
}

// wantsPortal says whether somebody asks to log in where only the portal can.
func (s *Web) wantsPortal(r *http.Request, a *Arrivals) bool {
	if a.PortalURL == "" || r.URL.EscapedPath() != s.hub+"login" || r.Method != http.MethodGet {
		return false
	}
	for _, offer := range s.options.Login.Offers() {
		if offer.Redirects || offer.Prompt.Service != "" || hasForm(offer) {
			return false
		}
	}
	return true
}

// sendToPortal tells somebody who is not logged in where to begin (JupyterHub's
// forced login: 400). It returns false for everybody else.
func (c *call) sendToPortal(a *Arrivals) bool {
	if !c.wantsPortal(c.r, a) || gate.Classify(c.r, gate.Path{}).Kind != gate.KindNavigation {
		return false
	}
	err := c.identify()
	if err != nil || c.visit.Identity != nil && !c.visit.Identity.Limited() {
		return false
	}
	c.event.Action = nothing
	c.setHeaders(c.w.Header())
	c.refuseArrival(a, &failure{status: http.StatusBadRequest, title: "Log in at the portal", message: "Login with external provider at " + a.PortalURL})
	return true
}

// limitOf is the limit of a session; nil if there is none.
func limitOf(visitor *identity.Identity) *identity.Limit {
	if visitor == nil || visitor.Session == nil {
		return nil
	}
	return visitor.Session.Limit
}
