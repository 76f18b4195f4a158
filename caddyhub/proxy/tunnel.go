package proxy

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// closeTimeout bounds the end of a tunnel: the writing of the last frame to a
	// client that may have stopped reading, and its own farewell.
	closeTimeout = time.Second
	// halfClosedTimeout is how long one direction lives on when the other has ended.
	halfClosedTimeout = time.Minute
)

// Interaction is an Activity that is also told when data of an application comes
// from the client of a WebSocket, which is more than pings: a person may be there.
type Interaction interface {
	Activity
	// Interact notes that such data has come.
	Interact(now time.Time)
}

// end is one end of a tunnel.
type end interface {
	io.ReadWriteCloser
	SetDeadline(at time.Time) error
	SetReadDeadline(at time.Time) error
	SetWriteDeadline(at time.Time) error
}

// Tunnel is an open WebSocket. While there is nothing to move it has neither a
// buffer nor, where the system lets one wait for many sockets at once, a goroutine.
type Tunnel struct {
	proxy            *Proxy
	poller           *poller
	client, upstream end
	activity         Activity
	ended            func()
	// gone is closed at the end, where somebody waits for it.
	gone     chan struct{}
	up, down direction
	// moving is how many directions have not ended.
	moving atomic.Int32
	// over says that the client has been told the end, and that what it still
	// sends is of no interest.
	over atomic.Bool
	// severed says that both connections are of no use any more.
	severed atomic.Bool

	// mu is held while the client is written to.
	mu sync.Mutex
	// toClient is where what the client gets stands.
	toClient frames
	// code to close with, once it is decided; 0 before.
	code atomic.Int32
	// fromClient is where what the client sends stands; its direction alone uses it.
	fromClient frames
}

func (p *Proxy) newTunnel(c *call, client end) *Tunnel {
	t := &Tunnel{proxy: p, client: client, upstream: c.conn.Conn, activity: c.x.Activity}
	if _, ok := client.(net.Conn); !ok {
		t.gone = make(chan struct{})
	}
	// From here on it may be cut, before anything moves.
	t.up = direction{tunnel: t, from: t.client, to: t.upstream, deliver: t.forUpstream, seen: &t.fromClient}
	t.down = direction{tunnel: t, from: t.upstream, to: t.client, deliver: t.forClient, seen: &t.toClient}
	t.moving.Store(2)
	p.tunnels.add(t)
	if c.x.Opened != nil {
		t.ended = c.x.Opened(t)
	}
	return t
}

// start begins to move bytes, at first those that have been read already. Where
// somebody has to wait for the end of the tunnel, start does.
func (t *Tunnel) start(fromClient, fromUpstream []byte) {
	t.up.early, t.down.early = fromClient, fromUpstream
	t.down.begin()
	if t.gone == nil {
		t.up.begin()
		return
	}
	t.up.run()
	<-t.gone
}

// finish passes on the end of a direction.
func (t *Tunnel) finish(d *direction, err error) {
	closer, half := d.to.(interface{ CloseWrite() error })
	switch {
	case t.over.Load():
		// The client may still say farewell.
	case err != nil || !half || closer.CloseWrite() != nil:
		t.cut()
	default:
		time.AfterFunc(halfClosedTimeout, t.cut)
	}
	if t.moving.Add(-1) == 0 {
		t.bury()
	}
}

// bury lets go of everything, when nothing moves any more.
func (t *Tunnel) bury() {
	for _, d := range []*direction{&t.up, &t.down} {
		if socket := socketOf(d.from); socket != nil {
			t.poller.forget(socket)
		}
	}
	t.mu.Lock()
	t.over.Store(true) // nobody is told anything from here on
	t.mu.Unlock()
	t.client.Close()
	t.upstream.Close()
	t.proxy.tunnels.remove(t)
	if t.ended != nil {
		t.ended()
	}
	if t.gone != nil {
		close(t.gone)
	}
}

// cut ends both directions at once. The connections are closed by whoever is the
// last to use them.
func (t *Tunnel) cut() {
	t.severed.Store(true)
	past := time.Unix(1, 0)
	_ = t.client.SetDeadline(past)
	_ = t.upstream.SetDeadline(past)
	t.up.wake()
	t.down.wake()
}

// forUpstream sends on what came from the client.
func (t *Tunnel) forUpstream(b []byte) error {
	if t.over.Load() {
		return nil
	}
	_, err := t.upstream.Write(b)
	data := t.fromClient.pass(b)
	if t.activity != nil {
		now := t.proxy.options.Now()
		t.activity.Touch(now)
		if person, ok := t.activity.(Interaction); ok && data {
			person.Interact(now)
		}
	}
	return err
}

// forClient sends on what came from the upstream. If the tunnel is to be closed,
// that ends with the current frame.
func (t *Tunnel) forClient(b []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over.Load() {
		return net.ErrClosed
	}
	if t.code.Load() != 0 {
		n, _ := t.toClient.next(b)
		if _, err := t.client.Write(b[:n]); err != nil {
			return err
		}
		if t.toClient.between() {
			t.tell()
			return net.ErrClosed
		}
		return nil
	}
	t.toClient.pass(b)
	_, err := t.client.Write(b)
	if t.activity != nil {
		t.activity.Touch(t.proxy.options.Now())
	}
	return err
}

// Close ends the WebSocket: the client is told the code (RFC 6455, 7.4.1) between
// two frames, as far as it listens, and both connections are closed, within a
// second or two. Close does not wait for that. Only the first call has an effect.
func (t *Tunnel) Close(code int) {
	if !t.code.CompareAndSwap(0, int32(code)) {
		return
	}
	// A client that does not read may hold up whoever writes to it.
	_ = t.client.SetWriteDeadline(time.Now().Add(closeTimeout))
	go func() {
		t.mu.Lock()
		if !t.over.Load() && t.toClient.between() {
			t.tell()
		}
		t.mu.Unlock()
		time.AfterFunc(closeTimeout, t.cut)
	}()
}

// tell sends the code to the client and the end to both. The client's own farewell
// is waited for, so that ours is not lost with what it has sent meanwhile.
func (t *Tunnel) tell() {
	// A close frame of a server: final, opcode 8, unmasked, two bytes.
	code := t.code.Load()
	_, err := t.client.Write([]byte{0x88, 2, byte(code >> 8), byte(code)})
	t.over.Store(true) // before the upstream's direction ends by what follows
	_ = t.upstream.SetDeadline(time.Unix(1, 0))
	closer, half := t.client.(interface{ CloseWrite() error })
	if err != nil || !half || closer.CloseWrite() != nil {
		t.cut()
	}
}
