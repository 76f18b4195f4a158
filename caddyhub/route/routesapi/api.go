package routesapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// Prefix is the path of the API, without a slash at the end.
const Prefix = "/api/routes"

// Routes are the routes that the API shows and changes; a route.Keeper is one.
type Routes interface {
	// Table has all routes.
	Table() *route.Table
	// Put adds or replaces a route, see route.Keeper.
	Put(ctx context.Context, route route.Route) error
	// Remove takes a route away and tells whether there was one.
	Remove(ctx context.Context, spec route.Spec) (found bool, err error)
}

// Metrics are told what the API has done.
type Metrics interface {
	// RoutesListed: the whole table was read.
	RoutesListed()
	// RouteAdded: a route was added or replaced.
	RouteAdded()
	// RouteDeleted: the deletion of a route was asked for, found or not.
	RouteDeleted()
	// APIAnswered: a request was answered with this status.
	APIAnswered(status int)
}

// Options are what an API is made of.
type Options struct {
	// Token that clients send as "Authorization: token TOKEN". Empty means that
	// Open alone decides.
	Token string
	// Open lets clients of this machine in without a token: those whose address
	// is a loopback one or a Unix socket, and that are no browsers. Ignored if
	// there is a token.
	Open bool
	// HostRouting takes the first segment of every path but "/" for a host.
	HostRouting bool
	// Metrics may be nil.
	Metrics Metrics
	// Log has a line for every change and every answer; nil discards.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// API serves the API. Make one with New; it is safe for concurrent use.
type API struct {
	options Options
	log     *slog.Logger
	now     func() time.Time
}

// New makes an API.
func New(options Options) *API {
	a := &API{options: options, log: options.Log, now: options.Now}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.now == nil {
		a.now = time.Now
	}
	return a
}

// Serves says whether a request is one for the API.
func (a *API) Serves(r *http.Request) bool {
	path := r.URL.EscapedPath()
	return path == Prefix || strings.HasPrefix(path, Prefix+"/")
}

// Serve answers a request that Serves has accepted, over these routes.
func (a *API) Serve(w http.ResponseWriter, r *http.Request, routes Routes) {
	c := &call{api: a, routes: routes, w: w, r: r, status: http.StatusOK}
	c.serve()
	if a.options.Metrics != nil {
		a.options.Metrics.APIAnswered(c.status)
	}
	c.report()
}

// call is one request.
type call struct {
	api    *API
	routes Routes
	w      http.ResponseWriter
	r      *http.Request
	// spec that the path names; rest is what stands behind Prefix.
	rest   string
	status int
	// message is the text of a refusal.
	message string
}

func (c *call) serve() {
	var handle func()
	switch c.r.Method {
	case http.MethodGet:
		handle = c.get
	case http.MethodPost:
		handle = c.post
	case http.MethodDelete:
		handle = c.delete
	default:
		c.w.Header().Set("Allow", "GET, POST, DELETE")
		c.fail(http.StatusMethodNotAllowed, "Method not supported")
		return
	}
	if !c.api.authorized(c.r) {
		c.empty(http.StatusForbidden)
		return
	}
	rest, err := url.PathUnescape(strings.TrimPrefix(c.r.URL.EscapedPath(), Prefix))
	if err != nil {
		c.fail(http.StatusBadRequest, "The path has a malformed escape")
		return
	}
	c.rest = rest
	handle()
}

// empty answers with a status and no body.
func (c *call) empty(status int) {
	c.status = status
	if status != http.StatusNoContent {
		c.w.Header().Set("Content-Length", "0")
	}
	c.w.WriteHeader(status)
}

// fail answers with a text, as configurable-http-proxy does, without a type.
func (c *call) fail(status int, message string) {
	c.status, c.message = status, message
	c.w.Header()["Content-Type"] = nil
	c.w.Header().Set("X-Content-Type-Options", "nosniff")
	c.w.WriteHeader(status)
	_, _ = c.w.Write([]byte(message)) // a client that has gone needs no answer
}

// report writes the line that configurable-http-proxy writes for every answer. A
// query may have secrets in it; no path does.
func (c *call) report() {
	level := slog.LevelInfo
	switch {
	case c.status >= http.StatusInternalServerError:
		level = slog.LevelError
	case c.status >= http.StatusBadRequest:
		level = slog.LevelWarn
	}
	if c.api.log.Enabled(c.r.Context(), level) {
		c.api.log.Log(c.r.Context(), level, fmt.Sprintf("%d %s %s %s", c.status, c.r.Method, c.r.URL.EscapedPath(), c.message))
	}
}
