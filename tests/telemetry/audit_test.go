package telemetry_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestAuditLog: who did what to whom, in a file of its own that Caddy's words
// "log" and "include" route there.
func TestAuditLog(t *testing.T) {
	h, _, changes := logged(t)
	ada := h.LogIn("ada")
	root := h.API(h.Token("root"))
	root.StartServer("ada", "lab")
	ada.Do(http.MethodDelete, "/hub/api/users/root", nil)
	root.Do(http.MethodDelete, "/hub/api/users/ada/servers/lab", nil)
	root.WaitServer("ada", "lab", false)
	root.Do(http.MethodDelete, "/hub/api/users/ada", nil)
	ada.Do(http.MethodGet, "/hub/logout", nil)

	var lines []string
	hubtest.Eventually(t, "the stop is recorded", func() bool {
		lines = lines[:0]
		for _, entry := range entries(t, changes) {
			if entry["logger"] != "caddyhub.audit" {
				t.Errorf("not ours: %v", entry)
			}
			actor, _ := entry["actor"].(string)
			user, _ := entry["username"].(string)
			line := entry["action"].(string) + " " + entry["outcome"].(string) + " " + entry["actor_kind"].(string) + " " + actor + " " + user
			if server, has := entry["servername"].(string); has {
				line += "/" + server
			}
			if remote, has := entry["remote"].(string); has && remote != "127.0.0.1" {
				t.Errorf("from %s: %v", remote, entry)
			}
			lines = append(lines, line)
		}
		return slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "user.delete success") })
	})
	for _, want := range []string{
		"configuration.apply success hub  ", "token.create success operator  root", "login success user ada ada",
		"server.start success user root ada/lab", "server.started success hub  ada/lab",
		"server.stop success user root ada/lab", "server.stopped success hub  ada/lab", "user.delete success user root ada",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("not recorded: %s\n%s", want, strings.Join(lines, "\n"))
		}
	}
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "user.delete refused") }) {
		t.Errorf("the refusal is not recorded:\n%s", strings.Join(lines, "\n"))
	}
}
