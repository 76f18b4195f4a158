package web

import (
	"errors"
	"net/url"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// returned marks the way back from a login at another site. Who comes back without
// one is shown why, and not sent there again and again.
const returned = "returned"

// automatic says whether an authenticator is to be asked without a form.
func (c *call) automatic(name string) bool {
	found, _ := c.options.Login.Authenticator(name)
	auto, ok := found.(authenticator.AutoLoginer)
	return ok && auto.AutoLogin()
}

// loginAddress is where a browser can get what an automatic login lacked; empty
// for nowhere. Who is known there and not allowed here has nothing to get there.
func (c *call) loginAddress(found authenticator.Authenticator, err error) string {
	address, ok := found.(authenticator.LoginAddress)
	if !ok || !errors.Is(err, authenticator.ErrDenied) || c.r.URL.Query().Has(returned) {
		return ""
	}
	back := withParameters(c.hub+"login", c.loginParameters())
	return address.LoginURL(c.options.Browser.Origin(c.r) + back)
}

// loginParameters are those with which this login goes on later.
func (c *call) loginParameters() url.Values {
	values := url.Values{returned: {"1"}}
	if name := c.r.URL.Query().Get("authenticator"); name != "" {
		values.Set("authenticator", name)
	}
	if target, ok := c.wanted(); ok {
		values.Set("next", target)
	}
	return values
}
