package sockets_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
)

// patience bounds what a test does with one connection.
const patience = time.Minute

// connection is one connection of a browser to the hub. Its client opens a stream
// for a WebSocket only if the server's settings offer that.
type connection interface {
	RoundTrip(r *http.Request) (*http.Response, error)
}

// connect makes a connection of one version of HTTP.
type connect func(t *testing.T, h *hub) connection

var versions = map[string]connect{"HTTP2": overHTTP2, "HTTP3": overHTTP3}

func overHTTP2(t *testing.T, h *hub) connection {
	t.Helper()
	conn, err := tls.Dial("tcp", h.Address(), h.settings(t, "h2"))
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http2.Transport)            //nolint:staticcheck // net/http has no extended CONNECT
	client, err := transport.NewClientConn(conn) //nolint:staticcheck // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() }) // the hub may have closed it
	return client
}

func overHTTP3(t *testing.T, h *hub) connection {
	t.Helper()
	conn, err := quic.DialAddr(t.Context(), h.Address(), h.settings(t, http3.NextProtoH3), &quic.Config{HandshakeIdleTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseWithError(0, "") }) // as above
	return new(http3.Transport).NewClientConn(conn)
}

// socket is an open WebSocket, as raw bytes.
type socket struct {
	io.ReadCloser
	*io.PipeWriter
}

// open opens a WebSocket as a page does; header are fields in its place, as names
// and values in turn.
func (h *hub) open(t *testing.T, c connection, path string, header ...string) (*socket, int, error) {
	t.Helper()
	source, sink := io.Pipe()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodConnect, h.URL+path, source)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{
		"Sec-Websocket-Version": {"13"}, "Sec-Fetch-Mode": {"websocket"}, "Sec-Fetch-Site": {"same-origin"},
		"Origin": {h.URL}, "Cookie": {h.cookies(t)},
	}
	for i := 0; i < len(header); i += 2 {
		request.Header[header[i]] = header[i+1 : i+2]
	}
	if _, three := c.(*http3.ClientConn); three {
		request.Proto = "websocket"
	} else {
		request.Header[":protocol"] = []string{"websocket"}
	}
	response, err := c.RoundTrip(request)
	if err != nil {
		return nil, 0, err
	}
	t.Cleanup(func() {
		sink.Close()
		response.Body.Close()
	})
	return &socket{response.Body, sink}, response.StatusCode, nil
}

// mustOpen is open for what has to succeed.
func (h *hub) mustOpen(t *testing.T, c connection, path string) *socket {
	t.Helper()
	s, status, err := h.open(t, c, path)
	if err != nil || status != http.StatusOK {
		t.Fatalf("open %s: %d, %v", path, status, err)
	}
	return s
}

// frame is one of a client, under a mask of zeros (RFC 6455, 5.2).
func frame(opcode byte, size int) []byte {
	head := []byte{0x80 | opcode, 0x80 | 127, 0, 0, 0, 0, byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size), 0, 0, 0, 0}
	if size < 126 {
		head = []byte{0x80 | opcode, 0x80 | byte(size), 0, 0, 0, 0}
	}
	payload := make([]byte, size)
	for i := range payload {
		payload[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return append(head, payload...)
}

// echo sends bytes and waits until they have come back.
func (s *socket) echo(sent []byte) error {
	failed := make(chan error, 1)
	go func() {
		_, err := s.Write(sent)
		failed <- err
	}()
	got := make([]byte, len(sent))
	if n, err := io.ReadFull(s, got); err != nil {
		return fmt.Errorf("%d of %d bytes came back: %w", n, len(sent), err)
	}
	if string(got) != string(sent) {
		return fmt.Errorf("%d bytes that begin with %x changed", len(sent), sent[:2])
	}
	return <-failed
}

// ends waits for the end and says what came before it.
func (s *socket) ends() string {
	rest, _ := io.ReadAll(s) // how the stream ends is the protocol's business
	return string(rest)
}
