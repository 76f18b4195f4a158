// Package faults_test takes things away from a running hub: its configuration,
// its process, its store. Users must not notice more than they have to.
package faults_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

func TestMain(m *testing.M) { upstream.Main(m) }

// onBothStores runs a test with each store.
func onBothStores(t *testing.T, test func(*testing.T, hubtest.Options)) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		test(t, hubtest.Options{Spawner: upstream.Spawner(t)})
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t, redistest.Options{Persistent: true})
		test(t, hubtest.Options{Spawner: upstream.Spawner(t), Redis: server})
	})
}

// user is somebody with a session and a token.
type user struct {
	name    string
	token   string
	session *hubtest.Client
	api     *hubtest.Client
}

// enter logs a user in.
func enter(h *hubtest.Hub, name string) user {
	session := h.LogIn(name)
	token := h.Token(name)
	return user{name: name, token: token, session: session, api: h.API(token)}
}

// visit asks the user's server by session and returns what it was asked. The
// answer must come from the server.
func (u user) visit(t *testing.T) upstream.Request {
	t.Helper()
	return arrived(t, u.session.Do(http.MethodGet, "/user/"+u.name+"/x", nil, "Sec-Fetch-Mode", "navigate"))
}

func arrived(t *testing.T, got hubtest.Answer) upstream.Request {
	t.Helper()
	var request upstream.Request
	if got.Status != http.StatusOK || got.Header.Get(upstream.Mark) == "" {
		t.Fatalf("not from the server: %s", got)
	}
	if err := json.Unmarshal(got.Body, &request); err != nil {
		t.Fatal(err)
	}
	return request
}

// socket opens a WebSocket to the user's server.
func (u user) socket(t *testing.T) *websocket.Conn {
	t.Helper()
	opened, _, err := u.session.WebSocket("/user/" + u.name + "/ws")
	if err != nil {
		t.Fatalf("WebSocket of %s: %v", u.name, err)
	}
	t.Cleanup(func() { _ = opened.CloseNow() })
	wantEcho(t, opened)
	return opened
}

func wantEcho(t *testing.T, socket *websocket.Conn) {
	t.Helper()
	if err := socket.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatalf("WebSocket: %v", err)
	}
	if _, message, err := socket.Read(t.Context()); err != nil || string(message) != "hello" {
		t.Fatalf("WebSocket: %q, %v", message, err)
	}
}

// running tells whether a process of a server is there.
func running(h *hubtest.Hub, process int) bool { return slices.Contains(h.Processes(), process) }

var storePath = regexp.MustCompile(`path (\S+/caddyhub\.db)`)

// storeFile is the file of an embedded store.
func storeFile(t *testing.T, h *hubtest.Hub) string {
	t.Helper()
	found := storePath.FindStringSubmatch(h.Caddyfile())
	if found == nil {
		t.Fatal("no embedded store")
	}
	return found[1]
}

func adminSocket(t *testing.T, h *hubtest.Hub) string {
	t.Helper()
	found := regexp.MustCompile(`admin unix/(\S+)\|0600`).FindStringSubmatch(h.Caddyfile())
	if found == nil {
		t.Fatal("no socket of the admin endpoint")
	}
	return filepath.Clean(found[1])
}
