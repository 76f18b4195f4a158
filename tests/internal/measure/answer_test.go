package measure

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReadAnswer(t *testing.T) {
	for _, test := range []struct {
		name, text string
		status     int
		length     int64
		err        error
	}{
		{"length", "HTTP/1.1 200 OK\r\ncontent-LENGTH: 3\r\n\r\nabc", 200, 41, nil},
		{"none", "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", 204, 33, nil},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, 60, nil},
		{"short", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", 200, 0, io.ErrUnexpectedEOF},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 200, 0, errAnswer},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 200, 0, errAnswer},
		{"something else", "SSH-2.0-OpenSSH_9.2\r\n", 0, 0, errAnswer},
		{"nothing", "", 0, 0, io.EOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := bufio.NewReader(strings.NewReader(test.text + "HTTP/1.1 418 next"))
			if test.err != nil {
				r = bufio.NewReader(strings.NewReader(test.text))
			}
			status, length, err := readAnswer(r)
			if !errors.Is(err, test.err) || status != test.status || test.err == nil && length != test.length {
				t.Fatalf("%d, %d bytes, %v; want %d, %d, %v", status, length, err, test.status, test.length, test.err)
			}
			if test.err != nil {
				return
			}
			if rest, _ := io.ReadAll(r); string(rest) != "HTTP/1.1 418 next" {
				t.Errorf("what follows the answer is %q", rest)
			}
		})
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, length, err := readAnswer(bufio.NewReader(strings.NewReader(text)))
		// Lines may end without a carriage return, which is counted all the same.
		if err == nil && length > int64(len(text)+strings.Count(text, "\n")) {
			t.Errorf("%d bytes of an answer in %q", length, text)
		}
	})
}
