package proxy

import (
	"crypto/tls"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// Options are what a Proxy is made of. The zero value is good.
type Options struct {
	// DialTimeout bounds the making of a connection, TLS included. Zero means
	// 3 seconds.
	DialTimeout time.Duration
	// ResponseTimeout is how long an upstream may be silent, before its answer and
	// in it. It does not hold for WebSockets. Zero means for ever.
	ResponseTimeout time.Duration
	// IdleTimeout is how long a connection is kept that nobody uses. Zero means
	// 2 minutes, less than zero that none is kept.
	IdleTimeout time.Duration
	// MaxIdle is how many connections to one target are kept. Zero means 64.
	MaxIdle int
	// MaxResponseHeader bounds the head of an answer, in bytes. Zero means 256 KiB.
	MaxResponseHeader int
	// TLS is how https upstreams are verified, and who we are to them. Nil means
	// by the roots of the system, for the host in the target.
	TLS *tls.Config
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Proxy sends requests to upstreams over connections that it keeps. It is safe
// for concurrent use. Make one with New.
type Proxy struct {
	options Options
}

// New makes a Proxy.
func New(options Options) *Proxy {
	return &Proxy{options: options}
}

// Field is a header field. The name is in canonical form.
type Field struct{ Name, Value string }

// Exchange says how one request is forwarded.
type Exchange struct {
	// Target is the upstream.
	Target route.Target
	// Host is the Host that the upstream gets. Empty means that of the client, or
	// of the target if that is https.
	Host string
	// Header are fields that replace all of the same name that the client sent. An
	// empty value sends none. The proxy adds no X-Forwarded-* of its own: put them
	// here.
	Header []Field
	// Opened is called when a WebSocket has been opened, before anything is moved
	// over it. The function it returns, unless nil, is called when the socket has
	// ended. Opened may be nil.
	Opened func(*Tunnel) (ended func())
	// Activity is told when bytes move; nil if nobody asks.
	Activity *Activity
}

// Serve forwards a request. The request target is sent as it stands in
// RequestURI, or in URL if that is empty or no path. The request is not changed.
//
// It returns when the answer has been sent, or, for a WebSocket over HTTP/1.1,
// when that has been opened: it lives on without the handler. An error is one of
// those of this package, and nothing has been sent to the client. If the answer
// breaks off after that, Serve panics with http.ErrAbortHandler.
func (p *Proxy) Serve(w http.ResponseWriter, r *http.Request, x *Exchange) error {
	return ErrUnreachable
}

// Close closes the connections that nobody uses. What is under way goes on, and
// the Proxy may be used again.
func (p *Proxy) Close() {}

// Tunnels yields... see CloseTunnels.

// CloseTunnels ends all open WebSockets with a close code (RFC 6455, 7.4.1), and
// returns when they have ended, a second later at the latest.
func (p *Proxy) CloseTunnels(code int) {}
