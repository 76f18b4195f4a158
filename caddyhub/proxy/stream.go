package proxy

import (
	"io"
	"net/http"
	"time"
)

// stream is a client's end that is a stream of HTTP/2 or 3. Its handler closes it.
type stream struct {
	io.Reader
	w       http.ResponseWriter
	control *http.ResponseController
}

// Write sends at once.
func (s *stream) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	if err != nil {
		return n, err
	}
	return n, s.control.Flush()
}

// Close has nothing to do: the stream ends with its handler.
func (s *stream) Close() error { return nil }

// SetDeadline ends the stream if the time is past.
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
	return s.control.SetReadDeadline(at)
}

// SetWriteDeadline bounds the writing.
func (s *stream) SetWriteDeadline(at time.Time) error { return s.control.SetWriteDeadline(at) }
