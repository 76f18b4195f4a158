// Package cluster_test runs two nodes over one Redis: any of them serves any
// request, and what happens on one holds on the other within a second.
package cluster_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

func TestMain(m *testing.M) { upstream.Main(m) }

// nodes starts two nodes.
func nodes(t *testing.T) (a, b *hubtest.Hub) {
	t.Helper()
	server := redistest.Start(t, redistest.Options{Persistent: true})
	a = hubtest.Start(t, hubtest.Options{Spawner: upstream.Spawner(t), Redis: server})
	return a, a.Node()
}

// at is the browser of a client, talking to another node.
func at(node *hubtest.Hub, browser *hubtest.Client) *hubtest.Client {
	other := node.Anonymous()
	other.HTTP.Jar = browser.HTTP.Jar
	return other
}

// promptly is how soon every node knows of what took away a right.
const promptly = time.Second

// within waits until a condition holds, and fails if that was too late.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	begin := time.Now()
	hubtest.Eventually(t, what, holds)
	if took := time.Since(begin); took > limit {
		t.Errorf("%s: it took %v, more than %v", what, took, limit)
	}
}

// visit asks a user's server and returns the process that answered.
func visit(t *testing.T, browser *hubtest.Client, user string) int {
	t.Helper()
	got := browser.Do(http.MethodGet, "/user/"+user+"/x", nil, "Sec-Fetch-Mode", "navigate")
	var request upstream.Request
	if got.Status != http.StatusOK || got.Header.Get(upstream.Mark) == "" {
		t.Fatalf("%s's server: %s", user, got)
	}
	if err := json.Unmarshal(got.Body, &request); err != nil {
		t.Fatal(err)
	}
	return request.Process
}

// wantEcho opens a WebSocket, shows that it works, and returns it open.
func wantEcho(t *testing.T, browser *hubtest.Client, path string) *websocket.Conn {
	t.Helper()
	socket, _, err := browser.WebSocket(path)
	if err != nil {
		t.Fatalf("WebSocket: %v", err)
	}
	t.Cleanup(func() { socket.CloseNow() })
	if err := socket.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, message, err := socket.Read(t.Context()); err != nil || string(message) != "hello" {
		t.Fatalf("WebSocket: %q, %v", message, err)
	}
	return socket
}

// wantEnded fails unless a WebSocket is closed promptly, with the code for what
// is not allowed any more.
func wantEnded(t *testing.T, socket *websocket.Conn, where string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), promptly)
	defer cancel()
	_, _, err := socket.Read(ctx)
	if code := websocket.CloseStatus(err); code != websocket.StatusPolicyViolation {
		t.Errorf("WebSocket through %s: code %d, %v", where, code, err)
	}
}

// TestAnyNode: one logs in here, starts there, opens it here and there, logs out
// there, and is out here.
func TestAnyNode(t *testing.T) {
	t.Parallel()
	a, b := nodes(t)
	onA := a.LogIn("ada")
	onB := at(b, onA)
	token := a.Token("ada")
	b.API(token).StartServer("ada", "")

	process := visit(t, onA, "ada")
	if other := visit(t, onB, "ada"); other != process {
		t.Errorf("process %d through one node and %d through the other", process, other)
	}
	here, there := wantEcho(t, onA, "/user/ada/ws"), wantEcho(t, onB, "/user/ada/ws")

	// As the browser had it: logging out takes the cookie away.
	cookie := "caddyhub-session=" + onA.Cookie("/", "caddyhub-session").Value
	if got := onB.Do(http.MethodGet, "/hub/logout", nil, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin"); got.Status >= 400 {
		t.Fatalf("logout: %s", got)
	}
	wantEnded(t, here, "the other node")
	wantEnded(t, there, "the node of the logout")
	stranger := a.Anonymous()
	within(t, promptly, "the other node knows of the logout", func() bool {
		return stranger.Do(http.MethodGet, "/user/ada/api/x", nil, "Cookie", cookie).Status == http.StatusUnauthorized
	})
	if got := a.API(token).Do(http.MethodGet, "/user/ada/api/x", nil); got.Status != http.StatusOK {
		t.Errorf("the token ended with the session: %s", got)
	}
}

