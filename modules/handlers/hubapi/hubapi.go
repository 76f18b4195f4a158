// Package hubapi is the module http.handlers.hub_api: JupyterHub's REST API.
package hubapi

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
	httpcaddyfile.RegisterHandlerDirective("hub_api", parseCaddyfile)
}

// Handler serves JupyterHub's REST API under {base_url}hub/api, to programs by
// token and to the hub's own pages by session.
type Handler struct {
	app *app.App
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.hub_api", New: func() caddy.Module { return new(Handler) }}
}

// Provision finds the hub.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	h.app, err = app.Of(ctx, "hub_api")
	return err
}

// ServeHTTP answers what is below {base_url}hub/api, the OAuth endpoints
// excepted, and passes on the rest.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.app.Serve(w, r, next, func(site *hub.Site) app.Part { return site.API })
}

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	hub_api [<matcher>]
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "hub_api", nil)
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
