// Package hubauth is the module http.handlers.hub_auth: the gate.
package hubauth

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("hub_auth", parseCaddyfile)
}

// Handler decides about every request to a single-user server or a service: who
// sends it, whether the scopes allow it, and what a refusal looks like to whom.
// An allowed request goes on to the next handler, hub_proxy, with the identity
// of the visitor and without the cookies of the hub. A request for anything
// else is answered 404: nothing passes this handler undecided.
type Handler struct {
	// TokenInURL says what tokens in links are worth: the first entry that matches
	// a request counts. Default: nothing, as if there were one entry with the mode
	// "off".
	TokenInURL []*TokenInURL `json:"token_in_url,omitempty"`

	app *app.App
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
	return tokenRules(h.TokenInURL).provision(ctx)
}

// ServeHTTP decides. What was decided about must be what the client asked for,
// so a request that another directive has rewritten before is refused.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.app.Guard(w, r, func(w http.ResponseWriter, r *http.Request) error { return h.serve(w, r, next) })
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	site := h.app.Await(r.Context())
	if site == nil {
		hub.Unavailable(w)
		return nil
	}
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok &&
		original.URL.EscapedPath() != r.URL.EscapedPath() {
		return caddyhttp.Error(http.StatusBadRequest, errRewritten)
	}
	if site.Astray(w, app.Prepare(r)) {
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

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	hub_auth [<matcher>] {
//		token_in_url [<matcher>] off|persist
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return h.unmarshal(httpcaddyfile.Helper{Dispenser: d})
}

// unmarshal is UnmarshalCaddyfile where there are named matchers.
func (h *Handler) unmarshal(helper httpcaddyfile.Helper) error {
	return words.Module(helper.Dispenser, "hub_auth", map[string]words.Word{
		"token_in_url": ParseTokenInURL(helper, &h.TokenInURL),
	})
}

func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	return handler, handler.unmarshal(h)
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
)
