//go:build unix

package proxy

import "syscall"

// canWait says that one can wait for a socket without a buffer to read into.
const canWait = true

// moveSocket waits until there is something to read before it borrows a buffer.
func moveSocket(raw syscall.RawConn, deliver func([]byte) error) error {
	var failed error
	err := raw.Read(func(fd uintptr) (done bool) {
		done, failed = readAll(int(fd), deliver)
		return done
	})
	if failed != nil {
		return failed
	}
	return err
}

// readAll reads until there is nothing more for now; done says that there never
// will be.
func readAll(fd int, deliver func([]byte) error) (done bool, err error) {
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
		if err := deliver(buffer[:n]); err != nil {
			return true, err
		}
	}
}
