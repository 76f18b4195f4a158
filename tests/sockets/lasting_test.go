package sockets_test

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestSilence: the time that Caddy gives to the body of a request does not hold for
// a WebSocket.
func TestSilence(t *testing.T) {
	t.Parallel()
	h := start(t, hubtest.Options{Global: "servers {\n\t\ttimeouts {\n\t\t\tread_body_idle 2s\n\t\t\twrite_idle 2s\n\t\t}\n\t}"})
	for name, connect := range versions {
		t.Run(name, func(t *testing.T) {
			c := connect(t, h)
			ours, others := h.mustOpen(t, c, below+"ws"), h.mustOpen(t, c, app+"ws")
			h.stall(t, c) // for longer than the sockets have been silent
			for name, s := range map[string]*socket{"service": ours, "app": others} {
				if err := s.echo(frame(1, 5)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// stall waits until Caddy has ended a body of which nothing came.
func (h *hub) stall(t *testing.T, c connection) {
	t.Helper()
	source, sink := io.Pipe()
	defer sink.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, h.URL+below+"stalls", source)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Authorization": {"token " + h.Token("ada")}}
	response, err := c.RoundTrip(request)
	if err != nil {
		return
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err == nil && response.StatusCode < 400 {
		t.Fatalf("a body of which nothing comes: %s", response.Status)
	}
}

// TestReload: no socket is closed by a reload, and the hub stops in good time
// although nobody has said for how long requests may go on.
func TestReload(t *testing.T) {
	t.Parallel()
	h := start(t, hubtest.Options{})
	if err := h.Reload(strings.Replace(h.Caddyfile(), "grace_period 2s", "", 1)); err != nil {
		t.Fatal(err)
	}
	sockets := map[string]*socket{}
	for name, connect := range versions {
		sockets[name] = h.mustOpen(t, connect(t, h), below+"ws")
	}
	if err := h.Reload(strings.Replace(h.Caddyfile(), "grace_period 2s", "http_port 1", 1)); err != nil {
		t.Fatal(err)
	}
	for name, s := range sockets {
		if err := s.echo(frame(2, 100_000)); err != nil {
			t.Errorf("%s, after a reload: %v", name, err)
		}
	}
	sockets["later"] = h.mustOpen(t, overHTTP2(t, h), below+"ws")
	others := h.mustOpen(t, overHTTP2(t, h), app+"ws")
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		h.Stop()
	}()
	for name, s := range sockets {
		if got := s.ends(); got != goingAway {
			t.Errorf("%s, when the hub stops: %x", name, got)
		}
	}
	others.ends()
	<-stopped
	h.Restart()
}

// TestEnvironment: what makes Go offer these sockets reaches no program that the
// hub starts, not even one that is to get the variable, and whoever sets it can do
// without.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]string{"none": "", "off": "GODEBUG=http2xconnect=0", "another": "GODEBUG=http2debug=0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, hubtest.Options{Spawner: "env_keep PATH GODEBUG", Environment: []string{given}})
			h.API(h.Token("ada")).StartServer("ada", "")
			for _, process := range h.Processes() {
				variables, err := os.ReadFile("/proc/" + strconv.Itoa(process) + "/environ")
				if err != nil {
					t.Fatal(err)
				}
				got := ""
				for variable := range strings.SplitSeq(string(variables), "\x00") {
					if strings.HasPrefix(variable, "GODEBUG=") {
						got = variable
					}
				}
				if got != given {
					t.Errorf("a server gets %q, the hub got %q", got, given)
				}
			}
			_, status, err := h.open(t, overHTTP2(t, h), below+"ws")
			if offered := err == nil && status == http.StatusOK; offered != (name != "off") {
				t.Errorf("offered %v: %d, %v", offered, status, err)
			}
		})
	}
}
