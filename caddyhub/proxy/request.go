package proxy

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// appendHead writes the head of the request as the upstream gets it.
func (c *call) appendHead(b []byte) ([]byte, error) {
	r, x := c.r, c.x
	method, target, host := r.Method, c.target(), cmp.Or(x.Host, r.Host)
	if x.Host == "" && (host == "" || x.Target.Scheme() == "https") {
		host = x.Target.Authority()
	}
	if c.socket {
		method = http.MethodGet
	}
	if !isToken(method) || !isTarget(target) || !isFieldValue(host) {
		return b, fmt.Errorf("%w: a method, target or Host that HTTP/1.1 does not have", ErrRequest)
	}
	b = append(append(append(append(b, method...), ' '), target...), " HTTP/1.1\r\n"...)
	b = appendField(b, "Host", host)
	connection := r.Header["Connection"]
	for name, values := range r.Header {
		if c.drops(name, connection) {
			continue
		}
		if c.socket {
			name = spelled(name)
		}
		for _, value := range values {
			b = appendField(b, name, value)
		}
	}
	for _, field := range x.Header {
		if field.Value != "" {
			b = appendField(b, field.Name, field.Value)
		}
	}
	b = c.appendFraming(b)
	return append(b, "\r\n"...), nil
}

// target is the request target, byte for byte as it came where it can be.
func (c *call) target() string {
	switch r := c.r; {
	case c.x.RequestURI != "":
		return c.x.RequestURI
	case strings.HasPrefix(r.RequestURI, "/"), r.RequestURI == "*" && r.Method == http.MethodOptions:
		return r.RequestURI
	default:
		return r.URL.RequestURI()
	}
}

// drops says whether a field of the client's is not for the upstream.
func (c *call) drops(name string, connection []string) bool {
	// Content-Length is written from the length that was understood, and what no
	// HTTP/1.1 field is called, such as :protocol, was never one.
	if name == "Content-Length" || name == "Host" || hopByHop(name) || !isToken(name) {
		return true
	}
	if len(connection) > 0 && named(connection, name) {
		return true
	}
	if c.socket && c.key != "" && (name == "Sec-Websocket-Key" || name == "Expect") {
		return true
	}
	for i := range c.x.Header {
		if c.x.Header[i].Name == name {
			return true
		}
	}
	return false
}

// appendFraming writes what says how the body ends, and what is left of the
// fields that end here.
func (c *call) appendFraming(b []byte) []byte {
	r := c.r
	if c.socket {
		b = append(b, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
		if c.key != "" {
			b = appendField(b, "Sec-WebSocket-Key", c.key)
		}
		return b
	}
	if named(r.Header["Te"], "trailers") {
		b = append(b, "TE: trailers\r\n"...)
	}
	switch length := r.ContentLength; {
	case !c.hasBody() && (r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch):
		return append(b, "Content-Length: 0\r\n"...)
	case !c.hasBody():
		return b
	case length > 0 && len(r.Trailer) == 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		return append(b, "\r\n"...)
	}
	b = append(b, "Transfer-Encoding: chunked\r\n"...)
	separator := "Trailer: "
	for name := range r.Trailer {
		if isToken(name) && inTrailer(name) {
			b = append(append(b, separator...), name...)
			separator = ", "
		}
	}
	if separator == ", " {
		b = append(b, "\r\n"...)
	}
	return b
}

// appendField writes a field. What would end the line is a space, as RFC 9110, 5.5
// has it.
func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	from := len(b)
	b = append(b, value...)
	for i, c := range b[from:] {
		if c == '\r' || c == '\n' || c == 0 {
			b[from+i] = ' '
		}
	}
	return append(b, "\r\n"...)
}
