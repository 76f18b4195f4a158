package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// wire is one connection that a raw upstream or client has.
type wire struct {
	net.Conn
	*bufio.Reader
	t testing.TB
}

// Read reads what the buffer has first.
func (w *wire) Read(b []byte) (int, error) { return w.Reader.Read(b) }

// send writes bytes as they are.
func (w *wire) send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w.Conn, text); err != nil {
		w.t.Errorf("writing %.40q: %v", text, err)
	}
}

// head reads up to an empty line.
func (w *wire) head() (string, error) {
	var all strings.Builder
	for {
		line, err := w.ReadString('\n')
		all.WriteString(line)
		if err != nil || line == "\r\n" {
			return all.String(), err
		}
	}
}

// wantHead reads a head and fails without one.
func (w *wire) wantHead() string {
	w.t.Helper()
	head, err := w.head()
	if err != nil {
		w.t.Fatalf("no head: %q, %v", head, err)
	}
	return head
}

// take reads exactly so many bytes.
func (w *wire) take(n int) string {
	w.t.Helper()
	b := make([]byte, n)
	if m, err := io.ReadFull(w.Reader, b); err != nil {
		w.t.Fatalf("want %d bytes, got %q, %v", n, b[:m], err)
	}
	return string(b)
}

// rest reads until the other side ends.
func (w *wire) rest() (string, error) {
	all, err := io.ReadAll(w.Reader)
	return string(all), err
}

// upstream listens, and gives each connection to serve, which owns it.
func upstream(t testing.TB, serve func(*wire)) route.Target {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accept(t, listener, serve)
	return target(t, "http://"+listener.Addr().String())
}

func accept(t testing.TB, listener net.Listener, serve func(*wire)) {
	var serving sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			serving.Go(func() {
				defer conn.Close()
				serve(&wire{conn, bufio.NewReader(conn), t})
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for _, conn := range open {
			conn.Close()
		}
		mu.Unlock()
		serving.Wait()
	})
}

// answering is an upstream that gives the same answer to each request, without
// looking at bodies.
func answering(t testing.TB, answer string) route.Target {
	return upstream(t, func(w *wire) {
		for {
			if _, err := w.head(); err != nil {
				return
			}
			if _, err := io.WriteString(w.Conn, answer); err != nil {
				return
			}
		}
	})
}

func target(t testing.TB, text string) route.Target {
	t.Helper()
	parsed, err := route.ParseTargetURL(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// front is a Proxy behind a real server.
type front struct {
	*httptest.Server
	*Proxy
	t  testing.TB
	to route.Target
	// change, if set, makes the Exchange what a test wants.
	change func(*Exchange)

	mu   sync.Mutex
	errs []error
}

func newFront(t testing.TB, to route.Target, options Options) *front {
	f := &front{Proxy: New(options), t: t, to: to}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &Exchange{Target: to}
		if f.change != nil {
			f.change(x)
		}
		err := f.Serve(w, r, x)
		if err == nil {
			return
		}
		f.mu.Lock()
		f.errs = append(f.errs, err)
		f.mu.Unlock()
		http.Error(w, err.Error(), http.StatusBadGateway)
	}))
	f.Config.ErrorLog = nil
	f.Start()
	t.Cleanup(func() {
		f.CloseTunnels(context.WithoutCancel(t.Context()), 1001)
		f.Server.CloseClientConnections()
		f.Server.Close()
		f.Proxy.Close()
	})
	return f
}

// kept is how many connections are kept for later.
func (f *front) kept() int {
	f.idle.mu.Lock()
	defer f.idle.mu.Unlock()
	return len(f.idle.targets[f.to])
}

// failed is the only error that Serve has returned since it was asked last.
func (f *front) failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	errs := f.errs
	f.errs = nil
	if len(errs) > 1 {
		f.t.Errorf("%d errors: %v", len(errs), errs)
	}
	return errors.Join(errs...)
}

// dial is a raw connection to the front.
func (f *front) dial() *wire {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.Listener.Addr().String())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		f.t.Fatal(err)
	}
	return &wire{conn, bufio.NewReader(conn), f.t}
}

// get is a request without ado, and its answer with the body.
func (f *front) get(method, path string) (*reply, string, error) {
	f.t.Helper()
	c := f.dial()
	c.send(method + " " + path + " HTTP/1.1\r\nHost: hub.example.org\r\nConnection: close\r\n\r\n")
	return c.answer(method)
}

// answer reads the answer that counts, and its body to the end.
func (w *wire) answer(method string) (*reply, string, error) {
	w.t.Helper()
	response, err := http.ReadResponse(w.Reader, &http.Request{Method: method})
	for err == nil && response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
		response, err = http.ReadResponse(w.Reader, &http.Request{Method: method})
	}
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return &reply{response.StatusCode, response.Header, response.Trailer, response.Close}, string(body), err
}

// reply is an answer whose body has been read.
type reply struct {
	StatusCode      int
	Header, Trailer http.Header
	Close           bool
}

// eventually looks until something that happens elsewhere has happened.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	late := time.After(10 * time.Second)
	for !done() {
		select {
		case <-look.C:
		case <-late:
			t.Fatal("never: " + what)
		}
	}
}

func ok(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func isRequest(err error) bool { return errors.Is(err, ErrRequest) && !errors.Is(err, ErrUpstream) }

// readBody reads the body of a request, and what trailer there is behind it.
func readBody(w *wire, head string) (string, error) {
	request, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(head), w.Reader)))
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(request.Body)
	text := string(body)
	for name, values := range request.Trailer {
		for _, value := range values {
			text += " " + name + ": " + value
		}
	}
	return text, err
}

// newReader reads a head that was read before, and what follows.
func newReader(head string, w *wire) *bufio.Reader {
	return bufio.NewReaderSize(io.MultiReader(strings.NewReader(head), w.Reader), 1<<16)
}

const (
	// opening asks for a WebSocket.
	opening = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v1.kernel\r\n\r\n"
	// handshake agrees to it.
	handshake = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: v1.kernel\r\n\r\n"
)
