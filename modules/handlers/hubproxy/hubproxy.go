// Package hubproxy is the modules http.handlers.hub_proxy and
// http.reverse_proxy.upstreams.hub: requests go where the hub's route says.
package hubproxy

import (
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("hub_proxy", parseCaddyfile)
}

// keepStreams is how long WebSockets of an old configuration live on after a
// reload: longer than any session, so that no reload cuts a kernel.
const keepStreams = 365 * 24 * time.Hour

// plain is how upstreams are reached. Compression stays between the browser and
// the upstream, and a proxy that the environment names for the way out is not
// the way to a server.
const plain = `{"protocol":"http","compression":false,"network_proxy":{"from":"none"},"dial_timeout":"3s","keep_alive":{"idle_timeout":"2m","max_idle_conns_per_host":64}}`

// secure is the same over TLS: the certificate is verified by the roots of the
// system, for the host in the target, which becomes the Host of the request.
const secure = `{"protocol":"http","compression":false,"network_proxy":{"from":"none"},"dial_timeout":"3s","keep_alive":{"idle_timeout":"2m","max_idle_conns_per_host":64},"tls":{}}`

// Handler sends a request to the upstream of the route that hub_auth found for
// it: HTTP and WebSocket, the path unchanged, bodies streamed both ways. A
// reload of the configuration closes no WebSocket.
type Handler struct {
	// proxies by the scheme of the target.
	proxies map[string]*reverseproxy.Handler
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.hub_proxy", New: func() caddy.Module { return new(Handler) }}
}

// Provision sets up the proxies below.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.proxies = make(map[string]*reverseproxy.Handler)
	for scheme, transport := range map[string]string{"http": plain, "https": secure} {
		proxy := &reverseproxy.Handler{
			TransportRaw:        []byte(transport),
			DynamicUpstreamsRaw: []byte(`{"source":"hub"}`),
			FlushInterval:       -1,
			StreamCloseDelay:    caddy.Duration(keepStreams),
		}
		h.proxies[scheme] = proxy
		if err := proxy.Provision(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Cleanup lets go of connections that nothing uses.
func (h *Handler) Cleanup() error {
	var errs []error
	for _, proxy := range h.proxies {
		errs = append(errs, proxy.Cleanup())
	}
	return errors.Join(errs...)
}

// ServeHTTP forwards the request. That the upstream does not answer is an
// edge.ErrUpstream, for the gate to tell the visitor.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	to, ok := routeOf(r)
	if !ok {
		return caddyhttp.Error(http.StatusNotFound, errors.New("hub_proxy: no route; it belongs behind hub_auth"))
	}
	err := h.proxies[to.Target.Scheme()].ServeHTTP(w, r, next)
	var failed caddyhttp.HandlerError
	if errors.As(err, &failed) && failed.StatusCode >= http.StatusBadGateway && failed.StatusCode <= http.StatusGatewayTimeout {
		return errors.Join(edge.ErrUpstream, err)
	}
	return err
}

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	hub_proxy [<matcher>]
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "hub_proxy", nil)
}

func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	return handler, handler.UnmarshalCaddyfile(h.Dispenser)
}

// Interface guards
var (
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
)
