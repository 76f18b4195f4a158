package web

import (
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// visitor is what the page says of who looks at it.
func (c *call) visitor() page.Visitor {
	v := page.Visitor{}
	if c.visit.Identity == nil || c.visit.Identity.Session == nil {
		return v
	}
	v.Name = c.visit.Identity.Name()
	v.Services = c.services()
	if c.may("admin-ui") {
		v.AdminURL = c.hub + "admin"
	}
	v.XSRF = c.xsrf()
	return v
}

// navigates says whether a person opened the page, as far as the browser tells.
// A page that a script fetches gets no token: the script may be that of another
// user's page on this origin.
func (c *call) navigates() bool {
	modes := c.r.Header.Values("Sec-Fetch-Mode")
	return len(modes) == 0 || len(modes) == 1 && modes[0] == "navigate"
}

// xsrf is the token that signs the forms of this page; empty, so that they are
// refused, if there can be none.
func (c *call) xsrf() string {
	if !c.navigates() {
		return ""
	}
	token, err := c.options.Browser.XSRFToken(c.w, c.r, c.visit, c.hub)
	if err != nil {
		c.log.ErrorContext(c.r.Context(), "no XSRF token", "error", err)
	}
	return token
}

// services are those that the visitor may use and that have a place in the menu.
func (c *call) services() []page.Link {
	var links []page.Link
	all, err := c.options.Directory.Services(c.r.Context())
	if err == nil && len(all) > 0 {
		err = c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) error {
			links = nil
			for _, service := range all {
				access, err := identity.Check(r, c.visit.Identity.Scopes, "access:services", scope.OnService(service.Name))
				if err != nil {
					return err
				}
				if service.URL != "" && !service.Hidden && access == scope.Granted {
					links = append(links, page.Link{Label: service.Name, URL: c.serviceURL(service.Name)})
				}
			}
			return nil
		})
	}
	if err != nil {
		// The page is of use without the menu.
		c.log.WarnContext(c.r.Context(), "services not listed", "error", err)
		return nil
	}
	return links
}

// serviceURL is where a service is reached: a path, with subdomains absolute.
func (c *call) serviceURL(name string) string {
	path, domain := c.options.Base.Service(name), c.options.Domain
	if domain.IsZero() {
		return path
	}
	return domain.Origin(domain.OfService(name)) + path
}
