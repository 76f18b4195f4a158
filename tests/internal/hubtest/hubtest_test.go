package hubtest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

func TestMain(m *testing.M) { hubtest.Main(m) }

// TestNodes is what tests of several nodes rely on: a server that one node has
// started is reached through the other, also when the first one is dead, and is
// still there when it comes back.
func TestNodes(t *testing.T) {
	t.Parallel()
	first := hubtest.Start(t, hubtest.Options{Redis: redistest.Start(t, redistest.Options{}), Admins: []string{"ada"}, HTTPS: true})
	second := first.Node()
	api := first.API(first.Token("ada"))
	api.StartServer("ada", "")
	if len(first.Processes()) == 0 {
		t.Error("the process of the server is not found")
	}
	ada := second.LogIn("ada")
	reached := func(when string) {
		t.Helper()
		hubtest.Eventually(t, "the server is reached "+when, func() bool {
			return ada.Do(http.MethodGet, "/user/ada/api/status", nil).Status == http.StatusOK
		})
	}
	reached("through the second node")
	socket, answer, err := ada.WebSocket("/user/ada/api/events/subscribe")
	if err != nil {
		t.Fatalf("WebSocket: %v, %v", err, answer)
	}

	first.Kill()
	reached("with the first node dead")
	if err := socket.Ping(socket.CloseRead(t.Context())); err != nil {
		t.Errorf("the WebSocket did not outlive the other node: %v", err)
	}
	first.Restart()
	ada = first.LogIn("ada")
	reached("through the first node again")
	if len(first.Processes()) == 0 {
		t.Error("the server did not outlive its hub")
	}
}

// TestReload: another Caddyfile takes force without a restart, and one that is
// wrong does not.
func TestReload(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t, hubtest.Options{})
	ada, id := hub.LogIn("ada"), hub.PID()
	home := func() string { return string(ada.Do(http.MethodGet, "/hub/home", nil).Body) }
	if cookie := ada.Cookie("/", "caddyhub-session"); cookie == nil || !strings.Contains(home(), "Logout") {
		t.Fatalf("not logged in: %v, %s", cookie, home())
	}
	titled := strings.Replace(hub.Caddyfile(), "allow all", "allow all\n\t\tpages {\n\t\t\ttitle Observatory\n\t\t}", 1)
	if err := hub.Reload(titled); err != nil {
		t.Fatal(err)
	}
	if hub.PID() != id || !strings.Contains(home(), "Observatory") || !strings.Contains(home(), "Logout") {
		t.Errorf("after a reload: %s", home())
	}
	if err := hub.Reload(strings.Replace(titled, "allow all", "allow al all\n\t\tallow_everybody", 1)); err == nil {
		t.Error("a Caddyfile with an unknown word was taken")
	}
	if !strings.Contains(home(), "Observatory") {
		t.Errorf("after a reload that was refused: %s", home())
	}
}

// TestSocketsAreRefused: a client of somebody else gets the answer to its
// handshake, so that tests can look at it.
func TestSocketsAreRefused(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t, hubtest.Options{})
	_, answer, err := hub.Anonymous().WebSocket("/user/ada/api/events/subscribe")
	if err == nil {
		t.Fatal("nobody has opened a WebSocket")
	}
	var refusal struct{ Status int }
	if answer.JSON(t, &refusal); answer.Status != http.StatusUnauthorized || refusal.Status != http.StatusUnauthorized {
		t.Errorf("the handshake is answered %s, want 401", answer)
	}
}
