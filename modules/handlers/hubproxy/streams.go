package hubproxy

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/modules/internal/streams"
)

// What clients may send over one connection of HTTP/2 that nobody has read yet, in
// bytes, and of it in one stream. By default both are 1 MiB: then one upstream that
// does not read would hold up what the same browser sends to all others.
const (
	connectionWindow = 4 << 20
	streamWindow     = 1 << 20
)

// serveStreams makes a server fit for WebSockets that are streams of HTTP/2 and 3.
func (h *Handler) serveStreams(ctx caddy.Context) {
	streams.OnExit(ctx, func() {
		if h.proxy != nil {
			h.proxy.CloseStreams(goingAway)
		}
	})
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return // the handler belongs to no server
	}
	var once sync.Once
	server.RegisterConnContext(func(ctx context.Context, _ net.Conn) context.Context {
		once.Do(func() { widen(ctx) })
		return ctx
	})
}

// widen sets the windows of a server. It is called before the server's first
// connection is served, which reads them.
func widen(ctx context.Context) {
	if server, ok := ctx.Value(http.ServerContextKey).(*http.Server); ok && server.HTTP2 == nil {
		server.HTTP2 = &http.HTTP2Config{
			MaxReceiveBufferPerConnection: connectionWindow, MaxReceiveBufferPerStream: streamWindow,
		}
	}
}
