package proxy

import (
	"net/http"
	"strings"
	"testing"
)

// TestNextRequest: what is left of an upload whose answer came early is not taken
// for the next request, nor does the next one find the last one's reader.
func TestNextRequest(t *testing.T) {
	const next = "POST /next HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n"
	for name, first := range map[string]string{
		"known length": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 110\r\n\r\nbeginning!",
		"chunks":       "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
		"expects":      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n",
	} {
		rest := strings.Repeat("x", 100)
		if name == "chunks" {
			rest = "64\r\n" + rest + "\r\n0\r\n\r\n"
		}
		f := newFront(t, upstream(t, func(w *wire) {
			for head, err := w.head(); err == nil; head, err = w.head() {
				if strings.Contains(head, "/next") {
					t.Errorf("%s: %q", name, head)
				}
				w.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!")
			}
		}), Options{})
		for range 20 {
			c := f.dial()
			c.send(first)
			response, body, err := c.answer("POST")
			if err != nil || response.StatusCode != http.StatusForbidden || body != "no!" || !response.Close {
				t.Fatalf("%s: %v %q %v %v", name, response, body, err, f.failed())
			}
			_, _ = c.Conn.Write([]byte(rest + next + "beginning")) // the connection may be closed
			if all, _ := c.rest(); all != "" {
				t.Errorf("%s: a second answer: %q", name, all)
			}
			c.Close()
		}
	}
}

// TestUnanswered: an upload that has arrived, and for which there is no answer, is
// answered by us.
func TestUnanswered(t *testing.T) {
	f := newFront(t, upstream(t, func(w *wire) {
		if head, err := w.head(); err == nil {
			_, _ = readBody(w, head)
		}
	}), Options{})
	for _, head := range []string{"Content-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000), "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"} {
		for range 20 {
			c := f.dial()
			c.send("POST / HTTP/1.1\r\nHost: h\r\n" + head)
			if response, _, err := c.answer("POST"); err != nil || response.StatusCode != http.StatusBadGateway || f.failed() == nil {
				t.Fatalf("%v, %v", response, err)
			}
			c.Close()
		}
	}
}
