package edge

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/proxy"
)

// closeTimeout bounds the writing of a close frame to a peer that may have stopped
// reading.
const closeTimeout = time.Second

// webSocket is one open WebSocket. While it is open there is little else of its
// request in memory.
type webSocket struct {
	edge *Edge
	// asked is what was decided about.
	asked *essence
	// user whose credentials opened it; empty for services.
	user string

	mu sync.Mutex
	// tunnel has the socket since it was handed over; nil before.
	tunnel *proxy.Tunnel
	// Until then, ctx ends it by cancel, and conn is the browser's end; nil where
	// the protocol has none (HTTP/2 and 3).
	ctx    context.Context //nolint:containedctx // handed to the request, and let go of
	cancel context.CancelFunc
	conn   net.Conn
	// code is what it is to be closed with; 0 if it may stay.
	code int
}

// taken notes the connection that the socket has become.
func (o *webSocket) taken(conn net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn = conn
}

// handOver notes that the socket lives on as a tunnel, without its handler.
func (o *webSocket) handOver(tunnel *proxy.Tunnel) (ended func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tunnel, o.ctx, o.conn = tunnel, nil, nil
	if o.code != 0 {
		tunnel.Close(o.code)
	}
	return o.forget
}

func (o *webSocket) forget() { o.edge.options.Sockets.remove(o) }

func (o *webSocket) whose() string { return o.user }

// review decides anew.
func (o *webSocket) review(ctx context.Context) (gate.Decision, grounds) {
	r, err := o.asked.request(ctx)
	if err != nil {
		return gate.Decision{Verdict: gate.Refuse, Status: http.StatusBadRequest, Message: err.Error()}, grounds{}
	}
	v := o.edge.look(r, o.asked.rules)
	return v.decide(o.edge.links(r)), o.edge.grounds(v)
}

// leave is called when the handler is done: the socket has ended, or is a tunnel.
func (o *webSocket) leave() {
	o.mu.Lock()
	handedOver := o.tunnel != nil
	o.cancel()
	o.cancel = nil
	o.mu.Unlock()
	if !handedOver {
		o.forget()
	}
}

// close tells the browser why, as far as it listens, and ends the socket.
func (o *webSocket) close(code int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.code = code
	switch {
	case o.tunnel != nil:
		o.tunnel.Close(code)
		return
	case o.conn != nil:
		_ = o.conn.SetWriteDeadline(time.Now().Add(closeTimeout))
		// A close frame of a server: final, opcode 8, unmasked, two bytes.
		_, _ = o.conn.Write([]byte{0x88, 2, byte(code >> 8), byte(code)})
	}
	if o.cancel != nil {
		o.cancel()
	}
}
