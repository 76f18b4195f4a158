package proxy

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// echoing is an upstream whose WebSockets send back what they get.
func echoing(t testing.TB) *front {
	return newFront(t, upstream(t, func(w *wire) {
		if _, err := w.head(); err != nil {
			return
		}
		w.send(handshake)
		_, _ = io.Copy(w.Conn, w.Reader)
	}), Options{})
}

// open opens a WebSocket.
func (f *front) open() *wire {
	f.t.Helper()
	c := f.dial()
	c.send(opening)
	if head := c.wantHead(); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		f.t.Fatalf("%q, %v", head, f.failed())
	}
	return c
}

// TestHandshake: both sides get the whole handshake, and what came right behind it.
func TestHandshake(t *testing.T) {
	seen := make(chan string, 1)
	f := newFront(t, upstream(t, func(w *wire) {
		head, err := w.head()
		if err != nil {
			return
		}
		seen <- head
		w.send(handshake + "early frames")
		seen <- w.take(5)
	}), Options{})
	c := f.dial()
	c.send(opening + "hello")
	head := c.wantHead()
	for _, line := range []string{"HTTP/1.1 101 Switching Protocols\r\n", "\r\nUpgrade: websocket\r\n", "\r\nConnection: Upgrade\r\n", "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "\r\nSec-WebSocket-Protocol: v1.kernel\r\n"} {
		if !strings.Contains(head, line) {
			t.Errorf("the client lacks %q in %q", line, head)
		}
	}
	if rest := c.take(len("early frames")); rest != "early frames" {
		t.Errorf("behind the handshake: %q", rest)
	}
	head = <-seen
	for _, line := range []string{"GET /ws HTTP/1.1\r\n", "\r\nUpgrade: websocket\r\n", "\r\nConnection: Upgrade\r\n", "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "\r\nSec-WebSocket-Version: 13\r\n", "\r\nSec-WebSocket-Protocol: v1.kernel\r\n"} {
		if strings.Count(head, line) != 1 {
			t.Errorf("the upstream lacks %q in %q", line, head)
		}
	}
	if early := <-seen; early != "hello" {
		t.Errorf("the upstream got %q", early)
	}
}

// TestFramesPass: whatever frames there are, they arrive as they were sent, in
// whatever pieces, and a pause in between changes nothing.
func TestFramesPass(t *testing.T) {
	f := echoing(t)
	c := f.open()
	for _, sent := range [][]byte{
		frame(1, true, true, 5),
		frame(2, true, true, 0),
		frame(9, true, true, 125),
		frame(10, true, true, 3),
		append(append(frame(1, false, true, 300), frame(9, true, true, 2)...), frame(0, true, true, 70_000)...),
		frame(2, true, true, 64<<10),
		append([]byte{0xc2}, frame(2, true, true, 1<<20)[1:]...), // compressed
		bytes.Repeat(frame(1, true, true, 1), 5000),
		{0xff, 0xff, 0xff, 0xff}, // no frame at all is not the proxy's business
	} {
		var writing sync.WaitGroup
		writing.Go(func() {
			_, _ = c.Write(sent[:1])
			_, _ = c.Write(sent[1:])
		})
		if got := c.take(len(sent)); got != string(sent) {
			t.Fatalf("%d bytes that begin with %x changed", len(sent), sent[:2])
		}
		writing.Wait()
	}
	c.send("\x88\x82\x00\x00\x00\x00\x03\xe8")
	if got := c.take(8); got[0] != 0x88 {
		t.Errorf("the farewell: %x", got)
	}
}

// TestIdle: sockets that have nothing to say have no goroutine where there is a
// poller, and still work.
func TestIdle(t *testing.T) {
	if !canPark {
		t.Skip("there is no poller here")
	}
	f := echoing(t)
	before := runtime.NumGoroutine()
	var sockets []*wire
	for range 20 {
		sockets = append(sockets, f.open())
	}
	for range 3 {
		// Each has an upstream in this process, and the poller is one more.
		eventually(t, "all are parked", func() bool { return runtime.NumGoroutine() <= before+len(sockets)+1 })
		for _, c := range sockets {
			for range 3 { // the second and third make it busy
				c.send("hello")
				if got := c.take(5); got != "hello" {
					t.Fatalf("%q", got)
				}
			}
		}
	}
	eventually(t, "all are still open", func() bool { return f.Tunnels() == len(sockets) })
}

