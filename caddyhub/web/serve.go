package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/httpstatus"
	"github.com/caddyhub/caddyhub/caddyhub/version"
)

// Serves says whether a request is one for ServeHTTP: whatever is in the base
// path, but not what belongs to the gate ({base}user/... and {base}services/...),
// to the REST API or to the OAuth provider. Ambiguous paths are refused here
// below the hub, and elsewhere left to the gate, which refuses them.
func (s *Web) Serves(r *http.Request) bool {
	escaped := r.URL.EscapedPath()
	if s.ofAPI(escaped) {
		return false
	}
	path, err := gate.Canonical(r, string(s.options.Base))
	if err != nil {
		return strings.HasPrefix(escaped, s.hub)
	}
	if !path.InBase() {
		return escaped+"/" == string(s.options.Base)
	}
	first, _, _ := strings.Cut(path.Below(), "/")
	return first != "user" && first != "services"
}

// ofAPI says whether a path is the REST API's or the OAuth provider's.
func (s *Web) ofAPI(escaped string) bool {
	below, found := strings.CutPrefix(escaped, s.hub)
	return found && (below == "health" || below == "api" || strings.HasPrefix(below, "api/"))
}

// ServeHTTP answers a request that Serves agreed to.
func (s *Web) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.setHeaders(w.Header())
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	c := &call{Web: s, r: r.WithContext(ctx), written: httpstatus.Recorder{ResponseWriter: w}}
	c.w = &c.written
	defer c.account(s.now())
	if _, err := gate.Canonical(r, string(s.options.Base)); err != nil {
		c.fail(&failure{status: http.StatusBadRequest, message: "Bad Request: " + err.Error()})
		return
	}
	below, found := strings.CutPrefix(r.URL.EscapedPath(), s.hub)
	if !found {
		s.toHub(c)
		return
	}
	route, names := s.find(below)
	c.route = route
	if route != nil && route.any != nil {
		route.any(c.w, r)
		return
	}
	c.names = names
	if err := c.answer(route); err != nil {
		c.fail(err)
	}
}

// pageTimeout bounds the work for one page, a login at a slow directory included.
const pageTimeout = 30 * time.Second

// setHeaders sets what every answer of the hub has (JupyterHub "Response
// headers"). Pages have a stricter policy, which replaces this one.
func (s *Web) setHeaders(header http.Header) {
	header.Set("X-JupyterHub-Version", version.JupyterHub)
	header.Set("X-CaddyHub-Version", version.Release)
	header.Set("Access-Control-Allow-Headers", "accept, content-type, authorization")
	header.Set("Content-Security-Policy", "frame-ancestors 'none'; report-uri "+s.hub+"security/csp-report")
	gate.KeepApart(header)
}

// toHub sends whoever comes without the hub's path there, keeping the rest
// (JupyterHub "Routing and prefixes").
func (s *Web) toHub(c *call) {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		c.fail(methodNotAllowed("GET, HEAD"))
		return
	}
	path, rest := c.r.URL.EscapedPath(), ""
	if path != strings.TrimSuffix(string(s.options.Base), "/") {
		rest = strings.TrimPrefix(path, string(s.options.Base))
	}
	if rest == "hub" {
		rest = ""
	}
	target := s.hub + rest
	if c.r.URL.RawQuery != "" {
		target += "?" + c.r.URL.RawQuery
	}
	_ = c.redirect(s.origin()+target, http.StatusFound) // never fails
}

// origin is the configured one of the site; empty if there is none.
func (s *Web) origin() string {
	if s.options.PublicURL == nil {
		return ""
	}
	return (&url.URL{Scheme: s.options.PublicURL.Scheme, Host: s.options.PublicURL.Host}).String()
}
