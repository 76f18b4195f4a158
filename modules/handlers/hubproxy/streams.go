package hubproxy

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

// What clients may send over one connection of HTTP/2 that nobody has read yet, in
// bytes, and of it in one stream. By default both are 1 MiB: then one upstream that
// does not read would hold up what the same browser sends to all others.
const (
	connectionWindow = 4 << 20
	streamWindow     = 1 << 20
)

// serveStreams makes a server fit for WebSockets that are streams of HTTP/2 and 3:
// handlers that last for days.
func (h *Handler) serveStreams(ctx caddy.Context) {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return // the handler belongs to no server
	}
	// A server that stops waits for its handlers, and these end only if told to.
	server.RegisterOnShutdown(func() {
		if caddy.Exiting() && h.proxy != nil {
			h.proxy.CloseStreams(goingAway)
		}
	})
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

// unhurried is a request with the body that the server gave it, if that is one
// direction of a WebSocket. Caddy ends a body of which nothing comes for a minute,
// and others may limit its length.
func unhurried(r *http.Request) *http.Request {
	if r.Method != http.MethodConnect || !gate.IsWebSocket(r) {
		return r
	}
	limited, _ := caddyhttp.IdleTimeoutsFromContext(r.Context())
	if limited == nil {
		return r
	}
	out := r.WithContext(r.Context())
	out.Body = limited.ReadCloser
	return out
}
