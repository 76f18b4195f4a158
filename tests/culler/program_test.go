package culler_test

import (
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// rights are the scopes that the documentation of jupyterhub-idle-culler gives it.
const rights = "list:users read:users:activity read:servers delete:servers"

// forProgram is a hub with the culler as a service.
func forProgram(t *testing.T, scopes string) *hubtest.Hub {
	t.Helper()
	return hubtest.Start(t, hubtest.Options{
		Admins: []string{"root"}, NamedServers: true,
		Hub: "role idle-culler {\n\t\t\tscopes " + scopes + "\n\t\t\tservices idle-culler\n\t\t}\n" +
			"\t\tservice idle-culler {\n\t\t\tapi_token idle-culler-secret\n\t\t}",
	})
}

// complaints are the lines with which the program says that a request failed.
func complaints(log string) (found []string) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, "Traceback") || strings.Contains(line, "Error processing") || strings.Contains(line, "HTTP 4") || strings.Contains(line, "HTTP 5") {
			found = append(found, line)
		}
	}
	return found
}

// TestProgram: with the scopes it documents the program stops who is idle and
// nobody else, and a named server is still there afterwards.
func TestProgram(t *testing.T) {
	h := forProgram(t, rights)
	root := h.API(h.Token("root"))
	h.LogIn("bob")
	busy(t, h, "ada")
	root.StartServer("ada", "")
	root.StartServer("bob", "")
	root.StartServer("bob", "lab")
	log := culler(t, h, "idle-culler-secret")
	hubtest.Eventually(t, "idle servers are stopped", func() bool {
		found := servers(t, root, "bob")
		return !found[""] && !found["lab"]
	})
	if found := servers(t, root, "bob"); len(found) != 2 {
		t.Errorf("bob has %v: a stopped server was forgotten", found)
	}
	if !servers(t, root, "ada")[""] {
		t.Errorf("a server in use was stopped:\n%s", log())
	}
	if !strings.Contains(log(), "Culling server bob/lab (inactive for") {
		t.Errorf("not its doing:\n%s", log())
	}
	if found := complaints(log()); len(found) > 0 {
		t.Errorf("it complains: %q", found)
	}
}

// TestProgramWithUsers: with cull-users users go who are idle, and with
// remove-named-servers named servers do not come back.
func TestProgramWithUsers(t *testing.T) {
	h := forProgram(t, rights+" delete:users")
	root := h.API(h.Token("root"))
	h.LogIn("bob")
	h.LogIn("eve")
	busy(t, h, "ada")
	root.StartServer("ada", "")
	root.StartServer("bob", "lab")
	log := culler(t, h, "idle-culler-secret", "--cull-users=True", "--remove-named-servers=True", "--cull-admin-users=False")
	hubtest.Eventually(t, "idle users are deleted", func() bool {
		return servers(t, root, "bob") == nil && servers(t, root, "eve") == nil
	})
	if !servers(t, root, "ada")[""] || servers(t, root, "root") == nil {
		t.Errorf("ada has %v, root %v:\n%s", servers(t, root, "ada"), servers(t, root, "root"), log())
	}
	if found := complaints(log()); len(found) > 0 {
		t.Errorf("it complains: %q", found)
	}
}
