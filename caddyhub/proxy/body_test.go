package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http/httputil"
	"strings"
	"testing"
)

// recorded is a connection that has nothing but what was recorded, in pieces.
type recorded struct {
	net.Conn
	rest []byte
	step int
}

func (r *recorded) Read(b []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.rest[:min(r.step, len(r.rest))])
	r.rest = r.rest[n:]
	return n, nil
}

// chunks reads a body in chunks, and what is behind it.
func chunks(stream []byte, step int) (text, behind string, err error) {
	c := &call{proxy: New(Options{}), conn: &conn{Conn: &recorded{rest: stream, step: step}}, body: body{chunked: true}}
	c.conn.borrow()
	defer c.conn.release()
	var all strings.Builder
	for {
		piece, err := c.piece()
		if errors.Is(err, io.EOF) {
			rest, _ := io.ReadAll(c.conn.Conn)
			return all.String(), string(c.conn.unread()) + string(rest), nil
		}
		if err != nil {
			return all.String(), "", err
		}
		all.Write(piece)
	}
}

// FuzzChunks: what this package takes for a body in chunks, net/http takes for the
// same, and in whatever pieces it comes makes no difference.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\nrest"), uint8(3))
	f.Add([]byte("5;x=y\r\nhello\r\n00\r\nX: y\r\n\r\n"), uint8(200))
	f.Add([]byte("5\nhello\n0\n\n"), uint8(1))
	f.Add([]byte("fffffffffffffff\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		body, behind, err := chunks(stream, len(stream)+1)
		pieces, behindPieces, errPieces := chunks(stream, int(step)+1)
		if body != pieces || behind != behindPieces || (err == nil) != (errPieces == nil) {
			t.Fatalf("%q: %q %q %v, in pieces of %d: %q %q %v", stream, body, behind, err, step+1, pieces, behindPieces, errPieces)
		}
		if err != nil {
			return
		}
		other, err := io.ReadAll(httputil.NewChunkedReader(bufio.NewReader(bytes.NewReader(stream))))
		if err != nil || string(other) != body {
			t.Fatalf("%q: %q, to net/http %q, %v", stream, body, other, err)
		}
	})
}
