package services_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestNodes: of two nodes one runs the service, both lead to it, and the other
// takes it over when the first one is killed or stops.
func TestNodes(t *testing.T) {
	t.Parallel()
	lines, _ := managed(t)
	server := redistest.Start(t, redistest.Options{Persistent: true})
	first := hubtest.Start(t, hubtest.Options{Hub: lines, Redis: server})
	processOf(t, first.LogIn("ada"))
	second := first.Node()
	clients := map[*hubtest.Hub]*hubtest.Client{first: first.LogIn("ada"), second: second.LogIn("ada")}
	one := processOf(t, clients[first])
	if other := processOf(t, clients[second]); other.PID != one.PID {
		t.Errorf("process %d through one node and %d through the other", one.PID, other.PID)
	}
	if strings.Contains(second.Log(), "service started") {
		t.Error("both nodes have started the service")
	}

	first.Kill()
	two := another(t, clients[second], one)
	if exists(one.PID) {
		t.Error("two processes of one service")
	}
	first.Restart()
	clients[first] = first.LogIn("ada")
	if now := processOf(t, clients[first]); now.PID != two.PID {
		t.Errorf("the first node comes back: process %d, was %d", now.PID, two.PID)
	}
	second.Stop()
	three := another(t, clients[first], two)
	if exists(two.PID) || three.Environ["JUPYTERHUB_API_TOKEN"] == two.Environ["JUPYTERHUB_API_TOKEN"] {
		t.Error("the process of the node that has stopped, or its token, lives on")
	}
}

// another waits until another process answers than before.
func another(t *testing.T, client *hubtest.Client, before process) (now process) {
	t.Helper()
	hubtest.Eventually(t, "another process", func() bool {
		got := client.Do(http.MethodGet, "/services/whoami/environment", nil, "Sec-Fetch-Mode", "navigate")
		return got.Status == http.StatusOK && json.Unmarshal(got.Body, &now) == nil && now.PID != before.PID
	})
	return now
}
