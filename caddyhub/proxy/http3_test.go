package proxy

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/http3"
)

// TestStreamTunnelHTTP3: a WebSocket may be a stream of HTTP/3 (RFC 9220).
func TestStreamTunnelHTTP3(t *testing.T) {
	f := newFront(t, upstream(t, func(w *wire) {
		head, err := w.head()
		if err != nil {
			return
		}
		_, key, _ := strings.Cut(head, "Sec-WebSocket-Key: ")
		w.send(strings.Replace(handshake, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", proofOf(key[:24]), 1))
		_, _ = io.Copy(w.Conn, w.Reader)
	}), Options{})
	opened := make(chan *Tunnel, 3)
	f.change = func(x *Exchange) { x.Opened = func(t *Tunnel) func() { opened <- t; return nil } }
	s := secureFront(t, f)
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http3.Server{Handler: f.Config.Handler, TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: s.TLS.Certificates})}
	go func() { _ = server.Serve(packets) }()
	t.Cleanup(func() {
		server.Close()
		packets.Close()
	})
	transport := &http3.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(func() { transport.Close() })
	open := func() (answer io.Reader, sink io.Writer) {
		source, sink := io.Pipe()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodConnect, "https://"+packets.LocalAddr().String()+"/ws", source)
		if err != nil {
			t.Fatal(err)
		}
		request.Proto = "websocket"
		request.Header = http.Header{"Sec-Websocket-Version": {"13"}}
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err, f.failed())
		}
		t.Cleanup(func() { response.Body.Close() })
		return response.Body, sink
	}
	answer, sink := open()
	for _, length := range []int{5, 100_000} {
		sent := frame(2, true, true, length)
		go func() { _, _ = sink.Write(sent) }()
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(answer, got); err != nil || string(got) != string(sent) {
			t.Fatalf("a message of %d bytes: %v", length, err)
		}
	}
	(<-opened).Close(1008)
	if got, _ := io.ReadAll(answer); string(got) != "\x88\x02\x03\xf0" {
		t.Errorf("%x", got)
	}
	before, _ := open()
	f.CloseStreams(1001)
	after, _ := open()
	for name, answer := range map[string]io.Reader{"before": before, "after": after} {
		if got, _ := io.ReadAll(answer); string(got) != "\x88\x02\x03\xe9" {
			t.Errorf("opened %s the server stops: %x", name, got)
		}
	}
	eventually(t, "it is over", func() bool { return f.Tunnels() == 0 })
}
