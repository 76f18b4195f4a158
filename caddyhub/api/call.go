package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/httpstatus"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// maxBody is the length of a request's body in bytes. It bounds what anybody
// with credentials can make us hold and parse.
const maxBody = 1 << 20

// call is one request as endpoints see it.
type call struct {
	*API
	w http.ResponseWriter
	r *http.Request

	// answer is what w writes to; path what was asked for, nil if unknown.
	answer httpstatus.Recorder
	path   *endpoints

	visit browser.Visit
	// identity is who calls; nil only where permit lets anonymous callers in.
	identity *identity.Identity
	// scopes are what the caller may do.
	scopes scope.Set
	// groups answers scope checks.
	groups *memberships
	// user, server, token, group, service and cookie are what the path names.
	user, server, token, group, service, cookie string
	// query is decoded.
	query arguments
	// body as it came, at most maxBody long.
	body []byte
}

// ServeHTTP answers a request for which Serves is true.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.setHeaders(w.Header())
	c := &call{API: a, r: r, answer: httpstatus.Recorder{ResponseWriter: w}}
	c.w = &c.answer
	defer c.account(a.options.Now())
	if err := c.serve(); err != nil {
		a.fail(c.w, r, err)
	}
}

func (c *call) serve() error {
	w, r := c.w, c.r
	found, names, err := c.find(r)
	if err != nil {
		return err
	}
	c.path = found
	if found.pattern == "/" {
		// Everybody may ask which version this is, whatever the method.
		w.Header().Set("Access-Control-Allow-Origin", "*")
	}
	e, known := found.byMethod[r.Method]
	switch {
	case !known && r.Method == http.MethodOptions:
		w.WriteHeader(http.StatusOK)
		return nil
	case !known:
		w.Header().Set("Allow", found.methods())
		return refuse(http.StatusMethodNotAllowed, "")
	}
	c.user, c.server, c.token = names[varUser], names[varServer], names[varToken]
	c.group, c.service, c.cookie = names[varGroup], names[varService], names[varCookie]
	if c.query, err = parseQuery(r.URL.RawQuery); err != nil {
		return err
	}
	c.groups = &memberships{directory: c.options.Directory, ctx: r.Context()}
	if err := c.admit(e.permit); err != nil {
		return err
	}
	if err := c.readBody(); err != nil {
		return err
	}
	return e.serve(c)
}

// find returns the endpoints of the path of a request, with its variables.
func (a *API) find(r *http.Request) (*endpoints, map[string]string, error) {
	path, below := strings.CutPrefix(r.URL.EscapedPath(), a.root)
	switch {
	case below && (path == "" || path[0] == '/'):
		return a.routes.find(path)
	case r.URL.EscapedPath() == a.options.Base.Hub("health"):
		return a.routes.find("/health")
	case r.URL.EscapedPath() == a.options.Base.Hub("metrics"):
		return a.routes.find("/metrics")
	}
	return nil, nil, errNoRoute
}

// pattern names the path of a request for logs, without what is in it: one of
// the variables is a token.
func (a *API) pattern(r *http.Request) string {
	found, _, err := a.find(r)
	if err != nil {
		return "unknown"
	}
	return found.pattern
}

// admit finds out who calls and whether they may.
func (c *call) admit(permit permit) error {
	if permit.who == anybody {
		return nil
	}
	visit, err := c.options.Browser.Identify(c.r)
	if err != nil {
		return err
	}
	if visit.Credentials.Ambiguous {
		return refuse(http.StatusBadRequest, "More than one token in the request")
	}
	if visit.ByCookie && c.r.Method == http.MethodPost && !jsonOrNothing(c.r.Header) {
		visit.Identity, visit.ByCookie = nil, false
	}
	if err := c.options.Browser.CheckXSRF(c.r, visit, gate.AreaAPI, c.options.Base.Hub("")); err != nil {
		return err
	}
	c.visit = visit
	if visit.Identity != nil {
		c.become(visit.Identity)
		c.active()
		if visit.ByCookie {
			c.options.Browser.Renew(c.r.Context(), visit)
		}
	}
	return permit.check(c)
}

// become sets who calls.
func (c *call) become(caller *identity.Identity) {
	c.identity, c.scopes = caller, caller.Scopes
}

// jsonOrNothing is the rule for cookie-authenticated POST (section 0.3): a form
// of another site always has a content type, and never this one.
func jsonOrNothing(h http.Header) bool {
	values := h["Content-Type"]
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(values[0])
	return len(values) == 1 && err == nil && kind == "application/json"
}

func (c *call) readBody() error {
	if c.r.Body == nil || c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		return nil
	}
	var err error
	c.body, err = io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return refuse(http.StatusRequestEntityTooLarge, "")
	case err != nil:
		return refuse(http.StatusBadRequest, "The body of the request is incomplete")
	}
	return nil
}
