// Package streams is for WebSockets that are streams of HTTP/2 (RFC 8441) and HTTP/3
// (RFC 9220). To Caddy's servers each is a request with an answer, and its handler
// lasts as long as it.
//
// What it guarantees:
//
//   - No time limit for bodies ends a WebSocket, as none ends one of HTTP/1.1.
//   - A handler hears in time that the process ends: servers wait for it.
package streams

import (
	"context"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

// Is says whether a request opens a WebSocket in a stream.
func Is(r *http.Request) bool {
	return r.Method == http.MethodConnect && gate.IsWebSocket(r)
}

// Unlimited is the request of a WebSocket in a stream with the body that the server
// gave it. Caddy ends a body of which nothing comes for a minute, and others may
// limit its length. Other requests stay as they are.
func Unlimited(r *http.Request) *http.Request {
	if !Is(r) {
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

// OnExit has end called when the process ends, before the server that a handler is
// provisioned for waits for its requests. end must not block.
func OnExit(ctx caddy.Context, end func()) {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return // the handler belongs to no server
	}
	server.RegisterOnShutdown(func() {
		if caddy.Exiting() {
			end()
		}
	})
}

// Until is the request of a WebSocket in a stream with a context that ends with
// another one, too. Call release when it is served. Other requests stay as they are.
func Until(other context.Context, r *http.Request) (out *http.Request, release func()) {
	if !Is(r) {
		return r, func() {}
	}
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(other, cancel)
	return r.WithContext(ctx), func() {
		stop()
		cancel()
	}
}
