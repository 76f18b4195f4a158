package proxy

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// upload is a body that is not sent together with its head. A goroutine of its
// own moves it, since the answer may begin before it ends.
type upload struct {
	body io.Reader
	// length is how much is left; -1: the body is sent in chunks.
	length int64
	// trailer has the fields behind the body once that has been read; nil if none.
	trailer http.Header
	// expects says that the client waits to be asked for the body.
	expects bool
	// started says that the goroutine is or was there; only the call looks at it.
	started bool

	done chan struct{}
	// complete says that all of it has been sent; known when done is closed.
	complete bool
	// failed is what the client broke off with.
	failed atomic.Pointer[error]
	// ending says that nobody needs the rest.
	ending atomic.Bool
	// whole says that the client has sent all of it, so that its next request is
	// where the server looks for it.
	whole atomic.Bool
	// last is when a piece was sent, in nanoseconds since 1970.
	last atomic.Int64
}

// start begins to send the body.
func (u *upload) start(c *call) {
	if u.started {
		return
	}
	u.started, u.done = true, make(chan struct{})
	if u.expects && c.r.ProtoMajor == 3 {
		c.w.WriteHeader(http.StatusContinue) // the servers of HTTP/1.1 and 2 do so when it is read
	}
	conn, activity, now := c.conn, c.x.Activity, c.proxy.options.Now
	go func() {
		defer close(u.done)
		u.run(conn, func() {
			at := now()
			u.last.Store(at.UnixNano())
			if activity != nil {
				activity.Touch(at)
			}
		})
	}()
}

// chunkRoom is for the size of a chunk, before it.
const chunkRoom = 16

func (u *upload) run(conn *conn, moved func()) {
	buffer := largeBuffers.Get().(*[largeBuffer]byte)
	defer largeBuffers.Put(buffer)
	for u.length != 0 {
		n, err := u.body.Read(buffer[chunkRoom : largeBuffer-len(lineEnd)])
		if err == io.EOF || int64(n) == u.length {
			u.whole.Store(true)
		}
		if n > 0 {
			if _, failed := conn.Write(u.framed(buffer, n)); failed != nil {
				return // its answer may say why
			}
			moved()
		}
		switch {
		case err == io.EOF && u.length < 0:
			u.finish(conn)
			return
		case err != nil && u.length != 0:
			u.breakOff(conn, err)
			return
		}
	}
	u.complete = true
	if u.body != nil {
		drain(u.body)
	}
}

// framed is a piece of the body as it is sent.
func (u *upload) framed(buffer *[largeBuffer]byte, n int) []byte {
	if u.length >= 0 {
		u.length -= int64(n)
		return buffer[chunkRoom : chunkRoom+n]
	}
	var size [chunkRoom]byte
	line := append(strconv.AppendInt(size[:0], int64(n), 16), lineEnd...)
	begin := chunkRoom - len(line)
	copy(buffer[begin:], line)
	end := chunkRoom + n
	return buffer[begin : end+copy(buffer[end:], lineEnd)]
}

// finish sends the end of a body in chunks.
func (u *upload) finish(conn *conn) {
	end := []byte("0\r\n")
	for name, values := range u.trailer {
		if !isToken(name) || !inTrailer(name) {
			continue
		}
		for _, value := range values {
			end = appendField(end, name, value)
		}
	}
	_, err := conn.Write(append(end, lineEnd...))
	u.complete = err == nil
}

// breakOff cuts the connection: the upstream must not take what it has for all.
func (u *upload) breakOff(conn *conn, err error) {
	if !u.ending.Load() {
		err = fmt.Errorf("reading the body: %w", err)
		u.failed.Store(&err)
	}
	conn.Close()
}

// moved says whether a piece was sent lately.
func (u *upload) moved(within time.Duration) bool {
	select {
	case <-u.done:
		return false
	default:
		return time.Since(time.Unix(0, u.last.Load())) < within
	}
}

// endPatience is how long a connection waits to be of further use for an upload
// whose answer is complete.
const endPatience = 50 * time.Millisecond

// end sees to it that nothing reads the body any more, and says whether the
// upstream has all of it. worth says that there is a connection to be kept.
func (u *upload) end(c *call, worth bool) bool {
	if !u.started {
		return false
	}
	if worth {
		patience := time.NewTimer(endPatience)
		defer patience.Stop()
		select {
		case <-u.done:
			return u.complete
		case <-patience.C:
		}
	}
	u.ending.Store(true)
	c.conn.Close()
	c.unanswered()
	if !u.whole.Load() && http.NewResponseController(c.w).SetReadDeadline(time.Unix(1, 0)) != nil {
		return false // a body without a connection; its reader ends with it
	}
	<-u.done
	return false
}

// answered prepares a client that may not have sent all of its upload for the
// answer, and says whether the upload goes on.
func (c *call) answered() (goesOn bool) {
	control := http.NewResponseController(c.w)
	if c.r.ProtoMajor == 1 {
		// Or net/http would read the rest of the upload itself.
		_ = control.EnableFullDuplex()
		if !c.upload.whole.Load() {
			// What is left stands where the server would look for the next request.
			closeAfter(c.w)
		}
	}
	if c.upload.started {
		return true
	}
	// Nobody has asked for it, and nobody will.
	c.upload = nil
	if c.r.ProtoMajor == 1 {
		_ = control.SetReadDeadline(time.Unix(1, 0)) // or the server would wait for it
	}
	return false
}

// unanswered prepares a client that may not have sent all of its upload for whoever
// answers in the upstream's place.
func (c *call) unanswered() {
	if c.upload != nil && !c.upload.whole.Load() && c.r.ProtoMajor == 1 {
		closeAfter(c.w)
	}
}

// closeAfter has net/http close the connection to the client after the answer, in
// two steps: closed at once, with something unread in it, it would take the answer
// with it. That is what net/http does about bodies that are too large.
func closeAfter(w http.ResponseWriter) {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = outer.Unwrap()
	}
	tooLarge := http.MaxBytesReader(w, io.NopCloser(strings.NewReader("x")), 0)
	_, _ = tooLarge.Read(make([]byte, 1))
}
