// Package hubroutesapi is the module http.handlers.hub_routes_api:
// configurable-http-proxy's REST API over the routes of the app.
package hubroutesapi

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/direct"
	"github.com/caddyhub/caddyhub/caddyhub/route/routesapi"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/proxymetrics"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("hub_routes_api", parseCaddyfile)
	// It passes on what is not its own, so that a respond of the site answers the rest.
	httpcaddyfile.RegisterDirectiveOrder("hub_routes_api", httpcaddyfile.Before, "respond")
}

// Handler serves configurable-http-proxy's REST API under /api/routes and passes
// on everything else: JupyterHub's ConfigurableHTTPProxy, with should_start off,
// adds its routes here. In an app with a hub it shows the hub's own routes too;
// these only the hub changes, and those that clients add are behind the gate like
// its own, as routes of the user or service that they name.
type Handler struct {
	// AuthToken is what clients have to send (CONFIGPROXY_AUTH_TOKEN of the hub).
	// Take it from {env.X} or {file.X}. Default: none, which allow_local has to
	// allow.
	AuthToken string `json:"auth_token,omitempty"`
	// AllowLocal serves programs of this machine without a token: over a loopback
	// address or a Unix socket, and no browser. Default: a token is needed.
	AllowLocal bool `json:"allow_local,omitempty"`
	// HostRouting takes the first segment of the path of every route but / for the
	// host that the route is for, as JupyterHub with subdomain_host has it.
	// Default: routes are for all hosts.
	HostRouting bool `json:"host_routing,omitempty"`
	// Metrics counts what is done, under configurable-http-proxy's names, in the
	// metrics of Caddy. Default: it does not.
	Metrics bool `json:"metrics,omitempty"`

	app *app.App
	api *routesapi.API
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.hub_routes_api", New: func() caddy.Module { return new(Handler) }}
}

// Provision finds the app and makes the API.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	if h.app, err = app.Any(ctx, "hub_routes_api"); err != nil {
		return err
	}
	if err := h.complete(); err != nil {
		return err
	}
	token := caddy.NewReplacer().ReplaceAll(h.AuthToken, "")
	h.app.OnStart(func() error {
		if token == "" && !h.AllowLocal {
			return errors.New("hub_routes_api: the auth_token is empty: set the variable or file that it is taken from")
		}
		return nil
	})
	options := routesapi.Options{Token: token, Open: h.AllowLocal, HostRouting: h.HostRouting, Log: ctx.Slogger()}
	if h.Metrics {
		if options.Metrics, err = proxymetrics.Of(ctx); err != nil {
			return err
		}
	}
	h.api = routesapi.New(options)
	return nil
}

// complete says what an API cannot do without.
func (h *Handler) complete() error {
	switch {
	case h.AuthToken != "" && h.AllowLocal:
		return errors.New("hub_routes_api: auth_token and allow_local exclude each other")
	case h.AuthToken == "" && !h.AllowLocal:
		return errors.New("hub_routes_api: whoever changes routes takes over users' traffic: it needs an auth_token, or allow_local for programs of this machine")
	}
	return nil
}

// ServeHTTP answers requests for the API.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !h.api.Serves(r) {
		return next.ServeHTTP(w, r)
	}
	routes := h.app.Routes(r.Context())
	if routes == nil {
		direct.Unavailable(w)
		return nil
	}
	h.api.Serve(w, r, routes)
	return nil
}

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	hub_routes_api [<matcher>] {
//		auth_token <token>
//		allow_local
//		host_routing
//		metrics
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	err := words.Module(d, "hub_routes_api", map[string]words.Word{
		"auth_token":   words.ToText(&h.AuthToken),
		"allow_local":  words.ToTrue(&h.AllowLocal),
		"host_routing": words.ToTrue(&h.HostRouting),
		"metrics":      words.ToTrue(&h.Metrics),
	})
	if err != nil {
		return err
	}
	if err := h.complete(); err != nil {
		return d.WrapErr(err)
	}
	return nil
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
