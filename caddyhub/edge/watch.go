package edge

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// AppSocket is an open WebSocket that another gate than an Edge has let in, in front
// of a proxy that ends it when the context of its request ends.
type AppSocket struct {
	among  *Sockets
	user   string
	decide Decide
	cancel context.CancelFunc

	mu sync.Mutex
	// conn is the browser's end; nil before it is taken over, and where the
	// protocol has none (HTTP/2 and 3).
	conn net.Conn
}

// Decide decides about an open WebSocket as if it was opened now. opener is whose
// credentials came with it, nil for nobody known.
type Decide func(ctx context.Context) (decision gate.Decision, opener *identity.Identity)

// Watch enters a WebSocket in the list and decides about it at once, since
// something may have changed meanwhile. opener is whose credentials came with it,
// nil for nobody known; decide is called until Leave, and by any goroutine.
// The request must go on with the context that is returned.
func (s *Sockets) Watch(ctx context.Context, opener *identity.Identity, decide Decide) (open *AppSocket, until context.Context) {
	open = &AppSocket{among: s, decide: decide}
	if opener != nil && opener.User != nil {
		open.user = opener.User.Name
	}
	until, open.cancel = context.WithCancel(ctx)
	s.decide(until, s.add(open, groundsOf(opener, "", time.Now())))
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

func (o *AppSocket) whose() string { return o.user }

func (o *AppSocket) review(ctx context.Context) (gate.Decision, grounds) {
	decision, opener := o.decide(ctx)
	return decision, groundsOf(opener, "", time.Now())
}

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
