package faults_test

import (
	"net/http"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// TestKill ends the hub at once while servers run and one is starting. After a
// restart all of them are there, theirs, and reachable, and who was logged in is.
func TestKill(t *testing.T) {
	onBothStores(t, func(t *testing.T, options hubtest.Options) {
		h := hubtest.Start(t, options)
		ada, bob, carol, dora := enter(h, "ada"), enter(h, "bob"), enter(h, "carol"), enter(h, "dora")
		upstream.Real(t, h, "carol")
		for _, u := range []user{ada, bob, carol} {
			u.api.StartServer(u.name, "")
		}
		release := upstream.Hold(t, h, "dora")
		upstream.StartHeld(t, h, dora.token, "dora")
		adas, bobs := ada.visit(t).Process, bob.visit(t).Process

		h.Kill()
		if !running(h, adas) || !running(h, bobs) {
			t.Fatal("the servers ended with the hub")
		}
		h.Restart()

		if after := ada.visit(t).Process; after != adas {
			t.Errorf("ada's server was process %d and is %d", adas, after)
		}
		if after := bob.visit(t).Process; after != bobs {
			t.Errorf("bob's server was process %d and is %d", bobs, after)
		}
		ada.socket(t)
		if got := carol.session.Do(http.MethodGet, "/user/carol/api/status", nil, "Sec-Fetch-Mode", "navigate"); got.Status != http.StatusOK {
			t.Errorf("carol's Jupyter: %s", got)
		}
		if got := ada.session.Do(http.MethodGet, "/hub/home", nil); got.Status != http.StatusOK {
			t.Errorf("ada is logged out: %s", got)
		}
		release()
		settle(t, dora)
		if got := ada.api.Do(http.MethodDelete, "/hub/api/users/ada/server", nil); got.Status != http.StatusNoContent && got.Status != http.StatusAccepted {
			t.Errorf("stop: %s", got)
		}
		hubtest.Eventually(t, "ada's server ends", func() bool { return !running(h, adas) })
	})
}

// settle waits until a start that was interrupted has ended, one way or the
// other; the server can then be used, or started.
func settle(t *testing.T, u user) {
	t.Helper()
	var server struct{ Ready bool }
	hubtest.Eventually(t, u.name+"'s start ends", func() bool {
		var model struct {
			Servers map[string]struct {
				Ready   bool
				Pending *string
			}
		}
		u.api.Do(http.MethodGet, "/hub/api/users/"+u.name, nil).JSON(t, &model)
		found, known := model.Servers[""]
		server.Ready = found.Ready
		return !known || found.Pending == nil
	})
	if !server.Ready {
		t.Logf("%s's start failed; another one", u.name)
		u.api.StartServer(u.name, "")
	}
	u.visit(t)
}
