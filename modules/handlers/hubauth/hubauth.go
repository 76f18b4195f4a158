// Package hubauth is the module http.handlers.hub_auth: the gate.
package hubauth

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/appgate"
	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/streams"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterDirective("hub_auth", parseCaddyfile)
}

// Handler is the gate: it decides who sends a request, whether that is allowed, and
// what a refusal looks like to whom. Nothing passes it undecided.
//
// With options of App it is in front of an app, and what is allowed goes on to
// the next handler, whatever that is. See setPlaceholders for what it says about
// the visitor.
//
// With Servers it is in front of single-user servers and services. An allowed
// request goes on to the next handler with the identity of the visitor and without
// the cookies of the hub. A request for anything else is answered 404.
//
// Which of them is always said: with neither a configuration is refused, so that
// one that has lost its rules opens nothing.
type Handler struct {
	App

	// Servers puts the gate in front of servers and services. The handler behind it
	// must be hub_proxy, or reverse_proxy with the upstreams "hub": any other upstream
	// would get what is meant for a server, a token of its visitor. Default: no.
	Servers bool `json:"servers,omitempty"`
	// HandoverOnly lets logins arrive at a host other than the hub's, at
	// /.caddyhub/handover, and passes on all other requests. It is for a route of
	// its own where another one with a matcher is in front of the app. Default: no.
	HandoverOnly bool `json:"handover_only,omitempty"`
	// TokenInURL says what tokens in links are worth: the first entry that matches
	// a request counts. In front of an app it is nothing, whatever the request.
	// Default: nothing, as if there were one entry with the mode "off".
	TokenInURL []*TokenInURL `json:"token_in_url,omitempty"`

	app *app.App
	// exit ends when the process does.
	exit context.Context //nolint:containedctx // it is no request's
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.hub_auth", New: func() caddy.Module { return new(Handler) }}
}

// Provision finds the hub.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	if h.app, err = app.Of(ctx, "hub_auth"); err != nil {
		return err
	}
	switch {
	case h.HandoverOnly && (h.given() || h.Servers || len(h.TokenInURL) > 0):
		return errors.New("hub_auth: with handover_only there is nothing else to say")
	case h.HandoverOnly:
		return nil
	case h.Servers && h.given():
		return errors.New("hub_auth: with servers, who may pass is for the scopes of the hub to say; an app needs a gate of its own")
	case h.Servers:
		return tokenRules(h.TokenInURL).provision(ctx)
	case !h.given():
		return errNobody
	}
	if err := tokenRules(h.TokenInURL).provision(ctx); err != nil {
		return err
	}
	if tokenRules(h.TokenInURL).persist() {
		return errTokenInURL
	}
	var leave context.CancelFunc
	h.exit, leave = context.WithCancel(context.Background())
	streams.OnExit(ctx, leave)
	return h.App.Provision(h.app, "hub_auth")
}

// AppHosts implements app.Guard.
func (h *Handler) AppHosts() (hosts []string, guards bool) { return nil, h.given() }

// ServeHTTP decides.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.app.Guard(w, r, func(w http.ResponseWriter, r *http.Request) error { return h.serve(w, r, next) })
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	site := h.app.Await(r.Context())
	if site == nil {
		hub.Unavailable(w)
		return nil
	}
	switch {
	case h.HandoverOnly:
		if prepared := app.Prepare(r); site.Handover.Serves(prepared) {
			site.Handover.Arrive(w, prepared)
			return nil
		}
		return next.ServeHTTP(w, r)
	case h.Servers:
		return h.serveServers(w, r, site, next)
	}
	return h.serveApp(w, r, site, next)
}

// serveServers decides about what is for a server. That must be what the client
// asked for, so a request that another directive has rewritten before is refused.
func (h *Handler) serveServers(w http.ResponseWriter, r *http.Request, site *hub.Site, next caddyhttp.Handler) error {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok &&
		original.URL.EscapedPath() != r.URL.EscapedPath() {
		return caddyhttp.Error(http.StatusBadRequest, errRewritten)
	}
	if site.Astray(r) {
		site.Lead(w, app.Prepare(r))
		return nil
	}
	if !site.Edge.Serves(r) {
		return caddyhttp.Error(http.StatusNotFound, nil)
	}
	mode, err := tokenRules(h.TokenInURL).of(r)
	if err != nil {
		return err
	}
	peer := r.RemoteAddr
	return site.Edge.ServeBy(edge.Rules{TokenInURL: mode}, w, app.Prepare(r), func(w http.ResponseWriter, out *http.Request, _ route.Route) error {
		// What a proxy appends to X-Forwarded-For is who spoke to Caddy.
		out.RemoteAddr = peer
		return next.ServeHTTP(w, out)
	})
}

// serveApp decides about what is for an app. Its rules are the same for all paths,
// so that it does not matter whether one was rewritten.
func (h *Handler) serveApp(w http.ResponseWriter, r *http.Request, site *hub.Site, next caddyhttp.Handler) error {
	gate, err := h.For(site)
	if err != nil {
		return caddyhttp.Error(http.StatusInternalServerError, err)
	}
	peer := r.RemoteAddr
	r, release := streams.Until(h.exit, streams.Unlimited(r))
	defer release()
	return gate.Serve(w, app.Prepare(r), func(w http.ResponseWriter, out *http.Request, visitor appgate.Visitor) error {
		// What a proxy appends to X-Forwarded-For is who spoke to Caddy.
		out.RemoteAddr = peer
		if err := h.Introduce(out.Header, out, visitor); err != nil {
			return caddyhttp.Error(http.StatusServiceUnavailable, err)
		}
		defer replace(r.Header, out)()
		return next.ServeHTTP(w, out)
	})
}

// replace has the headers that came replaced by those of a request, until the
// returned function is called: placeholders, such as {http.request.header.X}, read
// those that came, and would tell an app what a client says of itself.
func replace(came http.Header, by *http.Request) (back func()) {
	before := maps.Clone(came)
	clear(came)
	maps.Copy(came, by.Header)
	by.Header = came
	return func() {
		clear(came)
		maps.Copy(came, before)
	}
}

type rewritten struct{}

func (rewritten) Error() string {
	return "hub_auth: the path was rewritten before the gate; move rewrite, uri and handle_path behind it"
}

var errRewritten rewritten

// Interface guards
var (
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
	_ app.Guard                   = (*Handler)(nil)
)
