package clients_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestOptionsReachTheServer: what a portal sends with a start, and what the
// user's groups change, is in the environment of the server's own process.
func TestOptionsReachTheServer(t *testing.T) {
	hub := hubtest.Start(t, hubtest.Options{
		Admins: []string{"grace"},
		Hub: `group class {
			users ada
		}
		role lister {
			scopes read:users
			users bob
		}`,
		Spawner: `environment READ_ONLY 1
			environment COURSE none
			mem_limit 1G
			option size {
				choices small large
				environment MACHINE {value}
			}
			option memory {
				type number
				max 8
				mem_limit {value}G
			}
			group_override class {
				groups class
				environment COURSE biology
				environment -READ_ONLY
				mem_limit 2G
			}`,
	})
	grace := hub.API(hub.Token("grace"))
	hub.LogIn("bob")
	start := func(user string, options any, status int) hubtest.Answer {
		t.Helper()
		answer := grace.Do(http.MethodPost, "/hub/api/users/"+user+"/server", options)
		if answer.Status != status && (status != http.StatusCreated || answer.Status != http.StatusAccepted) {
			t.Fatalf("start of %s with %v: %s", user, options, answer)
		}
		return answer
	}
	for _, step := range []struct {
		user    string
		options any
		want    []string
	}{
		{"ada", map[string]any{"size": "large", "portal": []int{1}}, []string{"COURSE=biology", "MACHINE=large", "MEM_LIMIT=2147483648"}},
		{"ada", nil, []string{"COURSE=biology", "MACHINE=large", "MEM_LIMIT=2147483648"}},
		{"ada", map[string]any{"memory": 3}, []string{"COURSE=biology", "MACHINE=small", "MEM_LIMIT=3221225472"}},
		{"bob", nil, []string{"COURSE=none", "MACHINE=small", "MEM_LIMIT=1073741824", "READ_ONLY=1"}},
	} {
		start(step.user, step.options, http.StatusCreated)
		grace.WaitServer(step.user, "", true)
		if got := variablesOf(t, hub, "COURSE", "MACHINE", "MEM_LIMIT", "READ_ONLY"); !slices.Equal(got, step.want) {
			t.Errorf("%s with %v: %v, want %v", step.user, step.options, got, step.want)
		}
		if step.user == "ada" {
			checkWhoSeesOptions(t, hub)
		}
		grace.Do(http.MethodDelete, "/hub/api/users/"+step.user+"/server", nil)
		grace.WaitServer(step.user, "", false)
	}
	refused := start("ada", map[string]any{"memory": 9}, http.StatusBadRequest)
	if !strings.Contains(string(refused.Body), "Invalid user options: memory: must be at most 8") {
		t.Errorf("refused with %s", refused)
	}
	if got := string(defaultServer(t, grace, "ada").UserOptions); got != `{"memory":3}` && got != `{"memory": 3}` {
		t.Errorf("after a refusal the options are %s", got)
	}
}

// checkWhoSeesOptions: read:servers shows them, read:users does not.
func checkWhoSeesOptions(t *testing.T, hub *hubtest.Hub) {
	t.Helper()
	own := hub.API(hub.Token("ada")).Do(http.MethodGet, "/hub/api/users/ada", nil)
	if !strings.Contains(string(own.Body), `"user_options"`) {
		t.Errorf("the owner sees %s", own)
	}
	other := hub.API(hub.Token("bob")).Do(http.MethodGet, "/hub/api/users/ada", nil)
	if other.Status != http.StatusOK || strings.Contains(string(other.Body), "user_options") {
		t.Errorf("somebody with read:users sees %s", other)
	}
}

// variablesOf reads these variables of the one server that runs, in order.
func variablesOf(t *testing.T, hub *hubtest.Hub, names ...string) []string {
	t.Helper()
	found := make(map[string]bool)
	for _, id := range hub.Processes() {
		environment, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(id), "environ"))
		if err != nil {
			continue // it has ended
		}
		for variable := range strings.SplitSeq(string(environment), "\x00") {
			name, _, _ := strings.Cut(variable, "=")
			if slices.Contains(names, name) {
				found[variable] = true
			}
		}
	}
	var list []string
	for variable := range found {
		list = append(list, variable)
	}
	slices.Sort(list)
	return list
}
