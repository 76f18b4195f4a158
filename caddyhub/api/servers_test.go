package api_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// impatient makes requests wait only long enough to look once.
func impatient(s *settings) {
	s.api.SlowSpawn, s.api.SlowStop = 100*time.Millisecond, 100*time.Millisecond
}

func TestStartAndStop(t *testing.T) {
	h := newHub(t)
	root := h.token("root", "inherit")
	start := request{method: "POST", path: "/users/ada/server", token: root}
	stop := request{method: "DELETE", path: "/users/ada/server", token: root}
	h.expect(stop, 204, "") // never started
	got := h.expect(start, 201, "")
	if got.Header().Get("Content-Type") != "text/plain" || got.Body.Len() != 0 {
		t.Errorf("started: %v %q", got.Header(), got.Body)
	}
	h.expect(start, 400, "ada is already running")
	h.expect(request{method: "POST", path: "/users/ada/servers/", token: root}, 400, "ada is already running")
	h.expect(stop, 204, "")
	stop.body = `{"remove":true}`
	h.expect(stop, 400, "Cannot delete the default server")

	lab := request{method: "DELETE", path: "/users/ada/servers/lab", token: root}
	h.expect(lab, 404, "ada has no server named 'lab'")
	h.ready("ada", "lab")
	h.expect(request{method: "POST", path: "/users/ada/servers/lab", token: root}, 400, "ada:lab is already running")
	for body, want := range map[string]string{
		`{"remove":"yes"}`: "remove must be true or false, got 'yes'",
		`[]`:               "Invalid JSON data: []",
		`{`:                "Invalid JSON in body of request",
	} {
		lab.body = body
		h.expect(lab, 400, want)
	}
	lab.body = `{"remove":true}`
	h.expect(lab, 204, "")
	h.expect(lab, 404, "ada has no server named 'lab'")
	for _, path := range []string{"/users/nobody/server", "/users/nobody/servers/lab"} {
		h.expect(request{method: "POST", path: path, token: root}, 404, "Not Found")
		h.expect(request{method: "DELETE", path: path, token: root}, 404, "Not Found")
	}
	h.expect(request{method: "POST", path: "/users/ada/servers/a%2Fb", token: root}, 400,
		"Invalid server_name (may not contain '/'): a/b")
}

// TestPending goes through the answers while something goes on.
func TestPending(t *testing.T) {
	h := newHub(t, impatient)
	root := h.token("root", "inherit")
	start := request{method: "POST", path: "/users/ada/server", token: root}
	stop := request{method: "DELETE", path: "/users/ada/server", token: root}
	h.spawner.hold()
	got := h.expect(start, 202, "")
	if got.Header().Get("Content-Type") != "text/plain" {
		t.Errorf("pending: %v", got.Header())
	}
	h.expect(start, 202, "")
	user := model[map[string]any](t, h.expect(request{method: "GET", path: "/users/ada", token: root}, 200, ""))
	if user["pending"] != "spawn" || user["server"] != nil {
		t.Errorf("a starting server: %v", user)
	}
	h.spawner.release()
	h.settled("ada", "")
	h.spawner.cling()
	h.expect(stop, 202, "")
	h.expect(stop, 202, "")
	h.expect(start, 400, "ada is pending stop")
	h.spawner.release()
	h.settled("ada", "")
	h.expect(stop, 204, "")

	// A pending start is called off by a stop.
	h.spawner.hold()
	h.expect(start, 202, "")
	if got := h.send(stop); got.Code != 202 && got.Code != 204 {
		t.Errorf("calling off: %d %s", got.Code, got.Body)
	}
	if s := h.settled("ada", ""); s.Ready || s.Failure == nil || !s.Failure.Cancelled() {
		t.Errorf("called off: %+v", s)
	}
}

// settled waits until nothing is pending.
func (h *hub) settled(user, name string) server.Server {
	h.t.Helper()
	s := must(h.servers.Wait(h.t.Context(), user, name, time.Minute))(h.t)
	if s.Pending != server.PendingNone {
		h.t.Fatalf("%s is still pending %s", user, s.Pending)
	}
	return s
}

