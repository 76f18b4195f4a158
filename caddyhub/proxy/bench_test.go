package proxy

import (
	"bufio"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// quick is an upstream that answers without reading what it is asked.
func quick(b *testing.B, answer string) *front {
	return newFront(b, upstream(b, func(w *wire) {
		buffer := make([]byte, 4096)
		for {
			if _, err := w.Conn.Read(buffer); err != nil {
				return
			}
			if _, err := io.WriteString(w.Conn, answer); err != nil {
				return
			}
		}
	}), Options{})
}

// silentWriter is a client that costs nothing.
type silentWriter struct{ header http.Header }

func (s *silentWriter) Header() http.Header         { return s.header }
func (s *silentWriter) Write(b []byte) (int, error) { return len(b), nil }
func (s *silentWriter) WriteHeader(int)             {}
func (s *silentWriter) Flush()                      {}

// BenchmarkRoundTrip is what the way to an upstream and back costs, without the
// server in front. The time has that of the upstream in it.
func BenchmarkRoundTrip(b *testing.B) {
	const head = statusOK + "Server: up\r\nDate: Sun, 22 Nov 2026 02:50:29 GMT\r\nContent-Type: application/json\r\nEtag: \"abc\"\r\n"
	for name, size := range map[string]int{"1KB": 1 << 10, "1MiB": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			body := strings.Repeat("x", size)
			f := quick(b, strings.Replace(ok(body), statusOK, head, 1))
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET /user/ada/api/contents HTTP/1.1\r\nHost: h\r\nUser-Agent: Mozilla/5.0\r\nAccept: application/json\r\nAccept-Encoding: gzip, br\r\nAccept-Language: en\r\nCookie: _xsrf=abc; session=def\r\nAuthorization: token xyz\r\nReferer: http://h/lab\r\nSec-Fetch-Mode: cors\r\n\r\n")))
			if err != nil {
				b.Fatal(err)
			}
			x := &Exchange{Target: f.to, Header: []Field{{"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "h"}}}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := f.Serve(&silentWriter{make(http.Header)}, r, x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEcho is a small message there and back through a WebSocket, both ends
// and the upstream included.
func BenchmarkEcho(b *testing.B) {
	c := echoing(b).open()
	message := frame(2, true, true, 32)
	answer := make([]byte, len(message))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(message); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c.Reader, answer); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdle opens WebSockets and says what each takes in this process, with
// the two ends of its client and the two of its upstream, when it is idle.
func BenchmarkIdle(b *testing.B) {
	f := newFront(b, upstream(b, func(w *wire) {
		if _, err := w.head(); err == nil {
			w.send(handshake)
			w.Reader = nil
			_, _ = w.Conn.Read(make([]byte, 1))
		}
	}), Options{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var sockets []*wire
	for b.Loop() {
		if c := f.open(); len(sockets) < 2000 {
			sockets = append(sockets, &wire{Conn: c.Conn})
		} else {
			c.Close()
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/float64(len(sockets)), "bytes/socket")
	runtime.KeepAlive(sockets)
}
