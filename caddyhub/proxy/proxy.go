package proxy

import (
	"cmp"
	"crypto/tls"
	"net"
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
	// in it, counted from the end of the request. It does not hold for WebSockets.
	// Zero means for ever.
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
	// Now is the clock of activity and of idle connections; nil means time.Now.
	Now func() time.Time
}

// Proxy sends requests to upstreams over connections that it keeps. It is safe
// for concurrent use. Make one with New.
type Proxy struct {
	options Options
	idle    *pool
	tunnels tunnels
	watch   watch
	dialer  net.Dialer
	h2c     *http.Transport
}

// New makes a Proxy.
func New(options Options) *Proxy {
	options.DialTimeout = cmp.Or(options.DialTimeout, 3*time.Second)
	options.IdleTimeout = cmp.Or(options.IdleTimeout, 2*time.Minute)
	options.MaxIdle = cmp.Or(options.MaxIdle, 64)
	options.MaxResponseHeader = cmp.Or(options.MaxResponseHeader, 256<<10)
	if options.Now == nil {
		options.Now = time.Now
	}
	p := &Proxy{options: options, idle: newPool(options.MaxIdle, options.IdleTimeout, options.Now)}
	p.dialer = net.Dialer{Timeout: options.DialTimeout, Control: refuseMetadata}
	p.h2c = p.newH2C()
	return p
}

// Field is a header field. The name is in canonical form.
type Field struct{ Name, Value string }

// Activity is told when bytes move. It is told often and at once by many, and
// must not block. *route.Activity is one.
type Activity interface {
	Touch(now time.Time)
}

// Exchange says how one request is forwarded.
type Exchange struct {
	// Target is the upstream. Its path and query are not looked at: put them into
	// RequestURI.
	Target route.Target
	// RequestURI is the request target that the upstream gets, to the byte. Empty
	// means that of the request.
	RequestURI string
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
	// Activity is told when bytes of a body or a WebSocket move, in either
	// direction, but not about bodies of answers from status 300 on. Nil if nobody
	// asks.
	Activity Activity
}

// Serve forwards a request. Of the request, the target is sent as it stands in
// RequestURI, or as URL has it if that is empty or no path. The request is not
// changed.
//
// It returns when the answer has been sent, or, for a WebSocket over HTTP/1.1,
// when that has been opened: it lives on without the handler. An error is one of
// those of this package, and nothing has been sent to the client. If the answer
// breaks off after that, Serve panics with http.ErrAbortHandler.
func (p *Proxy) Serve(w http.ResponseWriter, r *http.Request, x *Exchange) error {
	c := calls.Get().(*call)
	c.proxy, c.w, c.r, c.x = p, w, r, x
	err := c.serve()
	c.release()
	return err
}

// Close closes the connections that nobody uses. What is under way goes on, and
// the Proxy may be used again.
func (p *Proxy) Close() {
	p.idle.closeAll()
	p.h2c.CloseIdleConnections()
}
