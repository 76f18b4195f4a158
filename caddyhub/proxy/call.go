package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// call is one request on its way. It is used again for others.
type call struct {
	proxy *Proxy
	w     http.ResponseWriter
	r     *http.Request
	x     *Exchange
	// socket says that the request opens a WebSocket, and key is the
	// Sec-WebSocket-Key that we made for a client whose protocol has none.
	socket bool
	key    string

	conn *conn
	// out is what is sent at first: the head, and the body if it was there.
	out []byte
	// upload is the rest of the body; nil if there is none.
	upload *upload
	head   response
	body   body
	// begun says that something of an answer has come.
	begun bool
	// tunnelled says that the connection belongs to a tunnel now.
	tunnelled bool
	watched   watched
}

var calls = sync.Pool{New: func() any { return &call{out: make([]byte, 0, smallBuffer)} }}

// maxKept bounds what a call that is not in use holds on to.
const maxKept = 4 * smallBuffer

// release gives the call back. After a panic it is left to the garbage collector.
func (c *call) release() {
	out, fields := c.out[:0], c.head.fields[:0]
	if cap(out) > maxKept || cap(fields) > maxFields/4 {
		return
	}
	clear(fields[:cap(fields)])
	*c = call{out: out, head: response{fields: fields}}
	calls.Put(c)
}

func (c *call) hasBody() bool {
	return c.r.ContentLength != 0 && c.r.Body != nil && c.r.Body != http.NoBody && !c.socket
}

func (c *call) serve() error {
	if isSocket(c.r) {
		c.openSocket()
	}
	if c.x.Target.Scheme() == "h2c" && !c.socket {
		return c.serveH2C()
	}
	out, err := c.appendHead(c.out[:0])
	if c.out = out; err != nil {
		return err
	}
	if c.hasBody() {
		if err := c.readSmallBody(); err != nil {
			return err
		}
	}
	ctx := c.r.Context()
	c.conn = c.proxy.idle.take(c.x.Target.Origin())
	for {
		if c.conn == nil {
			if c.conn, err = c.proxy.dial(ctx, c.x.Target.Origin()); err != nil {
				return c.because(err)
			}
		}
		err = c.exchange(ctx)
		if err == nil || !c.again(err) {
			return err
		}
		c.conn = nil
	}
}

// unsent is a failure to send the very first byte.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// again says whether a request that failed may be sent once more: if it was over
// a connection that the upstream may have closed meanwhile, and either nothing was
// sent, or it is of a kind that may be sent twice and all of it is still here
// (RFC 9110, 9.2.2).
func (c *call) again(err error) bool {
	if !c.conn.reused || c.begun || c.upload != nil && c.upload.started || !errors.Is(err, ErrClosed) {
		return false
	}
	if _, ok := errors.AsType[unsent](err); ok {
		return true
	}
	switch c.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return c.upload == nil
	}
	return false
}

// exchange sends the request over the connection and relays what comes back. The
// connection is kept or closed at the end.
func (c *call) exchange(ctx context.Context) error {
	c.conn.borrow()
	keep := false
	c.proxy.watch.add(ctx, c)
	defer func() {
		if c.upload != nil && !c.upload.end(c, keep) {
			keep = false
		}
		keep = c.proxy.watch.remove(c) && keep && len(c.conn.unread()) == 0
		c.conn.release()
		if keep {
			c.conn.reused = true
			c.proxy.idle.put(c.conn)
		} else if !c.tunnelled {
			c.conn.Close()
		}
	}()
	if n, err := c.conn.Write(c.out); err != nil {
		if n == 0 {
			return c.because(unsent{fmt.Errorf("%w: %w", ErrClosed, err)})
		}
		return c.because(fmt.Errorf("%w: %w", ErrClosed, err))
	}
	if c.upload != nil && !c.upload.expects {
		c.upload.start(c)
	}
	if err := c.readHead(); err != nil {
		return c.because(err)
	}
	if c.head.status == http.StatusSwitchingProtocols {
		return c.switchProtocols(ctx)
	}
	keep = c.relay() && !c.socket
	return nil
}

// because is the error to return: if the client has gone, that is why. A server that
// is kept from reading the rest of an upload takes its client for gone.
func (c *call) because(err error) error {
	ending := c.upload != nil && c.upload.ending.Load()
	if ctx := c.r.Context(); ctx.Err() != nil && !ending {
		return fmt.Errorf("%w: %w", ErrClient, context.Cause(ctx))
	}
	if c.upload != nil {
		if failed := c.upload.failed.Load(); failed != nil {
			return fmt.Errorf("%w: %w", ErrClient, *failed)
		}
	}
	return err
}

