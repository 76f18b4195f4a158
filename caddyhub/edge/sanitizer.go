package edge

import (
	"bufio"
	"net"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

// sanitizer cleans the headers of an upstream before they are sent.
type sanitizer struct {
	http.ResponseWriter
	hygiene *gate.Hygiene
	prefix  string
	// site are headers of the whole origin that are none of the upstream's.
	site gate.SiteHeaders
	// ours sets headers of the edge's own; nil if there are none.
	ours func(http.ResponseWriter)
	// apart keeps what answers the request from the pages of other users.
	apart   separation
	request *http.Request
	// taken is told the connection when it is hijacked; nil if nobody asks.
	taken func(net.Conn)
	// done says that the final headers have been sent.
	done bool
}

// WriteHeader cleans and sends the headers, those of 101 too. Informational
// answers have a set of their own and are cleaned each.
func (s *sanitizer) WriteHeader(status int) {
	informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if !s.done {
		s.hygiene.SanitizeResponse(s.Header(), s.prefix)
		s.site.Restore(s.Header())
	}
	if !s.done && !informational {
		s.done = true
		if s.ours != nil {
			s.ours(s.ResponseWriter)
		}
		status = s.apart.apply(s.request, s.Header(), status)
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write sends the headers first, as the writer below would.
func (s *sanitizer) Write(data []byte) (int, error) {
	if !s.done {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriter.Write(data)
}

// FlushError sends the headers first: a flush would send them uncleaned.
func (s *sanitizer) FlushError() error {
	if !s.done {
		s.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(s.ResponseWriter).Flush()
}

// Hijack takes over the connection below.
func (s *sanitizer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(s.ResponseWriter).Hijack()
	if err == nil && s.taken != nil {
		s.taken(conn)
	}
	return conn, buffered, err
}

// Unwrap lets http.ResponseController reach the writer below.
func (s *sanitizer) Unwrap() http.ResponseWriter { return s.ResponseWriter }
