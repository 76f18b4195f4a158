package proxy

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestEvents: what has come of an answer is sent before more of it is there,
// whatever frames it.
func TestEvents(t *testing.T) {
	for name, test := range map[string]struct{ head, piece, end, want string }{
		"chunks":       {statusOK + "Transfer-Encoding: chunked\r\n\r\n", "5\r\nevent\r\n", "0\r\n\r\n", "5\r\nevent\r\n"},
		"known length": {statusOK + "Content-Length: 10\r\n\r\n", "event", "", "event"},
		"no length":    {statusOK + "\r\n", "event", "", "5\r\nevent\r\n"},
	} {
		next := make(chan string)
		f := newFront(t, upstream(t, func(w *wire) {
			if _, err := w.head(); err != nil {
				return
			}
			for piece := range next {
				w.send(piece)
			}
		}), Options{})
		c := f.dial()
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		next <- test.head
		if head := c.wantHead(); !strings.HasPrefix(head, "HTTP/1.1 200") {
			t.Errorf("%s: %q", name, head)
		}
		for range 2 {
			next <- test.piece
			if got := c.take(len(test.want)); got != test.want {
				t.Errorf("%s: %q", name, got)
			}
		}
		next <- test.end
		close(next)
	}
}

// TestUploadStreams: what has come of an upload is sent before more of it is there.
func TestUploadStreams(t *testing.T) {
	for name, test := range map[string]struct{ head, piece, want, end string }{
		"chunks":       {"Transfer-Encoding: chunked\r\n", "5\r\npiece\r\n", "5\r\npiece\r\n", "0\r\n\r\n"},
		"known length": {"Content-Length: 15\r\n", "piece", "piece", "piece"},
	} {
		pieces := make(chan string)
		f := newFront(t, upstream(t, func(w *wire) {
			if _, err := w.head(); err != nil {
				return
			}
			for range 2 {
				pieces <- w.take(len(test.want))
			}
			pieces <- w.take(len(test.end))
			w.send(ok("done"))
		}), Options{})
		c := f.dial()
		c.send("POST / HTTP/1.1\r\nHost: h\r\n" + test.head + "\r\n")
		for range 2 {
			c.send(test.piece)
			if got := <-pieces; got != test.want {
				t.Errorf("%s: %q", name, got)
			}
		}
		c.send(test.end)
		if got := <-pieces; got != test.end {
			t.Errorf("%s: ends with %q", name, got)
		}
		if _, body, err := c.answer("POST"); err != nil || body != "done" {
			t.Errorf("%s: %q, %v", name, body, err)
		}
	}
}

