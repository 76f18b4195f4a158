package edge

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

// whose implements watched.
func (o *webSocket) whose() (user, owner string) { return o.user, o.owner }

// AppSocket is an open WebSocket that another gate than an Edge has let in, in front
// of a proxy that ends it when the context of its request ends.
type AppSocket struct {
	among  *Sockets
	user   string
	decide func(ctx context.Context) gate.Decision
	cancel context.CancelFunc

	mu sync.Mutex
	// conn is the browser's end; nil before it is taken over, and where the
	// protocol has none (HTTP/2 and 3).
	conn net.Conn
}

// Watch enters a WebSocket in the list and decides about it at once, since
// something may have changed meanwhile. user is whose credentials opened it, empty
// for services and for nobody; decide is called until Leave, and by any goroutine.
// The request must go on with the context that is returned.
func (s *Sockets) Watch(ctx context.Context, user string, decide func(ctx context.Context) gate.Decision) (open *AppSocket, until context.Context) {
	open = &AppSocket{among: s, user: user, decide: decide}
	until, open.cancel = context.WithCancel(ctx)
	s.add(open)
	s.decide(until, open)
	return open, until
}

// Taken notes the connection that the socket has become.
func (o *AppSocket) Taken(conn net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn = conn
}

// Leave takes the socket, which has ended, out of the list.
func (o *AppSocket) Leave() {
	o.among.remove(o)
	o.cancel()
}

func (o *AppSocket) whose() (user, owner string) { return o.user, "" }

func (o *AppSocket) review(ctx context.Context) gate.Decision { return o.decide(ctx) }

// close tells the browser why, as far as it listens, and has the proxy end the
// socket.
func (o *AppSocket) close(code int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn != nil {
		_ = o.conn.SetWriteDeadline(time.Now().Add(closeTimeout))
		// A close frame of a server: final, opcode 8, unmasked, two bytes.
		_, _ = o.conn.Write([]byte{0x88, 2, byte(code >> 8), byte(code)})
	}
	o.cancel()
}
