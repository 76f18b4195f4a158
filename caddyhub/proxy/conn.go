package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

const (
	// smallBuffer has room for the head of nearly every answer, and the body of most.
	smallBuffer = 16 << 10
	// largeBuffer is for bodies that do not fit into the other. Caddy writes in
	// pieces of this size.
	largeBuffer = 64 << 10
)

var (
	smallBuffers = sync.Pool{New: func() any { return new([smallBuffer]byte) }}
	largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}
)

// conn is a connection to an upstream. Its buffer is borrowed while it is in use.
type conn struct {
	net.Conn
	target route.Target
	// raw is the socket below; nil where none can be had.
	raw syscall.RawConn
	// since is when it was put aside.
	since time.Time
	// reused says that an answer has come over it before.
	reused bool
	// abort closes it, and look sets silent, which says that it is open and nothing
	// has come. They are made once, so that each request does not make them.
	abort  func()
	look   func(fd uintptr)
	silent bool

	// small and large are what buffer belongs to; at most one of them is not nil.
	small  *[smallBuffer]byte
	large  *[largeBuffer]byte
	buffer []byte
	// start and end are of what has been read and not used.
	start, end int
}

// dial makes a connection.
func (p *Proxy) dial(ctx context.Context, to route.Target) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, p.options.DialTimeout)
	defer cancel()
	below, err := p.dialer.DialContext(ctx, to.Network(), to.Address())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	c := &conn{Conn: below, target: to}
	c.abort, c.look = func() { c.Close() }, func(fd uintptr) { c.silent = silent(fd) }
	if socket, ok := below.(syscall.Conn); ok {
		c.raw, _ = socket.SyscallConn()
	}
	if to.Scheme() != "https" {
		return c, nil
	}
	secure := tls.Client(below, p.clientTLS(to))
	if err := secure.HandshakeContext(ctx); err != nil {
		below.Close()
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	c.Conn = secure
	return c, nil
}

// clientTLS speaks HTTP/1.1 and verifies for the host in the target.
func (p *Proxy) clientTLS(to route.Target) *tls.Config {
	config := p.options.TLS.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName == "" {
		config.ServerName = to.Host()
	}
	config.NextProtos = []string{"http/1.1"}
	return config
}

// quiet says whether an idle connection is open and nothing has come over it: an
// upstream that spoke unasked would be taken to answer the next question.
func (c *conn) quiet() bool {
	if c.raw == nil {
		return true
	}
	c.silent = false
	err := c.raw.Control(c.look)
	return err == nil && c.silent
}

// borrow gets a buffer. The other end of it is release.
func (c *conn) borrow() {
	c.small = smallBuffers.Get().(*[smallBuffer]byte)
	c.buffer, c.start, c.end = c.small[:], 0, 0
}

func (c *conn) release() {
	if c.small != nil {
		smallBuffers.Put(c.small)
	}
	if c.large != nil {
		largeBuffers.Put(c.large)
	}
	c.small, c.large, c.buffer, c.start, c.end = nil, nil, nil, 0, 0
}

// enlarge exchanges the buffer for a large one, for a long body.
func (c *conn) enlarge() {
	if c.large != nil || c.start != c.end {
		return
	}
	c.release()
	c.large = largeBuffers.Get().(*[largeBuffer]byte)
	c.buffer = c.large[:]
}

// grow makes room for more of what stands in the buffer and has to be read as one.
// It fails beyond the limit.
func (c *conn) grow(limit int) error {
	if c.start > 0 {
		c.end = copy(c.buffer, c.buffer[c.start:c.end])
		c.start = 0
	}
	if c.end < len(c.buffer) {
		return nil
	}
	if len(c.buffer) >= limit {
		return fmt.Errorf("%w: more than %d bytes of header fields", ErrMalformed, limit)
	}
	larger := make([]byte, min(2*len(c.buffer), limit))
	start, end := 0, copy(larger, c.buffer[:c.end])
	c.release()
	c.buffer, c.start, c.end = larger, start, end
	return nil
}

// fill reads once, behind what is in the buffer. There must be room.
func (c *conn) fill() error {
	if c.start == c.end {
		c.start, c.end = 0, 0
	}
	n, err := c.Read(c.buffer[c.end:])
	c.end += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// unread is what has been read and not used.
func (c *conn) unread() []byte { return c.buffer[c.start:c.end] }

// isTimeout says whether an error is that of a deadline.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
