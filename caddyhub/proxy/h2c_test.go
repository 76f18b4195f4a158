package proxy

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestH2C: an upstream may speak HTTP/2 without TLS; WebSockets reach it by
// HTTP/1.1.
func TestH2C(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Upgrade") != "":
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.WriteHeader(http.StatusSwitchingProtocols)
		case r.URL.Path == "/early":
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			_, _ = io.WriteString(w, "too much")
			_ = http.NewResponseController(w).Flush()
		case r.URL.Path == "/cut":
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			w.Header().Set("Trailer", "X-Sum")
			_, _ = io.WriteString(w, r.Proto+" "+r.RequestURI+" "+r.Host+" "+r.Header.Get("X-Forwarded-For")+r.Header.Get("X-Named")+" ")
			_, _ = io.Copy(w, r.Body)
			w.Header().Set("X-Sum", "42")
		}
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	f := newFront(t, target(t, strings.Replace(server.URL, "http:", "h2c:", 1)), Options{})
	f.change = func(x *Exchange) { x.Header = []Field{{"X-Forwarded-For", "192.0.2.1"}} }

	c := f.dial()
	c.send("POST /a%2Fb?x=%41 HTTP/1.1\r\nHost: hub\r\nConnection: close, X-Named\r\nX-Named: no\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	response, body, err := c.answer("POST")
	if err != nil || body != "HTTP/2.0 /a%2Fb?x=%41 hub 192.0.2.1 hello" || response.Trailer.Get("X-Sum") != "42" {
		t.Errorf("%v %q %v %v", response, body, err, f.failed())
	}
	for _, framing := range []string{"Content-Length: 100000\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"} {
		c = f.dial()
		c.send("POST /early HTTP/1.1\r\nHost: hub\r\n" + framing) // and no more
		response, body, err = c.answer("POST")
		if err != nil || body != "too much" || response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("an early answer: %v %q %v %v", response, body, err, f.failed())
		}
	}
	if _, body, err := f.get("GET", "/cut"); err == nil {
		t.Errorf("an answer that breaks off is complete: %q", body)
	}
	c = f.dial()
	c.send(opening)
	if response, _, err := c.answer("GET"); err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("WebSocket: %v %v %v", response, err, f.failed())
	}
	server.Close()
	if _, _, err := f.get("GET", "/"); err != nil || !errors.Is(f.failed(), ErrUpstream) {
		t.Errorf("gone: %v", err)
	}
}
