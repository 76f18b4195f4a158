package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/handover"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// handOver answers {hub}handover: a visitor of another host is sent here and
// goes back with a code. The code is worth something only in the browser that
// was sent, so that a link to here that somebody else has made does no harm.
func (c *call) handOver() error {
	codes := c.options.Handover
	if codes == nil {
		return &failure{status: http.StatusNotFound}
	}
	if !handover.Deliberate(c.r) {
		return &failure{status: http.StatusForbidden, message: "This address is for browsers on their way to another host."}
	}
	query := c.r.URL.Query()
	host, session := query.Get("host"), c.visit.Identity.Session
	c.event.Target = audit.Target{User: session.User}
	code, err := codes.Issue(c.r.Context(), session, host, query.Get("state"), query.Get("next"))
	switch {
	case errors.Is(err, handover.ErrHost):
		return &failure{status: http.StatusForbidden, message: "The hub does not know the host that sent you here."}
	case errors.Is(err, handover.ErrRequest):
		return &failure{status: http.StatusBadRequest, message: "The link that led here is damaged. Please open the page you wanted again."}
	case errors.Is(err, identity.ErrInvalid):
		return c.demandLogin()
	case err != nil:
		return err
	}
	c.w.Header().Set("Referrer-Policy", "no-referrer")
	location := url.URL{Host: host, Path: handover.Path, RawQuery: url.Values{"code": {code}}.Encode()}
	if location.Scheme = "http"; c.options.Browser.Secure(c.r) {
		location.Scheme = "https"
	}
	return c.redirect(location.String(), http.StatusSeeOther)
}
