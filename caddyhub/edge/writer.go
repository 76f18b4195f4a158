package edge

import (
	"bufio"
	"net"
	"net/http"
)

// Cleaner cleans the headers of an upstream's answer.
type Cleaner interface {
	// Clean changes the headers before they are sent, and returns the status to
	// send. final is false for an informational answer, whose headers are a set of
	// their own; 101 is final.
	Clean(h http.Header, status int, final bool) int
}

// Writer is a ResponseWriter of which no headers are sent uncleaned, however an
// upstream has them sent. It serves one request.
type Writer struct {
	http.ResponseWriter
	Cleaner Cleaner
	// Taken is told the connection when it is hijacked; nil if nobody asks.
	Taken func(net.Conn)

	done bool
}

// Done says that the final headers have been sent.
func (w *Writer) Done() bool { return w.done }

// WriteHeader cleans and sends the headers.
func (w *Writer) WriteHeader(status int) {
	if !w.done {
		w.done = status < 100 || status >= 200 || status == http.StatusSwitchingProtocols
		status = w.Cleaner.Clean(w.Header(), status, w.done)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends the headers first, as the writer below would.
func (w *Writer) Write(data []byte) (int, error) {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(data)
}

// FlushError sends the headers first: a flush would send them uncleaned.
func (w *Writer) FlushError() error {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack takes over the connection below.
func (w *Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil && w.Taken != nil {
		w.Taken(conn)
	}
	return conn, buffered, err
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
