package culler_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestBuiltIn: the word cull does the same without a service: who is idle goes,
// named servers and users with them; who works stays.
func TestBuiltIn(t *testing.T) {
	h := hubtest.Start(t, hubtest.Options{
		Admins: []string{"root"}, NamedServers: true,
		Hub: "cull {\n\t\t\tidle " + idle.String() + "\n\t\t\tinterval 1s\n\t\t\tnamed_servers remove\n\t\t\tusers delete\n\t\t\tadmin_users keep\n\t\t}",
	})
	root := h.API(h.Token("root"))
	busy(t, h, "ada")
	root.StartServer("ada", "")
	h.LogIn("bob")
	root.StartServer("bob", "lab")
	hubtest.Eventually(t, "an idle user is deleted", func() bool { return servers(t, root, "bob") == nil })
	if !servers(t, root, "ada")[""] || servers(t, root, "root") == nil {
		t.Errorf("ada has %v, root %v", servers(t, root, "ada"), servers(t, root, "root"))
	}
	metrics := string(root.Do(http.MethodGet, "/hub/metrics", nil).Body)
	for _, want := range []string{`caddyhub_culled_total{what="server idle"} 1`, `caddyhub_culled_total{what="user idle"} 1`, "jupyterhub_running_servers 1\n"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics do not say %s", want)
		}
	}
}
