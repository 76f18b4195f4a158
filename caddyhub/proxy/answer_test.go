package proxy

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnswers: what the client gets of an answer, to the byte but for the order of
// fields, and whether the connection can be used again.
func TestAnswers(t *testing.T) {
	long := strings.Repeat("0123456789", 30_000)
	for name, test := range map[string]struct {
		method, answer string
		status         int
		body           string
		fields         map[string]string
	}{
		"known length": {"GET", ok("hello"), 200, "hello", map[string]string{"Content-Length": "5", "Content-Type": "", "Server": ""}},
		"long":         {"GET", ok(long), 200, long, nil},
		"about itself": {
			"GET", "HTTP/1.1 418 Teapot\r\nServer: up\r\nDate: Sun, 22 Nov 2026 02:50:29 GMT\r\nContent-Length: 0\r\nVia: 1.1 x\r\n\r\n", 418, "",
			map[string]string{"Server": "up", "Date": "Sun, 22 Nov 2026 02:50:29 GMT", "Via": "1.1 x"},
		},
		"hop by hop": {
			"GET", "HTTP/1.1 200 OK\r\nConnection: X-Named\r\nX-Named: no\r\nKeep-Alive: timeout=5\r\nAlt-Svc: h3\r\nProxy-Authenticate: x\r\nUpgrade: h2c\r\nContent-Length: 0\r\nX-Kept: yes\r\n\r\n", 200, "",
			map[string]string{"X-Kept": "yes", "X-Named": "", "Keep-Alive": "", "Alt-Svc": "", "Upgrade": "", "Proxy-Authenticate": ""},
		},
		"chunks":       {"GET", statusOK + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n", 200, "abcde", nil},
		"no chunks":    {"GET", statusOK + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "", nil},
		"HEAD":         {"HEAD", statusOK + "Content-Length: 500\r\n\r\n", 200, "", map[string]string{"Content-Length": "500"}},
		"HEAD, chunks": {"HEAD", statusOK + "Transfer-Encoding: chunked\r\n\r\n", 200, "", nil},
		"204":          {"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204, "", map[string]string{"Content-Length": ""}},
		"304":          {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nEtag: x\r\n\r\n", 304, "", map[string]string{"Etag": "x"}},
		"a trailer":    {"GET", statusOK + "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: 42\r\nSet-Cookie: no\r\n\r\n", 200, "a", map[string]string{"trailer X-Sum": "42", "trailer Set-Cookie": ""}},
		"unannounced":  {"GET", statusOK + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 42\r\n\r\n", 200, "a", map[string]string{"trailer X-Sum": "42"}},
		"many of a kind": {
			"GET", statusOK + "Content-Length: 0\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n", 200, "", map[string]string{"Set-Cookie": "a=1|b=2"},
		},
		"a large head": {"GET", statusOK + "X-Large: " + strings.Repeat("x", 200_000) + "\r\nContent-Length: 1\r\n\r\n!", 200, "!", nil},
	} {
		f := newFront(t, answering(t, test.answer), Options{})
		for range 2 { // the second time over the same connection
			response, body, err := f.get(test.method, "/")
			if err != nil || response.StatusCode != test.status || body != test.body {
				t.Fatalf("%s: %v %d bytes %.50q, %v, %v", name, response, len(body), body, err, f.failed())
			}
			got := map[string]string{}
			for field := range test.fields {
				from, key := response.Header, field
				if of, ok := strings.CutPrefix(field, "trailer "); ok {
					from, key = response.Trailer, of
				}
				got[field] = strings.Join(from[key], "|")
			}
			if diff := cmp.Diff(test.fields, got); test.fields != nil && diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		eventually(t, name+": the connection is kept", func() bool { return f.kept() == 1 })
	}
}

// TestUntilTheEnd: a body may end with the connection, which then is not kept.
func TestUntilTheEnd(t *testing.T) {
	for _, head := range []string{"HTTP/1.0 200 OK\r\n\r\n", statusOK + "\r\n", statusOK + "Connection: close\r\nContent-Length: 5\r\n\r\n"} {
		f := newFront(t, upstream(t, func(w *wire) {
			if _, err := w.head(); err == nil {
				w.send(head + "hello")
			}
		}), Options{})
		if _, body, err := f.get("GET", "/"); err != nil || body != "hello" {
			t.Errorf("%q: %q, %v", head, body, err)
		}
		if n := f.kept(); n > 0 {
			t.Errorf("%q: the connection is kept", head)
		}
	}
}

// TestHostileAnswers: nothing of an answer that could be understood in two ways
// reaches the client, and the connection is not used again.
func TestHostileAnswers(t *testing.T) {
	answers := map[string]string{
		"no HTTP":             "SSH-2.0-OpenSSH\r\n\r\n",
		"an endless head":     statusOK + strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 300),
		"a cut head":          statusOK + "X-A: ",
		"101 unasked":         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"no end of promises":  strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 100),
		"nothing but a break": "\r\n\r\n",
	}
	for name, head := range hostile {
		answers[name] = head
	}
	for name, answer := range answers {
		f := newFront(t, upstream(t, func(w *wire) {
			if _, err := w.head(); err == nil {
				_, _ = io.WriteString(w.Conn, answer)
			}
		}), Options{})
		response, body, err := f.get("GET", "/")
		if err != nil || response.StatusCode != 502 || len(response.Header["X-A"]) > 0 || !errors.Is(f.failed(), ErrMalformed) {
			t.Errorf("%s: %v %q, %v", name, response, body, err)
		}
		if n := f.kept(); n > 0 {
			t.Errorf("%s: the connection is kept", name)
		}
	}
}

// TestBrokenBodies: an answer that ends early is not a complete one to the client.
func TestBrokenBodies(t *testing.T) {
	chunked := statusOK + "Transfer-Encoding: chunked\r\n\r\n"
	for name, answer := range map[string]string{
		"short":            statusOK + "Content-Length: 10\r\n\r\nhello",
		"nothing":          statusOK + "Content-Length: 10\r\n\r\n",
		"no last chunk":    chunked + "5\r\nhello\r\n",
		"half a chunk":     chunked + "5\r\nhel",
		"half a size":      chunked + "5",
		"no end of chunk":  chunked + "5\r\nhelloX\r\n0\r\n\r\n",
		"a bad size":       chunked + "5\r\nhello\r\nzz\r\n",
		"a bare LF":        chunked + "5\nhello\r\n0\r\n\r\n",
		"an endless line":  chunked + "5;" + strings.Repeat("x", 2*maxChunkLine) + "\r\nhello\r\n0\r\n\r\n",
		"a bad trailer":    chunked + "5\r\nhello\r\n0\r\nX Y: z\r\n\r\n",
		"no end after all": chunked + "5\r\nhello\r\n0\r\nX: y\r\n",
	} {
		f := newFront(t, upstream(t, func(w *wire) {
			if _, err := w.head(); err == nil {
				_, _ = io.WriteString(w.Conn, answer)
			}
		}), Options{})
		response, body, err := f.get("GET", "/")
		if err == nil {
			t.Errorf("%s: complete: %v %q", name, response, body)
		}
		if n := f.kept(); n > 0 || f.failed() != nil {
			t.Errorf("%s: kept, or answered twice", name)
		}
	}
}

// TestInformational: early hints are passed on, each with its own fields.
func TestInformational(t *testing.T) {
	f := newFront(t, answering(t, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n"+ok("done")), Options{})
	c := f.dial()
	c.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	first, second := c.wantHead(), c.wantHead()
	last, err := c.rest()
	if !strings.HasPrefix(first, "HTTP/1.1 103 ") || !strings.Contains(first, "Link: </a>\r\n") ||
		!strings.Contains(second, "Link: </b>\r\n") || strings.Contains(second, "</a>") ||
		!strings.HasPrefix(last, "HTTP/1.1 200 ") || strings.Contains(last, "Link") || !strings.HasSuffix(last, "done") || err != nil {
		t.Errorf("%q, %q, %q, %v", first, second, last, err)
	}
	old := f.dial()
	old.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n")
	if all, err := old.rest(); err != nil || strings.Contains(all, "103") || !strings.HasSuffix(all, "done") {
		t.Errorf("to HTTP/1.0: %q, %v", all, err)
	}
}