// TestEnds: the end of one side is passed on, and nothing is left.
func TestEnds(t *testing.T) {
	upstreamEnded := make(chan string, 1)
	f := newFront(t, upstream(t, func(w *wire) {
		if _, err := w.head(); err != nil {
			return
		}
		w.send(handshake)
		all, _ := w.rest()
		w.send("last words")
		upstreamEnded <- all
	}), Options{})
	for name, end := range map[string]func(c *wire){
		"half": func(c *wire) {
			_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
			if got, err := c.rest(); got != "last words" || err != nil {
				t.Errorf("after half of it was closed: %q, %v", got, err)
			}
		},
		"all": func(c *wire) { c.Close() },
	} {
		c := f.open()
		c.send("bye")
		end(c)
		if got := <-upstreamEnded; got != "bye" {
			t.Errorf("%s: the upstream got %q", name, got)
		}
		eventually(t, name+" is over", func() bool { return f.Tunnels() == 0 })
	}
}

// TestUpstreamEnds: what the upstream has said arrives before its end.
func TestUpstreamEnds(t *testing.T) {
	f := newFront(t, upstream(t, func(w *wire) {
		if _, err := w.head(); err == nil {
			w.send(handshake + "farewell")
		}
	}), Options{})
	c := f.open()
	if got, err := c.rest(); got != "farewell" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	c.Close()
	eventually(t, "it is over", func() bool { return f.Tunnels() == 0 })
}

// TestClose: the client is told the code between two frames; nothing that the
// upstream sends later arrives.
func TestClose(t *testing.T) {
	whole := string(frame(2, true, false, 300))
	for name, test := range map[string]struct{ before, after, want string }{
		"at rest":        {"", "later", ""},
		"between frames": {whole, "later", whole},
		"in a frame":     {whole[:100], whole[100:] + "later", whole},
		"in a head":      {whole[:3], whole[3:] + "later", whole},
		"in no time":     {whole[:100], "", whole[:100]},
	} {
		proceed := make(chan struct{})
		f := newFront(t, upstream(t, func(w *wire) {
			if _, err := w.head(); err != nil {
				return
			}
			w.send(handshake + test.before)
			<-proceed
			_, _ = io.WriteString(w.Conn, test.after)
			_, _ = w.rest()
		}), Options{})
		opened := make(chan *Tunnel, 1)
		var ended atomic.Int64
		f.change = func(x *Exchange) {
			x.Opened = func(t *Tunnel) func() {
				opened <- t
				return func() { ended.Add(1) }
			}
		}
		c := f.open()
		got := c.take(len(test.before))
		tunnel := <-opened
		tunnel.Close(1008)
		tunnel.Close(1001)
		if name == "at rest" || name == "between frames" {
			got += c.take(4) // before the upstream goes on
		}
		close(proceed)
		rest, err := c.rest()
		want := test.want + "\x88\x02\x03\xf0"
		if name == "in no time" {
			want = test.want
		}
		if got += rest; got != want || err != nil {
			t.Errorf("%s: %x, want %x, %v", name, got, want, err)
		}
		c.Close()
		eventually(t, name+" is over", func() bool { return f.Tunnels() == 0 && ended.Load() == 1 })
	}
}

// TestCloseDeaf: a client that does not read is gone within the time that is stated.
func TestCloseDeaf(t *testing.T) {
	f := newFront(t, upstream(t, func(w *wire) {
		if _, err := w.head(); err != nil {
			return
		}
		w.send(handshake)
		for {
			if _, err := w.Conn.Write(frame(2, true, false, 1<<20)); err != nil {
				return
			}
		}
	}), Options{})
	opened := make(chan *Tunnel, 1)
	f.change = func(x *Exchange) {
		x.Opened = func(t *Tunnel) func() {
			opened <- t
			return nil
		}
	}
	f.open()
	(<-opened).Close(1008)
	eventually(t, "it is over", func() bool { return f.Tunnels() == 0 })
}

