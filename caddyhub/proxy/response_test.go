package proxy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const statusOK = "HTTP/1.1 200 OK\r\n"

// hostile are heads that different readers understand differently, or that are
// no HTTP at all.
var hostile = map[string]string{
	"two lengths":             statusOK + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
	"a list of lengths":       statusOK + "Content-Length: 5, 5\r\n\r\n",
	"a signed length":         statusOK + "Content-Length: +5\r\n\r\n",
	"a negative length":       statusOK + "Content-Length: -5\r\n\r\n",
	"a hexadecimal length":    statusOK + "Content-Length: 0x5\r\n\r\n",
	"an empty length":         statusOK + "Content-Length:\r\n\r\n",
	"an overflowing length":   statusOK + "Content-Length: 9223372036854775808\r\n\r\n",
	"a length and chunks":     statusOK + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	"chunks and a length":     statusOK + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
	"chunks twice":            statusOK + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	"gzip, chunked":           statusOK + "Transfer-Encoding: gzip, chunked\r\n\r\n",
	"identity":                statusOK + "Transfer-Encoding: identity\r\n\r\n",
	"xchunked":                statusOK + "Transfer-Encoding: xchunked\r\n\r\n",
	"chunks in HTTP/1.0":      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	"a folded line":           statusOK + "X-A: a\r\n b\r\n\r\n",
	"a space before a colon":  statusOK + "Content-Length : 5\r\n\r\n",
	"a space before a name":   statusOK + " Content-Length: 5\r\n\r\n",
	"no colon":                statusOK + "Content-Length 5\r\n\r\n",
	"no name":                 statusOK + ": 5\r\n\r\n",
	"a bare LF":               statusOK + "X-A: a\nContent-Length: 5\r\n\r\n",
	"a bare CR":               statusOK + "X-A: a\rContent-Length: 5\r\n\r\n",
	"a NUL":                   statusOK + "X-A: a\x00b\r\n\r\n",
	"a name with a NUL":       statusOK + "X\x00A: a\r\n\r\n",
	"another protocol":        "ICY 200 OK\r\n\r\n",
	"another version":         "HTTP/2.0 200 OK\r\n\r\n",
	"a long version":          "HTTP/1.11 200 OK\r\n\r\n",
	"a short status":          "HTTP/1.1 20 OK\r\n\r\n",
	"a long status":           "HTTP/1.1 2000 OK\r\n\r\n",
	"a low status":            "HTTP/1.1 099 OK\r\n\r\n",
	"a signed status":         "HTTP/1.1 +20 OK\r\n\r\n",
	"two spaces":              "HTTP/1.1  200 OK\r\n\r\n",
	"a CR in the status line": "HTTP/1.1 200 O\rK\r\n\r\n",
	"many fields":             statusOK + strings.Repeat("X: y\r\n", maxFields+1) + "\r\n",
}

func TestHostileHeads(t *testing.T) {
	for name, head := range hostile {
		if err := new(response).parse(head); !errors.Is(err, ErrMalformed) || !errors.Is(err, ErrUpstream) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHeads(t *testing.T) {
	for head, want := range map[string]response{
		"HTTP/1.1 200\r\n\r\n":              {status: 200, length: -1, keeps: true},
		"HTTP/1.1 200 \r\n\r\n":             {status: 200, length: -1, keeps: true},
		"HTTP/1.0 404 Gone fishing\r\n\r\n": {status: 404, length: -1},
		statusOK + "content-length:7\r\n\r\n": {
			status: 200, length: 7, keeps: true, fields: []Field{{"Content-Length", "7"}},
		},
		statusOK + "Content-Length: 7\r\nContent-Length: 7 \r\n\r\n": {
			status: 200, length: 7, keeps: true, fields: []Field{{"Content-Length", "7"}, {"Content-Length", "7"}},
		},
		statusOK + "Transfer-Encoding:\tChunked\t\r\nConnection: keep-alive, Close\r\n\r\n": {
			status: 200, length: -1, chunked: true, fields: []Field{{"Transfer-Encoding", "Chunked"}, {"Connection", "keep-alive, Close"}},
		},
		statusOK + "x-\xc3\xa4: no\r\n\r\n": {},
		statusOK + "X-Text: gr\xfc\xdfe\r\nX-Empty: \r\n\r\n": {
			status: 200, length: -1, keeps: true, fields: []Field{{"X-Text", "gr\xfc\xdfe"}, {"X-Empty", ""}},
		},
	} {
		var got response
		err := got.parse(head)
		if (err == nil) != (want.status != 0) {
			t.Errorf("%q: %v", head, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(response{}), cmp.FilterPath(func(p cmp.Path) bool {
			return p.Last().String() == ".fields" && len(want.fields) == 0
		}, cmp.Ignore())); err == nil && diff != "" {
			t.Errorf("%q: %s", head, diff)
		}
	}
}

func TestChunkSizes(t *testing.T) {
	for line, want := range map[string]int64{
		"0": 0, "00": 0, "a": 10, "FfF": 0xfff, "10 ": 16, "5;name=value": 5, "5 ;x": 5, "7fffffffffffff": 0x7fffffffffffff,
		"": -1, " 5": -1, "5 5": -1, "+5": -1, "-5": -1, "0x5": -1, "g": -1, "5\n": -1, "5\r": -1, "5;\x00": -1,
		"1234567890abcdef": -1, ";x": -1, "5,5": -1, "_5": -1,
	} {
		got, err := chunkSize(line)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, want %d", line, got, want)
		}
	}
}

func FuzzHead(f *testing.F) {
	for _, head := range hostile {
		f.Add(head)
	}
	f.Add(statusOK + "Content-Length: 5\r\nConnection: close\r\nTrailer: X\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		n := headLength([]byte(text), 0)
		if n == 0 {
			return
		}
		var h response
		if err := h.parse(text[:n]); err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if h.chunked && h.length >= 0 || h.status < 100 || h.status > 999 || len(h.fields) > maxFields {
			t.Fatalf("%q: %+v", text, h)
		}
		for _, field := range h.fields {
			if !isToken(field.Name) || strings.ContainsAny(field.Value, "\r\n\x00") {
				t.Fatalf("%q: field %q", text, field)
			}
		}
	})
}