// TestEarlyAnswer: an upstream may answer before it has seen all of an upload, and
// both sides go on from there as they like.
func TestEarlyAnswer(t *testing.T) {
	for name, serve := range map[string]func(*wire){
		"and closes": func(w *wire) { w.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!") },
		"and reads on": func(w *wire) {
			w.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!")
			_, _ = w.rest()
		},
	} {
		f := newFront(t, upstream(t, func(w *wire) {
			if _, err := w.head(); err == nil {
				serve(w)
			}
		}), Options{})
		c := f.dial()
		c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\nthe beginning")
		response, body, err := c.answer("POST")
		if err != nil || response.StatusCode != http.StatusRequestEntityTooLarge || body != "no!" {
			t.Errorf("%s: %v %q %v %v", name, response, body, err, f.failed())
		}
		eventually(t, "the connection is not kept", func() bool { return f.kept() == 0 })
	}
}

// TestBothWays: an answer may go on while the upload does.
func TestBothWays(t *testing.T) {
	f := newFront(t, upstream(t, func(w *wire) {
		if _, err := w.head(); err != nil {
			return
		}
		w.send(statusOK + "Transfer-Encoding: chunked\r\n\r\n")
		for range 3 {
			w.send(w.take(len("1\r\nx\r\n")))
		}
		w.send(w.take(len("0\r\n\r\n")))
	}), Options{})
	c := f.dial()
	c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
	c.send("1\r\na\r\n")
	c.wantHead()
	for _, piece := range []string{"a", "b", "c"} {
		if piece != "a" {
			c.send("1\r\n" + piece + "\r\n")
		}
		if got := c.take(6); got != "1\r\n"+piece+"\r\n" {
			t.Errorf("%q", got)
		}
	}
	c.send("0\r\n\r\n")
	if got := c.take(5); got != "0\r\n\r\n" {
		t.Errorf("ends with %q", got)
	}
}

// TestExpect: the client is asked for the body when the upstream asks, and not if
// it refuses.
func TestExpect(t *testing.T) {
	const request = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
	asks := newFront(t, upstream(t, func(w *wire) {
		if head, err := w.head(); err != nil || !strings.Contains(head, "Expect: 100-continue\r\n") {
			t.Errorf("%q, %v", head, err)
			return
		}
		w.send("HTTP/1.1 100 Continue\r\n\r\n")
		w.send(ok(w.take(5)))
	}), Options{})
	c := asks.dial()
	c.send(request)
	if head := c.wantHead(); head != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Errorf("%q", head)
	}
	c.send("hello")
	if _, body, err := c.answer("POST"); err != nil || body != "hello" {
		t.Errorf("%q, %v", body, err)
	}
	refuses := newFront(t, upstream(t, func(w *wire) {
		if _, err := w.head(); err != nil {
			return
		}
		w.send("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
		if rest, _ := w.rest(); rest != "" {
			t.Errorf("a body that was refused: %q", rest)
		}
	}), Options{})
	c = refuses.dial()
	c.send(request)
	if head := c.wantHead(); !strings.HasPrefix(head, "HTTP/1.1 417 ") {
		t.Errorf("%q", head)
	}
	silent := newFront(t, upstream(t, func(w *wire) {
		if _, err := w.head(); err == nil {
			w.send(ok(w.take(5)))
		}
	}), Options{})
	c = silent.dial()
	c.send(request)
	if head := c.wantHead(); head != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Errorf("of an upstream that does not know it: %q", head)
	}
	c.send("hello")
	if _, body, err := c.answer("POST"); err != nil || body != "hello" {
		t.Errorf("%q, %v", body, err)
	}
}

// TestSlowUpload: an upstream that listens is not silent.
func TestSlowUpload(t *testing.T) {
	f := newFront(t, upstream(t, func(w *wire) {
		if head, err := w.head(); err == nil {
			body, err := readBody(w, head)
			if err != nil {
				t.Error(err)
			}
			w.send(ok(body))
		}
	}), Options{ResponseTimeout: 700 * time.Millisecond})
	source, sink := io.Pipe()
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for range 8 {
			_, _ = io.WriteString(sink, "x")
			<-tick.C
		}
		sink.Close()
	}()
	response, err := http.Post(f.URL, "text/plain", source)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "xxxxxxxx" {
		t.Errorf("%q, %v, %v", body, err, f.failed())
	}
}

// TestLarge: 64 MiB each way, byte for byte, over one connection.
func TestLarge(t *testing.T) {
	const size = 64 << 20
	f := newFront(t, upstream(t, func(w *wire) {
		head, err := w.head()
		if err != nil {
			return
		}
		request, err := http.ReadRequest(newReader(head, w))
		if err != nil {
			t.Error(err)
			return
		}
		w.send(statusOK + "Content-Length: 67108864\r\n\r\n")
		if n, err := io.Copy(w.Conn, request.Body); n != size || err != nil {
			t.Errorf("the upstream got %d bytes, %v", n, err)
		}
	}), Options{})
	response, err := http.Post(f.URL, "application/octet-stream", io.LimitReader(new(counter), size))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var want, got counter
	buffer, expected := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, err := response.Body.Read(buffer)
		_, _ = want.Read(expected[:n])
		if string(buffer[:n]) != string(expected[:n]) {
			t.Fatalf("other bytes after %d", got)
		}
		if got += counter(n); err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got != size {
		t.Errorf("%d bytes", got)
	}
}

// counter is a source of bytes that all differ from their neighbours.
type counter int64

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(*c ^ *c>>8 ^ *c>>16)
		*c++
	}
	return len(b), nil
}
