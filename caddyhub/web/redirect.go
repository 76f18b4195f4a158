package web

import (
	"net/http"
	"net/url"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
)

// userRedirect answers {hub}user-redirect/PATH: a link to PATH on the server of
// whoever follows it.
func (c *call) userRedirect() error {
	user := c.visit.Identity.Name()
	target := c.options.Base.Server(user, "") + c.names["rest"]
	if c.r.URL.RawQuery != "" {
		target += "?" + c.r.URL.RawQuery
	}
	spawn := hubpath.Of(c.hub+"spawn/", user, "")
	return c.redirect(withParameters(spawn, url.Values{"next": {target}}), http.StatusFound)
}
