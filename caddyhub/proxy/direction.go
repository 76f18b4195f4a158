package proxy

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// direction is one way through a tunnel. While there is little to move it is
// parked: nothing is left of it but an entry of the poller. What is busy keeps its
// goroutine, which costs less for each piece.
type direction struct {
	tunnel   *Tunnel
	from, to end
	deliver  func([]byte) error
	// seen is where its frames stand.
	seen *frames
	// early is what has been read before the tunnel was one.
	early []byte

	// parked says that no goroutine moves this direction. Who sets it to false makes
	// one.
	parked atomic.Bool
	// busy says that much was moved lately; the goroutine alone uses what follows.
	busy bool
	// moved says that something was moved since the last look at the clock.
	moved bool
	// woken is when the direction was woken last, in nanoseconds since 1970.
	woken int64
}

const (
	// busyPause between two pieces makes a direction busy if it is shorter.
	busyPause = 50 * time.Millisecond
	// patience is how long a direction that was busy waits before it is parked.
	patience = time.Second
)

// errParked says that the poller has the direction now.
var errParked = errors.New("proxy: parked")

// begin makes a goroutine, if there may be something to move.
func (d *direction) begin() {
	if _, plain := d.from.(syscall.Conn); plain && len(d.early) == 0 {
		if socket := socketOf(d.from); socket != nil && d.park(socket) {
			return
		}
	}
	go d.run()
}

// run moves the direction until it is parked or ends.
func (d *direction) run() {
	now := time.Now().UnixNano()
	d.busy, d.woken = now-d.woken < int64(busyPause), now
	var err error
	if early := d.early; len(early) > 0 {
		d.early = nil
		err = d.deliver(early)
	}
	if err == nil {
		err = d.move()
	}
	if err != errParked { //nolint:errorlint // it is never wrapped
		d.tunnel.finish(d, err)
	}
}

// wake makes a goroutine for a direction that has none.
func (d *direction) wake() {
	if d.parked.CompareAndSwap(true, false) {
		go d.run()
	}
}

// park leaves the direction to the poller; false if it has to be waited for here.
func (d *direction) park(socket syscall.RawConn) bool {
	d.parked.Store(true)
	if !d.tunnel.poller.watch(socket, d) {
		return !d.parked.CompareAndSwap(true, false)
	}
	// Whoever cut the tunnel may have come too early to wake this direction.
	if d.tunnel.severed.Load() {
		d.wake()
	}
	return true
}

// socketOf is what the poller can watch of an end; nil if nothing.
func socketOf(from end) syscall.RawConn {
	if secure, ok := from.(interface{ NetConn() net.Conn }); ok {
		if below, ok := secure.NetConn().(syscall.Conn); ok {
			return rawOf(below)
		}
		return nil
	}
	if plain, ok := from.(syscall.Conn); ok {
		return rawOf(plain)
	}
	return nil
}

func rawOf(conn syscall.Conn) syscall.RawConn {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// move hands everything that comes to deliver, until that ends (nil), something
// fails, or the direction is parked.
func (d *direction) move() error {
	socket := socketOf(d.from)
	_, plain := d.from.(syscall.Conn)
	switch _, isConn := d.from.(net.Conn); {
	case plain && socket != nil && canWait:
		return d.moveSocket(socket)
	case isConn:
		return d.moveConn(socket)
	}
	return d.moveStream()
}

// smallPiece is the buffer of a direction that cannot be waited for without one:
// TLS, and streams of HTTP/2 and 3.
const smallPiece = 512

// moveConn moves what comes over TLS. Waiting takes a small buffer. While that is
// filled, a large one is borrowed.
func (d *direction) moveConn(socket syscall.RawConn) error {
	small := make([]byte, smallPiece)
	for {
		n, err := d.read(small)
		if err == nil && n == len(small) {
			err = d.moveMuch()
		}
		// A deadline that passes between two records leaves nothing behind that has
		// been read from the socket, so that the poller sees what comes.
		if isTimeout(err) && !d.tunnel.severed.Load() {
			d.restore()
			if socket != nil && d.park(socket) {
				return errParked
			}
			continue
		}
		if err != nil {
			return ended(err)
		}
	}
}

// moveMuch moves until there is little, or nothing for a while.
func (d *direction) moveMuch() error {
	buffer := smallBuffers.Get().(*[smallBuffer]byte)
	defer smallBuffers.Put(buffer)
	for {
		if n, err := d.read(buffer[:]); err != nil || n < smallPiece {
			return err
		}
	}
}

// read reads and delivers once, if something comes within the patience.
func (d *direction) read(buffer []byte) (int, error) {
	_ = d.from.SetReadDeadline(time.Now().Add(patience))
	if d.tunnel.severed.Load() {
		return 0, net.ErrClosed
	}
	return d.take(buffer)
}

// moveStream moves what comes in a stream of HTTP/2 or 3, which is waited for with a
// small buffer. A large one is borrowed for what does not fit.
func (d *direction) moveStream() error {
	small := make([]byte, smallPiece)
	for {
		n, err := d.take(small)
		if err == nil && n == len(small) {
			err = d.takeMuch()
		}
		if err != nil {
			return ended(err)
		}
	}
}

// takeMuch moves until there is less than could be.
func (d *direction) takeMuch() error {
	buffer := smallBuffers.Get().(*[smallBuffer]byte)
	defer smallBuffers.Put(buffer)
	for {
		if n, err := d.take(buffer[:]); err != nil || n < len(buffer) {
			return err
		}
	}
}

// take reads and delivers once.
func (d *direction) take(buffer []byte) (int, error) {
	n, err := d.from.Read(buffer)
	if n > 0 {
		if failed := d.deliver(buffer[:n]); failed != nil {
			return n, failed
		}
	}
	return n, err
}

// restore takes away the deadline of the patience.
func (d *direction) restore() {
	_ = d.from.SetReadDeadline(time.Time{})
	if d.tunnel.severed.Load() {
		d.tunnel.cut()
	}
}

// ended is the error of an end: none.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
