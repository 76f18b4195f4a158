package sockets_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// Close frames of a server: 1008, and 1001.
const (
	policyViolation = "\x88\x02\x03\xf0"
	goingAway       = "\x88\x02\x03\xe9"
)

// TestStreams: a stream of HTTP/2 or 3 is as good a WebSocket as a connection.
func TestStreams(t *testing.T) {
	t.Parallel()
	h := start(t, hubtest.Options{})
	for name, connect := range versions {
		t.Run(name, func(t *testing.T) {
			c := connect(t, h)
			t.Run("Frames", func(t *testing.T) { testFrames(t, h, c) })
			t.Run("Refused", func(t *testing.T) { testRefused(t, h, c) })
			t.Run("HalfClosed", func(t *testing.T) { testHalfClosed(t, h, c) })
			t.Run("SessionEnds", func(t *testing.T) { testSessionEnds(t, h, c) })
		})
	}
}

// testFrames: text, pings, large messages, and many sockets in one connection.
func testFrames(t *testing.T, h *hub, c connection) {
	var sockets []*socket
	for range 20 {
		sockets = append(sockets, h.mustOpen(t, c, below+"ws"))
	}
	var group sync.WaitGroup
	for _, s := range sockets {
		group.Go(func() {
			for _, sent := range [][]byte{frame(1, 5), frame(9, 0), frame(9, 125), frame(2, 512-6), frame(2, 100_000), frame(1, 1)} {
				if err := s.echo(sent); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := sockets[0].echo(frame(2, 16<<20)); err != nil {
		t.Error(err)
	}
}

// testRefused: the gate decides as it does about any WebSocket.
func testRefused(t *testing.T, h *hub, c connection) {
	for name, test := range map[string]struct {
		name, value string
		want        int
	}{
		"another origin": {"Origin", "https://evil.example.com", http.StatusForbidden},
		"no origin":      {"Origin", "", http.StatusForbidden},
		"another site":   {"Sec-Fetch-Site", "cross-site", http.StatusForbidden},
		"nobody":         {"Cookie", "", http.StatusUnauthorized},
	} {
		s, status, err := h.open(t, c, below+"ws", test.name, test.value)
		if err != nil {
			t.Fatal(err)
		}
		if body := s.ends(); status != test.want || !strings.Contains(body, "login_url") {
			t.Errorf("%s: %d, want %d: %q", name, status, test.want, body)
		}
	}
}

// testHalfClosed: what ends one direction leaves the other.
func testHalfClosed(t *testing.T, h *hub, c connection) {
	s := h.mustOpen(t, c, below+"goodbye")
	if _, err := s.Write([]byte("bye")); err != nil {
		t.Fatal(err)
	}
	if err := s.PipeWriter.Close(); err != nil {
		t.Fatal(err)
	}
	if got := s.ends(); got != `heard "bye"` {
		t.Errorf("after the client's end: %q", got)
	}
}

// TestDeaf: an upstream that does not read holds up nobody but its own stream, and
// neither does a client.
func TestDeaf(t *testing.T) {
	t.Parallel()
	h := start(t, hubtest.Options{})
	c := overHTTP2(t, h)
	deaf, silent, lively := h.mustOpen(t, c, below+"deaf"), h.mustOpen(t, c, below+"ws"), h.mustOpen(t, c, below+"ws")
	for _, stuck := range []*socket{deaf, silent} {
		go func() { _, _ = stuck.Write(frame(2, 16<<20)) }() // and nothing is read of it, or of what comes back
	}
	for range 10 {
		if err := lively.echo(frame(2, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
}

// testSessionEnds: the right to a socket is looked at while it is open.
func testSessionEnds(t *testing.T, h *hub, c connection) {
	s := h.mustOpen(t, c, below+"ws")
	if err := s.echo(frame(1, 3)); err != nil {
		t.Fatal(err)
	}
	got := h.ada.Do(http.MethodGet, "/hub/logout", nil, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")
	if got.Status >= 400 {
		t.Fatalf("logout: %s", got)
	}
	if got := s.ends(); got != policyViolation {
		t.Errorf("at logout the client gets %x", got)
	}
	h.ada = h.LogIn("ada")
}
