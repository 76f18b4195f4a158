package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestNoAnswer: each way of not answering has its error, and nothing has been sent.
func TestNoAnswer(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	silent := upstream(t, func(w *wire) { _, _ = w.rest() })
	for name, test := range map[string]struct {
		to      func() *front
		want    error
		timeout bool
	}{
		"refused":      {func() *front { return newFront(t, target(t, "http://"+gone.Addr().String()), Options{}) }, ErrUnreachable, false},
		"no such host": {func() *front { return newFront(t, target(t, "http://no-such-host.invalid"), Options{}) }, ErrUnreachable, false},
		"no such socket": {
			func() *front { return newFront(t, target(t, "unix+http://%2Fno%2Fsuch%2Fsocket"), Options{}) }, ErrUnreachable, false,
		},
		"no TLS": {
			func() *front {
				return newFront(t, target(t, strings.Replace(silent.String(), "http:", "https:", 1)), Options{DialTimeout: 50 * time.Millisecond})
			}, ErrUnreachable, false,
		},
		"hangs up": {func() *front { return newFront(t, upstream(t, func(w *wire) { _, _ = w.head() }), Options{}) }, ErrClosed, false},
		"silent":   {func() *front { return newFront(t, silent, Options{ResponseTimeout: 30 * time.Millisecond}) }, ErrTimeout, true},
	} {
		f := test.to()
		response, body, err := f.get("GET", "/")
		if err != nil || response.StatusCode != 502 {
			t.Errorf("%s: %v %q %v", name, response, body, err)
		}
		if err := f.failed(); !errors.Is(err, test.want) || !errors.Is(err, ErrUpstream) || errors.Is(err, ErrTimeout) != test.timeout {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnixSocket: an upstream may listen on a socket of the system.
func TestUnixSocket(t *testing.T) {
	folder, err := os.MkdirTemp("", "proxy") // short: a socket has little room for its path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	listener, err := net.Listen("unix", folder+"/up")
	if err != nil {
		t.Fatal(err)
	}
	accept(t, listener, func(w *wire) {
		for head, err := w.head(); err == nil; head, err = w.head() {
			w.send(ok(head[:strings.Index(head, "\r\n")]))
		}
	})
	f := newFront(t, target(t, "unix+http://"+strings.ReplaceAll(folder, "/", "%2F")+"%2Fup"), Options{})
	for range 2 {
		if _, body, err := f.get("GET", "/x"); err != nil || body != "GET /x HTTP/1.1" {
			t.Errorf("%q, %v, %v", body, err, f.failed())
		}
	}
}

// flaky is an upstream that answers the first request of each connection and
// breaks off at the second; it counts the requests that came.
func flaky(t *testing.T, requests *atomic.Int64, second func(*wire)) *front {
	return newFront(t, upstream(t, func(w *wire) {
		for n := 0; ; n++ {
			if _, err := w.head(); err != nil {
				return
			}
			requests.Add(1)
			if n > 0 {
				second(w)
				return
			}
			w.send(ok(""))
		}
	}), Options{})
}

// TestSentAgain: a kept connection that ends under a request is the upstream's
// right; the request is sent once more if that can do no harm.
func TestSentAgain(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"} {
		var requests atomic.Int64
		f := flaky(t, &requests, func(*wire) {})
		for range 2 {
			if _, _, err := f.get(method, "/"); err != nil {
				t.Fatal(err)
			}
		}
		want, failed := int64(3), error(nil)
		if method == "POST" || method == "PATCH" {
			want, failed = 2, ErrClosed
		}
		if err := f.failed(); !errors.Is(err, failed) || requests.Load() != want {
			t.Errorf("%s: sent %d times, %v", method, requests.Load(), err)
		}
	}
}

// TestNotSentAgain: what has been answered in part has been dealt with.
func TestNotSentAgain(t *testing.T) {
	for name, second := range map[string]func(*wire){
		"half a head": func(w *wire) { w.send("HTTP/1.1 200") },
		"early hints": func(w *wire) { w.send("HTTP/1.1 103 Early Hints\r\n\r\n") },
	} {
		var requests atomic.Int64
		f := flaky(t, &requests, second)
		for range 2 {
			if _, _, err := f.get("GET", "/"); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.failed(); !errors.Is(err, ErrUpstream) || requests.Load() != 2 {
			t.Errorf("%s: sent %d times, %v", name, requests.Load(), err)
		}
	}
}

// TestClosedMeanwhile: a connection that the upstream has closed is not used, so
// that nothing is lost even of what must not be sent twice.
func TestClosedMeanwhile(t *testing.T) {
	closed := make(chan struct{}, 1)
	f := newFront(t, upstream(t, func(w *wire) {
		if _, err := w.head(); err == nil {
			w.send(ok("fine"))
			w.Conn.Close()
			closed <- struct{}{}
		}
	}), Options{})
	for i := range 20 {
		response, body, err := f.get("POST", "/")
		if err != nil || body != "fine" {
			t.Fatalf("request %d: %v %q %v %v", i, response, body, err, f.failed())
		}
		<-closed
		eventually(t, "the end has arrived", func() bool {
			f.idle.mu.Lock()
			defer f.idle.mu.Unlock()
			idle := f.idle.targets[f.to]
			return len(idle) == 0 || !idle[0].quiet()
		})
	}
}

// TestUnasked: what an upstream says before it was asked is not the answer.
func TestUnasked(t *testing.T) {
	spoke := make(chan struct{}, 1)
	f := newFront(t, upstream(t, func(w *wire) {
		if _, err := w.head(); err == nil {
			w.send(ok("asked"))
			w.send(ok("smuggled"))
			spoke <- struct{}{}
			if _, err := w.head(); err == nil {
				w.send(ok("asked"))
			}
		}
	}), Options{})
	for range 20 {
		if _, body, err := f.get("GET", "/"); err != nil || body != "asked" {
			t.Fatalf("%q, %v", body, err)
		}
		<-spoke
	}
}

// TestClientGone: the upstream is told at once, in every stage of a request.
func TestClientGone(t *testing.T) {
	for name, test := range map[string]struct{ request, answer string }{
		"before the answer":    {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", ""},
		"after the head":       {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", statusOK + "Content-Length: 10\r\n\r\n"},
		"in the body":          {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", statusOK + "Content-Length: 10\r\n\r\nhello"},
		"in events":            {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", statusOK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
		"after a small upload": {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", ""},
		"in an upload":         {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nhello", ""},
		"in chunks":            {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", ""},
	} {
		arrived, told := make(chan struct{}), make(chan struct{})
		f := newFront(t, upstream(t, func(w *wire) {
			if _, err := w.head(); err != nil {
				return
			}
			w.send(test.answer)
			close(arrived)
			_, _ = w.rest()
			close(told)
		}), Options{})
		c := f.dial()
		c.send(test.request)
		<-arrived
		c.Close()
		select {
		case <-told:
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: the upstream was not told", name)
		}
	}
}

// TestNothingIsLeft: requests that were broken off leave no goroutine and no
// descriptor.
func TestNothingIsLeft(t *testing.T) {
	const rounds = 40
	var open atomic.Int64
	f := newFront(t, upstream(t, func(w *wire) {
		open.Add(1)
		defer open.Add(-1)
		if head, err := w.head(); err == nil && strings.Contains(head, "Upgrade") {
			w.send(handshake)
		}
		_, _ = w.rest()
	}), Options{})
	before := runtime.NumGoroutine()
	for range rounds {
		var clients sync.WaitGroup
		for _, request := range []string{
			"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\nhello",
			"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
			"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9000\r\n\r\n", opening, "GET / HT",
		} {
			clients.Go(func() {
				conn, err := net.Dial("tcp", f.Listener.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, request)
				if request == opening {
					_, _ = conn.Read(make([]byte, len(handshake)))
				}
				conn.Close()
			})
		}
		clients.Wait()
	}
	eventually(t, "all connections are closed", func() bool { return open.Load() == 0 && f.Tunnels() == 0 })
	eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}

// TestIdleConnectionsEnd: what is kept is not kept for ever.
func TestIdleConnectionsEnd(t *testing.T) {
	f := newFront(t, answering(t, ok("")), Options{IdleTimeout: 20 * time.Millisecond})
	if _, _, err := f.get("GET", "/"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection is closed", func() bool { return f.kept() == 0 })
}
