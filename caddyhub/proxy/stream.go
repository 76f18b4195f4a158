package proxy

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// stream is a client's end that is a stream of HTTP/2 or 3. It lives no longer than
// its handler, which waits for Close.
type stream struct {
	io.Reader
	w       http.ResponseWriter
	control *http.ResponseController

	mu sync.Mutex
	// closed says that the handler may have returned: what it answered with must not
	// be touched any more.
	closed bool
}

// Write sends at once.
func (s *stream) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	if err != nil {
		return n, err
	}
	return n, s.control.Flush()
}

// Close gives the stream back to its handler.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// SetDeadline ends the stream if the time is past. Zero removes deadlines.
func (s *stream) SetDeadline(at time.Time) error {
	if err := s.SetReadDeadline(at); err != nil {
		return err
	}
	return s.SetWriteDeadline(at)
}

// SetReadDeadline ends the reading if the time is past. A stream that is read
// from in no time would be reset, so that another time does nothing.
func (s *stream) SetReadDeadline(at time.Time) error {
	if at.After(time.Now()) {
		return nil
	}
	return s.limit(s.control.SetReadDeadline, at)
}

// SetWriteDeadline bounds the writing.
func (s *stream) SetWriteDeadline(at time.Time) error {
	return s.limit(s.control.SetWriteDeadline, at)
}

func (s *stream) limit(set func(time.Time) error, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	return set(at)
}
