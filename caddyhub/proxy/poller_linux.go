package proxy

import (
	"os"
	"sync"
	"syscall"
)

// canPark says that there is a poller, so that an idle direction needs no
// goroutine.
const canPark = true

// poller waits for many sockets at once. It lives while there are tunnels.
type poller struct {
	fd int
	// file is fd, for which Go's own poller waits.
	file *os.File

	mu sync.Mutex
	// watched are the parked directions by file descriptor.
	watched []*direction
}

// newPoller makes a poller; nil if the system gives none.
func newPoller() *poller {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil
	}
	p := &poller{fd: fd, file: os.NewFile(uintptr(fd), "epoll")}
	raw, err := p.file.SyscallConn()
	if err != nil {
		p.file.Close()
		return nil
	}
	go p.run(raw)
	return p
}

// close ends the poller. Nothing may be parked any more.
func (p *poller) close() {
	if p != nil {
		p.file.Close()
	}
}

// pollBatch is how many sockets are woken at once.
const pollBatch = 128

func (p *poller) run(raw syscall.RawConn) {
	var events [pollBatch]syscall.EpollEvent
	_ = raw.Read(func(fd uintptr) bool {
		for {
			n, err := syscall.EpollWait(int(fd), events[:], 0)
			switch {
			case err == syscall.EINTR:
				continue
			case err != nil:
				return true
			}
			p.wake(events[:n])
			if n < len(events) {
				return false
			}
		}
	})
}

func (p *poller) wake(events []syscall.EpollEvent) {
	for _, event := range events {
		p.mu.Lock()
		d := p.watched[event.Fd]
		p.watched[event.Fd] = nil
		p.mu.Unlock()
		if d != nil {
			d.wake()
		}
	}
}

// watch wakes the direction once there is something to read from its socket, or
// its end.
func (p *poller) watch(socket syscall.RawConn, d *direction) (watched bool) {
	if p == nil {
		return false
	}
	err := socket.Control(func(fd uintptr) {
		p.note(int(fd), d)
		// Once, so that nothing is told twice while it is being read.
		event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: int32(fd)}
		err := syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_MOD, int(fd), &event)
		if err == syscall.ENOENT {
			err = syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, int(fd), &event)
		}
		watched = err == nil
	})
	return err == nil && watched
}

// forget lets go of a direction that nobody will wake.
func (p *poller) forget(socket syscall.RawConn) {
	if p != nil {
		_ = socket.Control(func(fd uintptr) { p.note(int(fd), nil) })
	}
}

func (p *poller) note(fd int, d *direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for d != nil && fd >= len(p.watched) {
		p.watched = append(p.watched, nil)
	}
	if fd < len(p.watched) {
		p.watched[fd] = d
	}
}
