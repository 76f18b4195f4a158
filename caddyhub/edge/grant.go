package edge

import (
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// byGrant gives a request the identity of a grant for what it visits, where one
// counts. Beside a login it does only if whoever is logged in has agreed, or, if
// the grant is older than the login, if the login would open nothing: a page that
// was opened by a link goes on working when somebody logs in beside it, and the
// next page asks as whom to go on.
func (e *Edge) byGrant(r *http.Request, v *visit, visit browser.Visit) (browser.Visit, error) {
	if v.rules.TokenInURL != TokenInURLPersist || v.client == (scope.Client{}) {
		return visit, nil
	}
	for _, grant := range e.options.Browser.Grants(r, e.prefix(v)) {
		if grant.Client != v.client || !stands(grant, visit.Identity) {
			continue
		}
		found, err := e.options.Directory.ByGrant(r.Context(), grant)
		switch {
		case errors.Is(err, identity.ErrInvalid):
			continue
		case err != nil:
			return visit, err
		case visit.Identity == nil, grant.Agreed:
			visit.Identity, visit.ByCookie = found, true
			return visit, nil
		case found.Owner == visit.Identity.Owner:
			continue // they are who they are
		}
		v.undecided = found
		if grant.Beside == "" && e.accessOf(r.Context(), visit.Identity, v.client) != gate.AccessGranted {
			visit.Identity, visit.ByCookie = found, true
		}
		return visit, nil
	}
	return visit, nil
}

// stands says whether a grant was given to this login, or to nobody who was logged
// in. What was given beside a login ends with it.
func stands(grant identity.Grant, login *identity.Identity) bool {
	if login == nil || login.Session == nil {
		return grant.Beside == ""
	}
	return grant.Beside == "" || grant.Beside == login.Session.ID
}

// ofVisit says whether a visitor token was minted for who sends the request and for
// what it visits, and is still good.
func (e *Edge) ofVisit(token string, sender *identity.Identity, client scope.Client) bool {
	found, ok := e.options.Directory.OpenVisitorToken(token)
	if !ok || found.Client != client || e.now().Unix() >= found.Expires {
		return false
	}
	if sender.Grant != nil {
		return found.Grant != nil && found.Grant.ID == sender.Grant.ID
	}
	return found.Grant == nil && sender.Session != nil && found.SessionID == sender.Session.ID
}

// visitorToken is the token that the edge mints for a visit; empty for who comes
// with a token of their own.
func (e *Edge) visitorToken(visitor *identity.Identity, client scope.Client) string {
	switch {
	case visitor.Grant != nil:
		return e.options.Directory.VisitorTokenOfGrant(visitor.Grant, client)
	case visitor.Session != nil:
		return e.options.Directory.VisitorToken(visitor.Session, client)
	}
	return ""
}