func TestFailedStart(t *testing.T) {
	h := newHub(t)
	start := request{method: "POST", path: "/users/ada/server", token: h.token("ada", "inherit")}
	h.spawner.fail(errors.New("password of the registry is sesame"))
	got := h.expect(start, 500, "")
	if strings.Contains(got.Body.String(), "sesame") {
		t.Errorf("a secret is told: %s", got.Body)
	}
	h.spawner.fail(&spawner.Error{Message: "no such image", Status: 400, Reason: spawner.ReasonOptions})
	h.expect(start, 400, "no such image")
	h.spawner.fail(nil)
	h.expect(start, 201, "")
}

func TestOptions(t *testing.T) {
	h := newHub(t)
	token := h.token("ada", "inherit")
	start := request{method: "POST", path: "/users/ada/server", token: token}
	stop := request{method: "DELETE", path: "/users/ada/server", token: token}
	for body, want := range map[string]string{
		`{`:    "Invalid JSON in body of request",
		`[1]`:  "Invalid user options",
		`"x"`:  "Invalid user options",
		"\xff": "Invalid JSON in body of request",
		`{"x":"` + strings.Repeat("x", 100<<10) + `"}`: "Invalid user options",
	} {
		start.body = body
		h.expect(start, 400, want)
	}
	options := func() string {
		return string(must(h.servers.Get(t.Context(), "ada", ""))(t).UserOptions)
	}
	for _, c := range []struct{ body, want string }{
		{`{"a": {"b": [1, null]}}`, `{"a": {"b": [1, null]}}`},
		{``, `{"a": {"b": [1, null]}}`},
		{`null`, `{"a": {"b": [1, null]}}`},
		{`{}`, `{}`},
	} {
		start.body = c.body
		h.expect(start, 201, "")
		// The store keeps JSON in its own spacing.
		if got := options(); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(c.want, " ", "") {
			t.Errorf("%q: options are %s, not %s", c.body, got, c.want)
		}
		h.expect(stop, 204, "")
	}
}

func TestLimits(t *testing.T) {
	h := newHub(t, func(s *settings) {
		impatient(s)
		s.servers.Named.LimitPerUser = 1
		s.servers.Limits = server.Limits{ConcurrentSpawns: 1, ActiveServers: 2}
	})
	root := h.token("root", "inherit")
	start := func(path string) request { return request{method: "POST", path: path, token: root} }
	h.ready("ada", "one")
	h.expect(start("/users/ada/servers/two"), 400,
		"User ada already has the maximum of 1 named servers.  One must be deleted before a new server can be created")
	h.spawner.hold()
	h.expect(start("/users/bob/server"), 202, "")
	got := h.expect(start("/users/eve/server"), 429, "")
	seconds, err := strconv.Atoi(got.Header().Get("Retry-After"))
	if err != nil || seconds < 30 || seconds > 60 ||
		message(got) != "Too many users trying to log in right now. Try again in "+strconv.Itoa(seconds)+" seconds." {
		t.Errorf("throttled: %v %s", got.Header(), got.Body)
	}
	h.spawner.release()
	h.settled("bob", "")
	got = h.expect(start("/users/eve/server"), 429, "Active user limit exceeded. Try again in a few minutes.")
	if got.Header().Get("Retry-After") != "" {
		t.Errorf("nobody knows when: %v", got.Header())
	}
}

func TestNoNamedServers(t *testing.T) {
	h := newHub(t, func(s *settings) { s.servers.Named.Enabled, s.api.NamedServers = false, false })
	for _, method := range []string{"POST", "DELETE"} {
		h.expect(request{method: method, path: "/users/ada/servers/lab", token: h.token("ada", "inherit")}, 400, "Named servers are not enabled.")
		h.expect(request{method: method, path: "/users/nobody/servers/lab", token: h.token("root", "inherit")}, 404, "Not Found")
	}
	h.expect(request{method: "POST", path: "/users/ada/servers/", token: h.token("ada", "inherit")}, 201, "")
}

func TestExpiredLogin(t *testing.T) {
	h := newHub(t, func(s *settings) {
		s.servers.Hooks.Refresh = func(_ context.Context, user identity.User) error { return server.AuthExpired(user.Name) }
	})
	h.expect(request{method: "POST", path: "/users/ada/server", token: h.token("ada", "inherit")}, 403,
		"auth has expired for ada, login again")
}
