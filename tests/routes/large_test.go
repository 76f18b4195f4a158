package routes_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// block is what large bodies are made of: making other bytes would take longer
// than moving them.
var block = bytes.Repeat([]byte("0123456789abcdef"), 4<<10)

// endless is a body of blocks.
type endless struct{ at int }

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, block[e.at:])
	e.at = (e.at + n) % len(block)
	return n, nil
}

// checked counts what it is given, and whether it is made of blocks.
type checked struct {
	n     int64
	wrong bool
}

func (c *checked) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		want := block[c.n%int64(len(block)):]
		n := min(len(want), len(rest))
		c.wrong = c.wrong || !bytes.Equal(rest[:n], want[:n])
		c.n += int64(n)
		rest = rest[n:]
	}
	return len(b), nil
}

// TestLarge: bodies take no memory, however large they are. The size in MiB is in
// CADDYHUB_TEST_LARGE; 2048 is what this is about.
func TestLarge(t *testing.T) {
	t.Parallel()
	size := int64(128 << 20)
	if text := os.Getenv("CADDYHUB_TEST_LARGE"); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		size = n << 20
	}
	targets, authority := backs(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Length", fmt.Sprint(size))
			_, _ = io.CopyN(w, new(endless), size)
			return
		}
		var got checked
		_, err := io.Copy(&got, r.Body)
		fmt.Fprintln(w, got.n, got.wrong, err)
	}))
	e := startEdge(t, &edge{Options: "client_ssl_ca " + authority})
	peak := func() int64 { return e.memory("VmHWM") }
	for _, front := range e.fronts() {
		kinds := []string{"http"}
		if front.version == 1 {
			kinds = []string{"http", "https", "h2c", "unix"}
		}
		for _, kind := range kinds {
			path := fmt.Sprintf("/%d/%s", e.Secure, kind)
			e.route(path, targets[kind])
			before := peak()
			var got checked
			response, err := front.client.Get(front.url + path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(&got, response.Body)
			_ = response.Body.Close()
			if err != nil || got.n != size || got.wrong {
				t.Errorf("%s, %s: download of %d bytes, wrong: %v, %v", front.name, kind, got.n, got.wrong, err)
			}
			for _, length := range []int64{size, -1} { // known, and in chunks
				request, err := http.NewRequest(http.MethodPut, front.url+path, io.LimitReader(new(endless), size))
				if err != nil {
					t.Fatal(err)
				}
				request.ContentLength = length
				response, err := front.client.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if want := fmt.Sprintln(size, false, nil); err != nil || string(text) != want {
					t.Errorf("%s, %s: upload: %q, want %q, %v", front.name, kind, text, want, err)
				}
			}
			after := peak()
			t.Logf("%s, %s: %d MiB down and twice up; the most memory so far was %d KiB, before %d", front.name, kind, size>>20, after, before)
			if after > before+64<<10 {
				t.Errorf("%s, %s: memory has grown by %d KiB", front.name, kind, after-before)
			}
		}
	}
}

// memory is a line about memory of the process, in KiB; 0 where there is none.
func (e *edge) memory(name string) int64 {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(e.process.Process.Pid), "status"))
	if err != nil {
		return 0
	}
	found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		return 0
	}
	n, _ := strconv.ParseInt(string(found[1]), 10, 64)
	return n
}
