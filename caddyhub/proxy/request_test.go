package proxy

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRequestOnTheWire: what the upstream gets, to the byte.
func TestRequestOnTheWire(t *testing.T) {
	heads := make(chan string, 1)
	to := upstream(t, func(w *wire) {
		for {
			head, err := w.head()
			if err != nil {
				return
			}
			heads <- head
			w.send(ok(""))
		}
	})
	f := newFront(t, to, Options{})
	for name, test := range map[string]struct {
		sent   string
		change func(*Exchange)
		// want are the first line and the sorted rest.
		want []string
	}{
		"as it is": {
			sent: "GET /user/ada/a%2Fb%20|x?q=%41&&{y} HTTP/1.1\r\nHost: Hub.Example:80\r\nUser-Agent: me\r\nX-Two: 1\r\nX-Two: 2\r\nAccept-Encoding: br\r\n",
			want: []string{"GET /user/ada/a%2Fb%20|x?q=%41&&{y} HTTP/1.1", "Accept-Encoding: br", "Host: Hub.Example:80", "User-Agent: me", "X-Two: 1", "X-Two: 2"},
		},
		"hop by hop": {
			sent: "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Named\r\nX-Named: no\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers, deflate\r\nProxy-Authorization: x\r\nUpgrade: h2c\r\nTrailer: X\r\nAlt-Svc: x\r\nX-Kept: yes\r\n",
			want: []string{"GET / HTTP/1.1", "Host: h", "TE: trailers", "X-Kept: yes"},
		},
		"fields of ours": {
			sent: "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\nX-Gone: x\r\nConnection: X-Forwarded-For\r\n",
			change: func(x *Exchange) {
				x.Header = []Field{{"X-Forwarded-For", "192.0.2.1"}, {"X-Gone", ""}, {"X-New", "a\r\nb"}}
			},
			want: []string{"GET / HTTP/1.1", "Host: h", "X-Forwarded-For: 192.0.2.1", "X-New: a  b"},
		},
		"another target and host": {
			sent:   "GET /x HTTP/1.1\r\nHost: h\r\n",
			change: func(x *Exchange) { x.RequestURI, x.Host = "/y?z", "other:1" },
			want:   []string{"GET /y?z HTTP/1.1", "Host: other:1"},
		},
		"absolute form": {
			sent: "GET http://h/a%2fb?x HTTP/1.1\r\nHost: h\r\n",
			want: []string{"GET /a%2fb?x HTTP/1.1", "Host: h"},
		},
		"empty upload": {sent: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n", want: []string{"POST / HTTP/1.1", "Content-Length: 0", "Host: h"}},
		"no upload":    {sent: "PUT / HTTP/1.1\r\nHost: h\r\n", want: []string{"PUT / HTTP/1.1", "Content-Length: 0", "Host: h"}},
		"DELETE":       {sent: "DELETE / HTTP/1.1\r\nHost: h\r\n", want: []string{"DELETE / HTTP/1.1", "Host: h"}},
	} {
		f.change = test.change
		c := f.dial()
		c.send(test.sent + "\r\n")
		if _, _, err := c.answer("GET"); err != nil {
			t.Fatalf("%s: %v, %v", name, err, f.failed())
		}
		lines := strings.Split(strings.TrimSuffix(<-heads, "\r\n\r\n"), "\r\n")
		slices.Sort(lines[1:])
		if diff := cmp.Diff(test.want, lines); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		c.Close()
	}
}

// TestUnsendable: what would end a line early is refused before anything is sent.
func TestUnsendable(t *testing.T) {
	f := newFront(t, upstream(t, func(w *wire) { t.Error("something was sent") }), Options{})
	for _, target := range []string{"/a b", "/a\r\nX: y", "/\x7f", "/\x00"} {
		f.change = func(x *Exchange) { x.RequestURI = target }
		response, _, err := f.get("GET", "/")
		if err != nil || response.StatusCode != 502 {
			t.Fatal(response, err)
		}
		if err := f.failed(); !isRequest(err) {
			t.Errorf("%q: %v", target, err)
		}
	}
}

// TestBodiesOnTheWire: bodies arrive whole, framed by what was understood.
func TestBodiesOnTheWire(t *testing.T) {
	long := strings.Repeat("0123456789", 50_000)
	for name, test := range map[string]struct{ head, body, framing, want string }{
		"small": {"Content-Length: 5\r\n", "hello", "Content-Length: 5", "hello"},
		"long":  {"Content-Length: 500000\r\n", long, "Content-Length: 500000", long},
		"chunks": {
			"Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n", "Transfer-Encoding: chunked", "hello!",
		},
		"chunks, whatever length": {
			"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked", "hello",
		},
		"chunks with a trailer": {
			"Transfer-Encoding: chunked\r\nTrailer: X-Sum, Authorization\r\n",
			"5\r\nhello\r\n0\r\nX-Sum: 42\r\nAuthorization: token x\r\n\r\n", "Transfer-Encoding: chunked", "hello X-Sum: 42",
		},
	} {
		got := make(chan string, 1)
		to := upstream(t, func(w *wire) {
			head, err := w.head()
			if err != nil {
				return
			}
			body, err := readBody(w, head)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if strings.Count(head, "Content-Length")+strings.Count(head, "Transfer-Encoding") != 1 || !strings.Contains(head, "\r\n"+test.framing+"\r\n") {
				t.Errorf("%s: framed by %q", name, head)
			}
			got <- body
			w.send(ok("done"))
		})
		f := newFront(t, to, Options{})
		c := f.dial()
		c.send("POST / HTTP/1.1\r\nHost: h\r\n" + test.head + "\r\n" + test.body)
		if _, body, err := c.answer("POST"); err != nil || body != "done" {
			t.Errorf("%s: answer %q, %v, %v", name, body, err, f.failed())
			continue
		}
		if body := <-got; body != test.want {
			t.Errorf("%s: %d bytes %.60q, want %d", name, len(body), body, len(test.want))
		}
	}
}
