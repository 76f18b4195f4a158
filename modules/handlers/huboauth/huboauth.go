// Package huboauth is the module http.handlers.hub_oauth: the OAuth provider.
package huboauth

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("hub_oauth", parseCaddyfile)
}

// Handler serves the OAuth provider through which single-user servers and services log
// users in (JupyterHub "OAuth provider").
type Handler struct {
	app *app.App
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.hub_oauth", New: func() caddy.Module { return new(Handler) }}
}

// Provision finds the hub.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	h.app, err = app.Of(ctx, "hub_oauth")
	return err
}

// ServeHTTP answers what is below {base_url}hub/api/oauth2, and the JWKS at
// {base_url}hub/.well-known/jwks.json, and passes on the rest.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.app.Serve(w, r, next, func(site *hub.Site) app.Part {
		if site.JWKS.Serves(r) {
			return site.JWKS
		}
		return site.OAuth
	})
}

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	hub_oauth [<matcher>]
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "hub_oauth", nil)
}

func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	return handler, handler.UnmarshalCaddyfile(h.Dispenser)
}

// Interface guards
var (
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
)