// maxInformational bounds the answers with a status below 200 before the one that
// counts.
const maxInformational = 32

// readHead reads the head of the answer. Those with a status below 200 are passed
// on at once.
func (c *call) readHead() error {
	for range maxInformational {
		if err := c.readOneHead(); err != nil {
			return err
		}
		switch status := c.head.status; {
		case status == http.StatusContinue:
			// Reading the body tells the client.
			if c.upload != nil {
				c.upload.start(c)
			}
		case status == http.StatusSwitchingProtocols && !c.socket:
			return fmt.Errorf("%w: it switches to a protocol that nobody asked for", ErrMalformed)
		case status >= 200 || status == http.StatusSwitchingProtocols:
			return nil
		default:
			c.inform()
		}
	}
	return fmt.Errorf("%w: no end of informational answers", ErrMalformed)
}

func (c *call) readOneHead() error {
	looked := 0
	for {
		if n := headLength(c.conn.unread(), looked); n > 0 {
			text := string(c.conn.unread()[:n])
			c.conn.start += n
			c.begun = true
			return c.head.parse(text)
		}
		looked = c.conn.end - c.conn.start
		if err := c.conn.grow(c.proxy.options.MaxResponseHeader); err != nil {
			return err
		}
		if err := c.fill(); err != nil {
			return lost(err, looked > 0)
		}
	}
}

// lost is why no answer came.
func lost(err error, some bool) error {
	switch {
	case isTimeout(err):
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	case some:
		return fmt.Errorf("%w: its answer breaks off: %w", ErrMalformed, err)
	}
	return fmt.Errorf("%w: %w", ErrClosed, err)
}

// fill reads from the upstream for as long as it may be silent.
func (c *call) fill() error {
	limit := c.proxy.options.ResponseTimeout
	if limit <= 0 && (c.upload == nil || c.upload.started) {
		return c.conn.fill()
	}
	return c.fillWithin(limit)
}

// continueTimeout is how long an upstream may think about "Expect: 100-continue"
// before it gets the body unasked (RFC 9110, 10.1.1).
const continueTimeout = time.Second

func (c *call) fillWithin(limit time.Duration) error {
	if c.upload != nil && !c.upload.started {
		_ = c.conn.SetReadDeadline(time.Now().Add(continueTimeout))
		err := c.conn.fill()
		_ = c.conn.SetReadDeadline(time.Time{})
		if !isTimeout(err) {
			return err
		}
		c.upload.start(c)
	}
	if limit <= 0 {
		return c.conn.fill()
	}
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(limit))
		err := c.conn.fill()
		if isTimeout(err) && c.upload != nil && c.upload.moved(limit) {
			continue // the silence is that of a listener
		}
		_ = c.conn.SetReadDeadline(time.Time{})
		return err
	}
}

// inform passes on an answer with a status below 200.
func (c *call) inform() {
	if !c.r.ProtoAtLeast(1, 1) {
		return // HTTP/1.0 has none
	}
	header := c.w.Header()
	before := header.Clone()
	c.head.copyTo(header)
	delete(header, "Content-Type")
	c.w.WriteHeader(c.head.status)
	clear(header)
	for name, values := range before {
		header[name] = values
	}
}

// readSmallBody puts the body behind the head if it is small and at hand; else it
// leaves the rest to an upload.
func (c *call) readSmallBody() error {
	r := c.r
	c.upload = &upload{body: r.Body, length: r.ContentLength, trailer: r.Trailer, expects: r.Header["Expect"] != nil}
	if len(r.Trailer) > 0 {
		c.upload.length = -1
	}
	if c.upload.length < 0 || c.upload.expects {
		return nil
	}
	begin, room := len(c.out), int(min(c.upload.length, smallBuffer))
	c.out = slices.Grow(c.out, room)
	n, err := r.Body.Read(c.out[begin : begin+room])
	c.out = c.out[:begin+n]
	c.upload.length -= int64(n)
	switch {
	case c.upload.length == 0:
		c.touch()
		c.upload = nil
		if err == nil {
			drain(r.Body)
		}
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
		fallthrough
	case err != nil:
		return fmt.Errorf("%w: %w", ErrClient, err)
	}
	return nil
}

// drain reads the end of a body of which every byte has been read: only then does
// net/http look out for the client's going away.
func drain(body io.Reader) {
	var none [1]byte
	_, _ = body.Read(none[:])
}

// touch notes that something moved.
func (c *call) touch() {
	if c.x.Activity != nil {
		c.x.Activity.Touch(c.proxy.options.Now())
	}
}
