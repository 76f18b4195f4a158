package routes_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455, 4.2.2 wants it
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// acceptOf is the proof that belongs to a Sec-WebSocket-Key (RFC 6455, 4.2.2).
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	return base64.StdEncoding.EncodeToString(sum[:])
}

// socket is one that has been opened: what is written goes to the upstream as it
// is, and so it comes back.
type socket struct {
	io.Reader
	io.Writer
	close func()
}

// opening asks for a WebSocket over HTTP/1.1.
const opening = "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// open opens a WebSocket, by an upgrade or by extended CONNECT.
func (w *way) open(t *testing.T, path string) (answer, *socket) {
	t.Helper()
	if w.version == 1 {
		return w.upgrade(t, path)
	}
	source, sink := io.Pipe()
	other := *w
	if w.version == 2 {
		_, port, _ := strings.Cut(w.url, "localhost:")
		transport := &http2.Transport{ //nolint:staticcheck // net/http has no extended CONNECT
			TLSClientConfig: w.edge.trust("h2"),
			//nolint:staticcheck // see above
			DialTLSContext: func(_ context.Context, _, _ string, config *tls.Config) (net.Conn, error) {
				return tls.Dial("tcp", "127.0.0.1:"+port, config)
			},
		}
		t.Cleanup(transport.CloseIdleConnections)                                 //nolint:staticcheck // see above
		other.client = &http.Client{Transport: roundTripper(transport.RoundTrip)} //nolint:staticcheck // see above
	}
	response := other.do(within(t), t, http.MethodConnect, path, source, func(r *http.Request) {
		r.Header.Set("Sec-WebSocket-Version", "13")
		if w.version == 2 {
			r.Header[":protocol"] = []string{"websocket"}
			return
		}
		r.Proto = "websocket"
	})
	return response, &socket{response.Body, sink, func() { sink.Close() }}
}

// roundTripper is a function that is one.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (w *way) upgrade(t *testing.T, path string) (answer, *socket) {
	t.Helper()
	conn := w.dial(t)
	fmt.Fprintf(conn, opening, w.prefix+path)
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil) //nolint:bodyclose // the connection is closed with the test
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode == http.StatusSwitchingProtocols {
		return answer{response}, &socket{reader, conn, func() { conn.Close() }}
	}
	return answer{response}, &socket{response.Body, conn, func() { conn.Close() }}
}

// dial connects to the edge by TCP, and TLS if that is the way.
func (w *way) dial(t *testing.T) net.Conn {
	t.Helper()
	_, port, _ := strings.Cut(strings.TrimPrefix(w.url, "http"), "localhost:")
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if strings.HasPrefix(w.url, "https:") {
		return tls.Client(conn, w.edge.trust("http/1.1"))
	}
	return conn
}

// TestSockets: WebSockets of all three shapes, to each kind of target. Frames pass
// as they are, whatever they are: the proxy is no WebSocket of its own.
func TestSockets(t *testing.T) {
	t.Parallel()
	behaviour := newBehaviour()
	targets, authority := backs(t, behaviour)
	e := startEdge(t, &edge{Options: "client_ssl_ca " + authority})
	for _, front := range e.fronts() {
		for kind, target := range targets {
			w := &way{front, behaviour, e, "/" + strings.ReplaceAll(front.name, " ", "-") + "/" + kind, kind}
			e.route(w.prefix, target)
			t.Run(front.name+", "+kind, func(t *testing.T) {
				w.testFrames(t)
				w.testRefusedSocket(t)
			})
		}
	}
}

func (w *way) testFrames(t *testing.T) {
	response, socket := w.open(t, "/ws")
	want := http.StatusSwitchingProtocols
	if w.version > 1 {
		want = http.StatusOK
	}
	if response.StatusCode != want || response.Header.Get("X-Hop") != "" {
		t.Fatalf("%s %v", response.Status, response.Header)
	}
	if accept := response.Header.Get("Sec-WebSocket-Accept"); w.version == 1 && accept != acceptOf("dGhlIHNhbXBsZSBub25jZQ==") || w.version > 1 && accept != "" {
		t.Errorf("Sec-WebSocket-Accept %q", accept)
	}
	for name, sent := range framesOfAllKinds() {
		go func() { _, _ = socket.Write(sent) }()
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(socket, got); err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("%s: %d bytes changed, %v", name, len(sent), err)
		}
	}
	before := w.edge.activity(w.prefix)
	socket.close()
	select {
	case <-w.told:
	case <-time.After(patience):
		t.Error("the upstream was not told the end")
	}
	if time.Since(before) > time.Minute {
		t.Errorf("last_activity is %v", before)
	}
}

// testRefusedSocket: a refusal arrives with its body, and the connection ends.
func (w *way) testRefusedSocket(t *testing.T) {
	for path, want := range map[string]int{"/ws-refused": http.StatusForbidden, "/../none": http.StatusBadRequest} {
		response, socket := w.open(t, path)
		body, err := io.ReadAll(socket)
		if response.StatusCode != want || err != nil || want == http.StatusForbidden && string(body) != "not you" {
			t.Errorf("%s: %s %q %v", path, response.Status, body, err)
		}
		if w.version == 1 && !response.Close {
			t.Errorf("%s: the connection is to be used again", path)
		}
		socket.close()
	}
}
