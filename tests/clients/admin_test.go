package clients_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestAdministratorsScript is the script that every administrator has: make
// users, put them into a group, start their servers, watch, stop, clean up.
func TestAdministratorsScript(t *testing.T) {
	hub := hubtest.Start(t, hubtest.Options{
		Admins: []string{"grace"}, NamedServers: true,
		Spawner: `option size {
				choices small large
			}`,
	})
	grace := hub.API(hub.Token("grace"))
	printed := python(t, "admin.py", "HUB_API="+hub.URL+"/hub/api", "TOKEN="+hub.Token("grace"))
	if !strings.HasSuffix(strings.TrimSpace(printed), "done") {
		t.Errorf("the script says\n%s", printed)
	}
	for _, name := range []string{"student-1", "student-2"} {
		if answer := grace.Do(http.MethodGet, "/hub/api/users/"+name, nil); answer.Status != http.StatusNotFound {
			t.Errorf("%s is still there: %s", name, answer)
		}
	}
	hubtest.Eventually(t, "no process of a server is left", func() bool { return len(hub.Processes()) == 0 })
}
