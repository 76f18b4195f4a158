package gate_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestStop: who has a WebSocket open when the hub stops is told that it goes away,
// and not cut.
func TestStop(t *testing.T) {
	t.Parallel()
	h := start(t, hubtest.Options{})
	socket, _, err := h.API(h.aliceToken).WebSocket("/user/alice/ws")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, _, err := socket.Read(context.WithoutCancel(t.Context()))
		ended <- err
	}()
	h.Stop()
	if err := <-ended; websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the socket ended with %v", err)
	}
}

// TestAborted: requests and WebSockets that were broken off leave no descriptor.
func TestAborted(t *testing.T) {
	t.Parallel()
	h := start(t, hubtest.Options{})
	descriptors := filepath.Join("/proc", strconv.Itoa(h.PID()), "fd")
	count := func() int {
		list, err := os.ReadDir(descriptors)
		if err != nil {
			t.Skip("descriptors are counted on Linux only")
		}
		return len(list)
	}
	before := count()
	for _, request := range []string{
		h.head("GET", "/user/alice/x?slow=1m", byToken(h.aliceToken)) + "\r\n",
		h.head("POST", "/user/alice/x", byToken(h.aliceToken), "Content-Length: 100000") + "\r\nhello",
		h.head("GET", "/user/alice/ws", append([]string{byToken(h.aliceToken)}, handshake...)...) + "\r\n",
		h.head("GET", "/user/alice/ws?tunnel", append([]string{byToken(h.aliceToken)}, handshake...)...) + "\r\n",
	} {
		for range 50 {
			conn, err := net.Dial("tcp", h.Address())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
			_, _ = conn.Read(make([]byte, 1))
			conn.Close()
		}
	}
	// A few connections to the upstream are kept for later requests.
	hubtest.Eventually(t, "all descriptors are closed", func() bool { return count() <= before+8 })
	if answer := h.get(t, "/user/alice/x", byToken(h.aliceToken)); answer.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %s", answer)
	}
}