// TestRevokedToken: a token that is revoked on one node is refused on the other.
func TestRevokedToken(t *testing.T) {
	t.Parallel()
	a, b := nodes(t)
	a.LogIn("ada")
	keeps := a.API(a.Token("ada"))
	var made struct{ ID, Token string }
	keeps.Do(http.MethodPost, "/hub/api/users/ada/tokens", nil).JSON(t, &made)
	keeps.StartServer("ada", "")
	onB := b.API(made.Token)
	if got := onB.Do(http.MethodGet, "/user/ada/api/x", nil); got.Status != http.StatusOK {
		t.Fatalf("the token on the other node: %s", got)
	}
	if got := keeps.Do(http.MethodDelete, "/hub/api/users/ada/tokens/"+made.ID, nil); got.Status != http.StatusNoContent {
		t.Fatalf("revoke: %s", got)
	}
	within(t, promptly, "the other node knows of the revoked token", func() bool {
		return onB.Do(http.MethodGet, "/user/ada/api/x", nil).Status == http.StatusUnauthorized
	})
	if got := onB.Do(http.MethodGet, "/hub/api/user", nil); got.Status != http.StatusForbidden {
		t.Errorf("the API takes it still: %s", got)
	}
}

// TestStoppedServer: both nodes forget the route of a server that is stopped.
func TestStoppedServer(t *testing.T) {
	t.Parallel()
	a, b := nodes(t)
	onA := a.LogIn("ada")
	token := a.Token("ada")
	a.API(token).StartServer("ada", "")
	visit(t, at(b, onA), "ada")
	if got := b.API(token).Do(http.MethodDelete, "/hub/api/users/ada/server", nil); got.Status != http.StatusNoContent && got.Status != http.StatusAccepted {
		t.Fatalf("stop through the other node: %s", got)
	}
	for _, node := range []*hubtest.Hub{a, b} {
		hubtest.Eventually(t, "the server is stopped on each node", func() bool {
			return node.API(token).Do(http.MethodGet, "/user/ada/api/x", nil).Status == http.StatusFailedDependency
		})
	}
	if left := a.Processes(); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// TestKeyRotation: a new key on one node ends no session on either, and each
// takes what the other has made with it.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	a, b := nodes(t)
	before := a.LogIn("ada")
	token := a.Token("ada")
	a.API(token).StartServer("ada", "")
	for range 2 {
		rotate(t, a)
		for _, node := range []*hubtest.Hub{a, b} {
			visit(t, at(node, before), "ada")
			if got := node.API(token).Do(http.MethodGet, "/hub/api/user", nil); got.Status != http.StatusOK {
				t.Errorf("token: %s", got)
			}
		}
		visit(t, at(b, a.LogIn("ada")), "ada")
		visit(t, at(a, b.LogIn("ada")), "ada")
		if got := b.API(a.Token("ada")).Do(http.MethodGet, "/hub/api/user", nil); got.Status != http.StatusOK {
			t.Errorf("a token of the first node on the second: %s", got)
		}
		if got := a.API(b.Token("ada")).Do(http.MethodGet, "/hub/api/user", nil); got.Status != http.StatusOK {
			t.Errorf("a token of the second node on the first: %s", got)
		}
	}
}

// TestNodeDies: what the dead node had started is served, and stopped, by the
// other one.
func TestNodeDies(t *testing.T) {
	t.Parallel()
	a, b := nodes(t)
	onA := a.LogIn("ada")
	token := a.Token("ada")
	a.API(token).StartServer("ada", "")
	process := visit(t, onA, "ada")
	a.Kill()
	onB := at(b, onA)
	if other := visit(t, onB, "ada"); other != process {
		t.Errorf("process %d, was %d", other, process)
	}
	wantEcho(t, onB, "/user/ada/ws")
	a.Restart()
	if again := visit(t, onA, "ada"); again != process {
		t.Errorf("process %d, was %d", again, process)
	}
}

var adminSocket = regexp.MustCompile(`admin unix/(\S+)\|0600`)

// rotate puts a new key into force through the admin endpoint.
func rotate(t *testing.T, h *hubtest.Hub) {
	t.Helper()
	found := adminSocket.FindStringSubmatch(h.Caddyfile())
	if found == nil {
		t.Fatal("no socket of the admin endpoint")
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", found[1])
	}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Post("http://127.0.0.1/caddyhub/keys/rotate", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("rotate: %s\n%s", response.Status, body)
	}
}
