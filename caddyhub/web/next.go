package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/nexturl"
)

// wanted is where the request itself says that the visitor wants to go, if that
// is a place on this site.
func (c *call) wanted() (target string, ok bool) {
	values := append(c.r.URL.Query()["next"], c.r.PostForm["next"]...)
	if len(values) == 0 {
		return "", false
	}
	site := nexturl.Site{Origins: []string{c.options.Browser.Origin(c.r)}, SubdomainHost: c.options.Domain.Name()}
	return site.Clean(values[len(values)-1])
}

// destination is where a visitor goes from here: where the request says, else
// the usual place of this page, else where the configuration says, else to the
// own server (JupyterHub "next validation and defaults"). What is not in the
// request takes along its other parameters.
func (c *call) destination(user, usual string) (string, error) {
	if target, ok := c.wanted(); ok {
		return target, nil
	}
	target := cmp.Or(usual, c.options.DefaultURL)
	if target == "" {
		var err error
		if target, err = c.ownServer(user); err != nil {
			return "", err
		}
	}
	return withParameters(target, c.parameters()), nil
}

// ownServer is where a user's work goes on: at the server, or where it starts.
func (c *call) ownServer(user string) (string, error) {
	s, err := c.options.Servers.Get(c.r.Context(), user, "")
	if err != nil {
		return "", err
	}
	if s.Active() {
		return c.options.Servers.URL(user, ""), nil
	}
	return c.hub + "spawn", nil
}

// parameters are those of the query without what is ours.
func (c *call) parameters() url.Values {
	values := c.r.URL.Query()
	for _, name := range []string{"next", "_xsrf", "authenticator", returned} {
		values.Del(name)
	}
	return values
}

// withNext appends where to go on later, if the request says so.
func (c *call) withNext(address string) string {
	if target, ok := c.wanted(); ok {
		return withParameters(address, url.Values{"next": {target}})
	}
	return address
}

// withParameters appends to the query of an address.
func withParameters(address string, values url.Values) string {
	if len(values) == 0 {
		return address
	}
	address, fragment, fragmented := strings.Cut(address, "#")
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	address += separator + values.Encode()
	if fragmented {
		address += "#" + fragment
	}
	return address
}

// root answers {hub}.
func (c *call) root() error {
	if target := c.options.DefaultURL; target != "" {
		return c.redirect(target, http.StatusFound)
	}
	if c.visit.Identity == nil {
		return c.demandLogin()
	}
	c.equip()
	target, err := c.destination(c.visit.Identity.Name(), "")
	if err != nil {
		return err
	}
	return c.redirect(target, http.StatusFound)
}
