package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// secureFront is a front with TLS and HTTP/2.
func secureFront(t *testing.T, f *front) *front {
	s := &front{Proxy: f.Proxy, t: t, to: f.to, change: f.change}
	s.Server = httptest.NewUnstartedServer(f.Config.Handler)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(func() {
		f.CloseTunnels(context.WithoutCancel(t.Context()), 1001)
		s.Server.Close()
	})
	return s
}

// TestSecureTunnel: over TLS the same holds, for small messages and for large ones,
// after a pause, and at the end.
func TestSecureTunnel(t *testing.T) {
	f := echoing(t)
	opened := make(chan *Tunnel, 1)
	f.change = func(x *Exchange) { x.Opened = func(t *Tunnel) func() { opened <- t; return nil } }
	s := secureFront(t, f)
	conn, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	c := &wire{conn, bufio.NewReader(conn), t}
	c.send(opening)
	if head := c.wantHead(); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		t.Fatal(head)
	}
	tunnel := <-opened
	for _, length := range []int{5, smallPiece - 6, smallPiece, 5000, 70_000, 1 << 20, 1} {
		sent := frame(2, true, true, length)
		go func() { _, _ = conn.Write(sent) }()
		if got := c.take(len(sent)); got != string(sent) {
			t.Fatalf("a message of %d bytes changed", length)
		}
		if canPark && length == 5 {
			eventually(t, "both directions are parked", func() bool { return tunnel.up.parked.Load() && tunnel.down.parked.Load() })
		}
	}
	tunnel.Close(1008)
	if got, err := c.rest(); got != "\x88\x02\x03\xf0" || err != nil {
		t.Errorf("%x, %v", got, err)
	}
	conn.Close()
	eventually(t, "it is over", func() bool { return f.Tunnels() == 0 })
}

// TestStreamTunnel: a WebSocket may be a stream of HTTP/2 (RFC 8441). Go offers
// that only when the environment asks for it before the program starts.
func TestStreamTunnel(t *testing.T) {
	if os.Getenv("GODEBUG") != "http2xconnect=1" {
		self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStreamTunnel$", "-test.v")
		self.Env = append(os.Environ(), "GODEBUG=http2xconnect=1")
		if out, err := self.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	handshakes := make(chan string, 1)
	f := newFront(t, upstream(t, func(w *wire) {
		head, err := w.head()
		if err != nil {
			return
		}
		handshakes <- head
		_, key, _ := strings.Cut(head, "Sec-WebSocket-Key: ")
		w.send(strings.Replace(handshake, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", proofOf(key[:24]), 1))
		_, _ = io.Copy(w.Conn, w.Reader)
	}), Options{})
	opened := make(chan *Tunnel, 1)
	f.change = func(x *Exchange) { x.Opened = func(t *Tunnel) func() { opened <- t; return nil } }
	s := secureFront(t, f)
	transport := &http2.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:staticcheck // net/http has no extended CONNECT
	source, sink := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodConnect, s.URL+"/ws", source)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{":protocol": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Protocol": {"v1.kernel"}}
	response, err := transport.RoundTrip(request) //nolint:staticcheck // see above
	if err != nil {
		t.Fatal(err, f.failed())
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Sec-Websocket-Accept") != "" || response.Header.Get("Sec-Websocket-Protocol") != "v1.kernel" {
		t.Errorf("%v", response)
	}
	if head := <-handshakes; !strings.HasPrefix(head, "GET /ws HTTP/1.1\r\n") || strings.Contains(head, "protocol:") || !strings.Contains(head, "Sec-WebSocket-Protocol: v1.kernel\r\n") {
		t.Errorf("the upstream got %q", head)
	}
	for _, length := range []int{5, 100_000} {
		sent := frame(2, true, true, length)
		go func() { _, _ = sink.Write(sent) }()
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != string(sent) {
			t.Fatalf("a message of %d bytes: %v", length, err)
		}
	}
	(<-opened).Close(1008)
	if got, err := io.ReadAll(response.Body); string(got) != "\x88\x02\x03\xf0" {
		t.Errorf("%x, %v", got, err)
	}
	eventually(t, "it is over", func() bool { return f.Tunnels() == 0 })
}
