package proxy

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// smallPiece is the buffer of a direction that cannot be waited for without one:
// TLS, and streams of HTTP/2 and 3.
const smallPiece = 512

// move hands everything that comes from one end to deliver, until that ends (nil)
// or something fails.
func (t *Tunnel) move(from end, deliver func([]byte) error) error {
	if socket, ok := from.(syscall.Conn); ok && canWait {
		raw, err := socket.SyscallConn()
		if err != nil {
			return err
		}
		return moveSocket(raw, deliver)
	}
	if _, ok := from.(net.Conn); ok {
		return t.moveConn(from, deliver)
	}
	return moveStream(from, deliver)
}

// moveConn moves what comes over TLS. Waiting takes a small buffer. While it is
// filled, a large one is borrowed.
func (t *Tunnel) moveConn(from end, deliver func([]byte) error) error {
	small := make([]byte, smallPiece)
	for {
		n, err := from.Read(small)
		if n > 0 {
			if failed := deliver(small[:n]); failed != nil {
				return failed
			}
		}
		if err == nil && n == len(small) {
			err = t.moveMuch(from, deliver)
		}
		if err != nil {
			return ended(err)
		}
	}
}

// patience is how long a direction with much to move keeps a large buffer.
const patience = time.Second

// moveMuch moves until there is little, or nothing for a while.
func (t *Tunnel) moveMuch(from end, deliver func([]byte) error) error {
	buffer := smallBuffers.Get().(*[smallBuffer]byte)
	defer smallBuffers.Put(buffer)
	defer t.restore(from)
	for n := smallPiece; n >= smallPiece; {
		_ = from.SetReadDeadline(time.Now().Add(patience))
		if t.severed.Load() {
			return net.ErrClosed
		}
		read, err := from.Read(buffer[:])
		if n = read; n > 0 {
			if failed := deliver(buffer[:n]); failed != nil {
				return failed
			}
		}
		if err != nil && !isTimeout(err) {
			return err
		}
	}
	return nil
}

// restore puts back the deadline that moveMuch has moved.
func (t *Tunnel) restore(from end) {
	var at time.Time
	if limit := t.limit.Load(); limit != 0 {
		at = time.Unix(0, limit)
	}
	_ = from.SetReadDeadline(at)
	if t.severed.Load() {
		t.cut()
	}
}

// moveStream moves what comes in a stream, which keeps what has come in buffers
// of its own.
func moveStream(from io.Reader, deliver func([]byte) error) error {
	buffer := make([]byte, 8*smallPiece)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if failed := deliver(buffer[:n]); failed != nil {
				return failed
			}
		}
		if err != nil {
			return ended(err)
		}
	}
}

// ended is the error of an end: none.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
