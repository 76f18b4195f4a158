package apps_test

import (
	"net/http"
	"testing"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestWebSocketsEnd with the right to them, and nobody else's does.
func TestWebSocketsEnd(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]string{"groups": "groups astro", "known": "allow authenticated", "open": "allow anonymous"})
	root := s.API(s.Token("root"))
	nobody := browser(s.Anonymous())
	staying, _ := open(t, nobody, s.at("open", "/ws"))
	for name, end := range map[string]func(t *testing.T, ada *hubtest.Client){
		"logout": func(t *testing.T, ada *hubtest.Client) {
			get(t, ada, s.URL+"/hub/logout", navigation...)
		},
		"a group": func(t *testing.T, _ *hubtest.Client) {
			members := map[string]any{"users": []string{"ada"}}
			if answer := root.Do(http.MethodDelete, "/hub/api/groups/astro/users", members); answer.Status != http.StatusOK {
				t.Fatal(answer)
			}
			t.Cleanup(func() { root.Do(http.MethodPost, "/hub/api/groups/astro/users", members) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			ada := browser(s.LogIn("ada"))
			visit(t, ada, s.at("groups", "/"))
			socket, status := open(t, ada, s.at("groups", "/ws"))
			if socket == nil || !echoes(t, socket) {
				t.Fatalf("ada's socket: %d", status)
			}
			if other, status := open(t, ada, s.at("groups", "/ws"), "Origin", "https://evil.localhost"); other != nil || status != http.StatusForbidden {
				t.Errorf("opened by another site: %d", status)
			}
			end(t, ada)
			if code := closed(t, socket); code != websocket.StatusPolicyViolation {
				t.Errorf("closed with %d", code)
			}
			if again, status := open(t, ada, s.at("groups", "/ws")); again != nil || status < 400 {
				t.Errorf("opened again: %d", status)
			}
		})
	}
	t.Run("a token", func(t *testing.T) {
		var made struct{ ID, Token string }
		root.Do(http.MethodPost, "/hub/api/users/ada/tokens", map[string]any{}).JSON(t, &made)
		socket, status := open(t, nobody, s.at("known", "/ws"), "Authorization", "token "+made.Token)
		if socket == nil || !echoes(t, socket) {
			t.Fatalf("by token: %d", status)
		}
		if answer := root.Do(http.MethodDelete, "/hub/api/users/ada/tokens/"+made.ID, nil); answer.Status != http.StatusNoContent {
			t.Fatal(answer)
		}
		if code := closed(t, socket); code != websocket.StatusPolicyViolation {
			t.Errorf("closed with %d", code)
		}
	})
	if _, status := open(t, nobody, s.at("known", "/ws")); status != http.StatusUnauthorized {
		t.Errorf("nobody's socket: %d", status)
	}
	if staying == nil || !echoes(t, staying) {
		t.Error("a socket of nobody's has ended as well")
	}
}
