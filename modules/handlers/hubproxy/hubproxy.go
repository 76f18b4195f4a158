// Package hubproxy is the modules http.handlers.hub_proxy and
// http.reverse_proxy.upstreams.hub: requests go where the hub's route says.
package hubproxy

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/caddyhub/proxy"
	"github.com/caddyhub/caddyhub/modules/internal/streams"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("hub_proxy", parseCaddyfile)
}

// proxies are the data paths of this process. They outlive configurations: a
// reload closes no connection and no WebSocket.
var proxies = caddy.NewUsagePool()

// Handler sends a request to the upstream of the route that hub_auth found for
// it: HTTP and WebSocket, the path unchanged, bodies streamed both ways. A
// reload of the configuration closes no WebSocket; when Caddy stops, they are
// closed with code 1001, those over HTTP/2 and 3 at once, the others after the
// requests have had their grace_period.
//
// In an app that is a proxy without a hub no gate is in front of it, and it sends
// requests where the routing table says, see Direct.
type Handler struct {
	Direct

	key   string
	proxy *proxy.Proxy
	// left says that Cleanup was here.
	left atomic.Bool
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.hub_proxy", New: func() caddy.Module { return new(Handler) }}
}

// Provision takes part in the data path; a proxy without a hub does so when it
// starts, since its options may name files.
func (h *Handler) Provision(ctx caddy.Context) error {
	if err := h.provision(ctx); err != nil {
		return err
	}
	h.serveStreams(ctx)
	if h.app == nil {
		return h.join()
	}
	h.app.OnStart(func() error { return errors.Join(h.open(ctx), h.join()) })
	return nil
}

func (h *Handler) join() error {
	_, h.key = h.given()
	value, _, err := proxies.LoadOrNew(h.key, func() (caddy.Destructor, error) {
		options, err := h.proxyOptions()
		return &shared{proxy.New(options)}, err
	})
	if err != nil {
		return err
	}
	h.proxy = value.(*shared).Proxy
	return nil
}

// Cleanup lets go of the data path. Requests that are under way keep what they
// use: a configuration may be unloaded before the last of them has ended.
func (h *Handler) Cleanup() error {
	if h.proxy == nil || h.left.Swap(true) {
		return nil
	}
	h.cleanup()
	_, err := proxies.Delete(h.key)
	return err
}

// shared is a data path that goes with its last handler.
type shared struct{ *proxy.Proxy }

// Destruct lets go of connections that nothing uses. WebSockets go on without a
// handler, as long as there is a process.
func (s *shared) Destruct() error {
	s.Close()
	if caddy.Exiting() {
		s.CloseTunnels(context.Background(), goingAway)
	}
	return nil
}

// goingAway is the close code of a server that stops (RFC 6455, 7.4.1).
const goingAway = 1001

// exchange is a proxy.Exchange with room for the fields that forwarded makes.
type exchange struct {
	proxy.Exchange
	fields [4]proxy.Field
}

// exchanges are used again by other requests, so that each does not make two
// objects for the time that it is forwarded.
var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// ServeHTTP forwards the request. That the upstream does not answer is an
// edge.ErrUpstream, for the gate to tell the visitor.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	r = streams.Unlimited(r)
	passage, ok := edge.PassageOf(r.Context())
	if !ok {
		return h.serve(w, r)
	}
	x := exchanges.Get().(*exchange)
	x.Exchange = proxy.Exchange{
		Target: passage.Target, Header: forwarded(r, x.fields[:0]), Opened: passage.Opened, Activity: passage.Activity,
	}
	err := h.proxy.Serve(w, r, &x.Exchange)
	*x = exchange{}
	exchanges.Put(x)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, proxy.ErrClient):
		// What limits bodies before this handler says so when they are read.
		if refused, ok := errors.AsType[caddyhttp.HandlerError](err); ok {
			return refused
		}
		w.WriteHeader(statusClientClosed)
		return nil
	case errors.Is(err, proxy.ErrRequest):
		return caddyhttp.Error(http.StatusBadRequest, err)
	case errors.Is(err, proxy.ErrTimeout):
		return caddyhttp.Error(http.StatusGatewayTimeout, err)
	}
	return caddyhttp.Error(http.StatusBadGateway, err)
}

// statusClientClosed is what the log says of requests that nobody waited for.
const statusClientClosed = 499

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	hub_proxy [<matcher>]
//
// In an app that is a proxy without a hub it has options, see Direct:
//
//	hub_proxy [<matcher>] {
//		no_include_prefix
//		no_prepend_path
//		change_origin
//		no_x_forward
//		custom_header <name> <value>
//		auto_rewrite
//		protocol_rewrite <scheme>
//		timeout <duration>
//		proxy_timeout <duration>
//		error_target <url>
//		error_path <folder>
//		client_ssl_ca <file>
//		client_ssl_cert <file>
//		client_ssl_key <file>
//		insecure
//		metrics
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "hub_proxy", h.words())
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