// TestCloseTunnels: all are told, and none is left.
func TestCloseTunnels(t *testing.T) {
	f := echoing(t)
	sockets := []*wire{f.open(), f.open(), f.open()}
	eventually(t, "all are open", func() bool { return f.Tunnels() == len(sockets) })
	var reading sync.WaitGroup
	for _, c := range sockets {
		reading.Go(func() {
			if got, err := c.rest(); got != "\x88\x02\x03\xe9" || err != nil {
				t.Errorf("%x, %v", got, err)
			}
			c.Close()
		})
	}
	f.CloseTunnels(t.Context(), 1001)
	if n := f.Tunnels(); n != 0 {
		t.Errorf("%d are left", n)
	}
	reading.Wait()
	f.CloseTunnels(t.Context(), 1001) // and nothing to wait for
}

// TestRefusedUpgrade: a refusal arrives, and the connection always ends.
func TestRefusedUpgrade(t *testing.T) {
	for name, answer := range map[string]string{
		"with a body": "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!",
		"in chunks":   "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno!\r\n0\r\n\r\n",
		"without end": "HTTP/1.1 503 Gone\r\n\r\nno!",
		"agreed":      statusOK + "Content-Length: 3\r\n\r\nno!",
	} {
		f := newFront(t, upstream(t, func(w *wire) {
			if _, err := w.head(); err != nil {
				return
			}
			w.send(answer)
			if name != "without end" {
				_, _ = w.rest()
			}
		}), Options{})
		c := f.dial()
		c.send(opening)
		response, body, err := c.answer("GET")
		if err != nil || body != "no!" || !strings.HasPrefix(answer, fmt.Sprint("HTTP/1.1 ", response.StatusCode)) || !response.Close {
			t.Errorf("%s: %v %q %v", name, response, body, err)
		}
		if rest, err := c.rest(); rest != "" || err != nil {
			t.Errorf("%s: behind the refusal %q, %v", name, rest, err)
		}
		if n := f.kept(); n != 0 || f.Tunnels() != 0 {
			t.Errorf("%s: something is kept", name)
		}
	}
	other := newFront(t, answering(t, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"), Options{})
	c := other.dial()
	c.send(opening)
	if response, _, err := c.answer("GET"); err != nil || response.StatusCode != http.StatusBadGateway || other.failed() == nil {
		t.Errorf("another protocol: %v %v", response, err)
	}
}

// watcher notes what it is told.
type watcher struct{ touched, interacted atomic.Int64 }

func (w *watcher) Touch(time.Time)    { w.touched.Add(1) }
func (w *watcher) Interact(time.Time) { w.interacted.Add(1) }

// TestActivity: bytes of either direction are activity; data of the client's is
// what a person does, its pings are not. A refusal is neither.
func TestActivity(t *testing.T) {
	f := echoing(t)
	var seen watcher
	f.change = func(x *Exchange) { x.Activity = &seen }
	c := f.open()
	if seen.touched.Load() != 0 {
		t.Error("opening moves no bytes")
	}
	ping := frame(9, true, true, 1)
	_, _ = c.Write(ping)
	c.take(len(ping))
	eventually(t, "both directions are noted", func() bool { return seen.touched.Load() >= 2 })
	if seen.interacted.Load() != 0 {
		t.Error("a ping is taken for what a person does")
	}
	text := frame(1, true, true, 1)
	_, _ = c.Write(text)
	c.take(len(text))
	eventually(t, "what a person does is noted", func() bool { return seen.interacted.Load() == 1 })

	for answer, want := range map[string]bool{ok("fine"): true, ok(""): true, "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno": false} {
		var seen watcher
		f := newFront(t, answering(t, answer), Options{})
		f.change = func(x *Exchange) { x.Activity = &seen }
		if _, _, err := f.get("GET", "/"); err != nil {
			t.Fatal(err)
		}
		if touched := seen.touched.Load() > 0; touched != want {
			t.Errorf("%q: noted %v", answer, touched)
		}
	}
}
