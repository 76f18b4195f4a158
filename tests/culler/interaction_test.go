package culler_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestInteraction: with idle_by interaction a server goes whose tabs are open and
// ask for news, save their layout and answer pings; with idle_by activity, as in
// TestBuiltIn, that keeps it. It stays while somebody types.
func TestInteraction(t *testing.T) {
	h := hubtest.Start(t, hubtest.Options{
		Admins: []string{"root"},
		Hub:    "cull {\n\t\t\tidle " + idle.String() + "\n\t\t\tidle_by interaction\n\t\t\tinterval 1s\n\t\t}",
	})
	root := h.API(h.Token("root"))
	busy(t, h, "ada")
	busy(t, h, "bob")
	root.StartServer("ada", "")
	typing := openTerminal(t, h, "ada")
	everySecond(t, func() error {
		return typing.Write(t.Context(), websocket.MessageText, []byte(`["stdin", " "]`))
	})
	root.StartServer("bob", "")
	open := openTerminal(t, h, "bob")
	everySecond(t, func() error { return open.Ping(t.Context()) })
	page := h.API(h.Token("bob"))
	everySecond(t, func() error {
		page.Do(http.MethodPut, "/user/bob/lab/api/workspaces/default", map[string]any{
			"data": map[string]any{}, "metadata": map[string]any{"id": "default"},
		})
		return nil
	})
	hubtest.Eventually(t, "a server that nobody uses is stopped", func() bool { return !servers(t, root, "bob")[""] })
	if !servers(t, root, "ada")[""] {
		t.Error("a server was stopped while somebody typed")
	}
}

// openTerminal makes a terminal and opens its WebSocket, and lets what comes pass.
func openTerminal(t *testing.T, h *hubtest.Hub, user string) *websocket.Conn {
	t.Helper()
	client := h.API(h.Token(user))
	answer := client.Do(http.MethodPost, "/user/"+user+"/api/terminals", nil)
	var terminal struct{ Name string }
	if err := json.Unmarshal(answer.Body, &terminal); err != nil || terminal.Name == "" {
		t.Fatalf("no terminal: %s", answer)
	}
	socket, answer, err := client.WebSocket("/user/" + user + "/terminals/websocket/" + terminal.Name)
	if err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	go func() {
		for {
			if _, _, err := socket.Read(t.Context()); err != nil {
				return
			}
		}
	}()
	return socket
}

// everySecond does something until the test ends or it fails, as it does when the
// server is stopped.
func everySecond(t *testing.T, do func() error) {
	t.Helper()
	ticker := time.NewTicker(time.Second)
	var working sync.WaitGroup
	working.Go(func() {
		defer ticker.Stop()
		for {
			select {
			case <-t.Context().Done():
				return
			case <-ticker.C:
				if do() != nil {
					return
				}
			}
		}
	})
	t.Cleanup(working.Wait)
}
