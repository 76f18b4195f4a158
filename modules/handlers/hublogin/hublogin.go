// Package hublogin is the module http.handlers.hub_login: the hub's pages.
package hublogin

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
	httpcaddyfile.RegisterHandlerDirective("hub_login", parseCaddyfile)
}

// Handler serves the pages of the hub, login and logout among them, under
// {base_url}hub/, and sends everybody who comes without a path there.
type Handler struct {
	app *app.App
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.hub_login", New: func() caddy.Module { return new(Handler) }}
}

// Provision finds the hub.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	h.app, err = app.Of(ctx, "hub_login")
	return err
}

// ServeHTTP answers what is below {base_url}hub/ and outside of user/ and
// services/, and passes on the rest.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.app.Serve(w, r, next, func(site *hub.Site) app.Part { return site.Web })
}

// HubSurface marks a handler by which people see the hub.
func (*Handler) HubSurface() {}

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	hub_login [<matcher>]
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "hub_login", nil)
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
