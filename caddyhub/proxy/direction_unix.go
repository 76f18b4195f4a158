//go:build unix

package proxy

import (
	"os"
	"syscall"
	"time"
)

// canWait says that one can wait for a socket without a buffer to read into.
const canWait = true

// moveSocket waits until there is something to read before it borrows a buffer.
func (d *direction) moveSocket(socket syscall.RawConn) error {
	for {
		var failed error
		if d.busy {
			_ = d.from.SetReadDeadline(time.Now().Add(patience))
			if d.tunnel.severed.Load() {
				return os.ErrDeadlineExceeded
			}
		}
		err := socket.Read(func(fd uintptr) (done bool) {
			done, failed = d.readAll(int(fd))
			if done || d.busy || !canPark {
				return done
			}
			if d.park(socket) {
				failed = errParked
				return true
			}
			return false
		})
		switch {
		case failed != nil:
			return ended(failed)
		case isTimeout(err) && d.busy && !d.tunnel.severed.Load():
			d.busy, d.moved = d.moved, false
			if !d.busy {
				d.restore()
			}
		default:
			return err
		}
	}
}

// readAll reads until there is nothing more for now; done says that there never
// will be.
func (d *direction) readAll(fd int) (done bool, err error) {
	buffer := largeBuffers.Get().(*[largeBuffer]byte)
	defer largeBuffers.Put(buffer)
	for {
		n, err := syscall.Read(fd, buffer[:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return false, nil
		case err != nil || n == 0:
			return true, err
		}
		d.moved = true
		if err := d.deliver(buffer[:n]); err != nil {
			return true, err
		}
		// It is empty now, and will be heard of when it is not: only of an end that
		// has come already there is no further news. Where one is not expected, and
		// the patience ends soon anyway, that is not asked for.
		if n < len(buffer) && d.busy && !d.seen.farewell {
			return false, nil
		}
	}
}
