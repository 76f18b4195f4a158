//go:build unix

package process

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// virtualEnvironment finds the Python environment of the project's tests.
func virtualEnvironment(t *testing.T) string {
	t.Helper()
	candidates := []string{os.Getenv("CADDYHUB_TEST_VENV")}
	for dir, err := os.Getwd(); err == nil && dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			candidates = append(candidates, filepath.Join(dir, "tests", ".venv"))
			break
		}
	}
	for _, candidate := range candidates {
		if _, err := osprocess.LookUp(filepath.Join(candidate, "bin", "jupyterhub-singleuser"), ""); err == nil {
			return candidate
		}
	}
	if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
		t.Fatal("jupyterhub-singleuser is missing: set CADDYHUB_TEST_VENV")
	}
	t.Skip("needs jupyterhub-singleuser: set CADDYHUB_TEST_VENV")
	return ""
}

// call is what a single-user server asked of the hub.
type call struct{ method, path, authorization, body string }

// fakeHub answers what a server asks at its start and tells the calls.
func fakeHub(t *testing.T, user string) (url string, calls <-chan call) {
	t.Helper()
	made := make(chan call, 100)
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&body)
		made <- call{r.Method, r.URL.EscapedPath(), r.Header.Get("Authorization"), string(body)}
		w.Header().Set("X-JupyterHub-Version", "5.5.1")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/hub/api":
			_, _ = w.Write([]byte(`{"version": "5.5.1"}`))
		case r.URL.Path == "/hub/api/user" && r.Header.Get("Authorization") == "token visitor":
			_ = json.NewEncoder(w).Encode(map[string]any{
				"name": user, "kind": "user", "admin": false, "groups": []string{}, "scopes": []string{"access:servers!user=" + user},
			})
		case r.URL.Path == "/hub/api/user":
			http.Error(w, `{"status": 403}`, http.StatusForbidden)
		}
	}))
	t.Cleanup(hub.Close)
	return hub.URL, made
}

// waitFor waits for a call of the server's.
func waitFor(t *testing.T, calls <-chan call, method, path string) call {
	t.Helper()
	timeout := time.After(60 * time.Second)
	for {
		select {
		case got := <-calls:
			if got.method == method && got.path == path {
				return got
			}
		case <-timeout:
			t.Fatalf("no %s %s", method, path)
		}
	}
}

// get asks the server for something as a visitor; status 0 if it does not answer.
func get(t *testing.T, address, token string) (status int, header http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "token "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil
	}
	response.Body.Close()
	return response.StatusCode, response.Header
}

// The real single-user server needs nothing but what Environment and this
// spawner give it: it asks the hub, binds its address, knows its visitors by the
// hub's word, reports activity and ends at the first signal.
func TestJupyterHubSingleuser(t *testing.T) {
	venv := virtualEnvironment(t)
	const user, prefix = "ada@example.org", "/user/ada@example.org/"
	hub, calls := fakeHub(t, user)
	home := t.TempDir()
	environment, err := spawner.Environment(spawner.Params{
		User: user, Token: "servers-own", ClientID: "jupyterhub-user-ada", APIURL: hub + "/hub/api", Prefix: prefix,
		RootDir: home, DefaultURL: "/lab", Environment: map[string]string{"PATH": venv + "/bin:" + defaultPath},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Command, o.Home, o.InterruptTimeout = nil, home, 20*time.Second
	if os.Geteuid() == 0 {
		o.Args = []string{"--allow-root"}
	}
	s := newSpawner(t, o)
	r := spawner.Request{User: user, SpawnID: spawner.NewSpawnID(), Prefix: prefix, Environment: environment}
	ref, known := begin(t, s, r)
	t.Cleanup(func() {
		if t.Failed() {
			lines, _ := s.Tail(t.Context(), ref, 40)
			t.Log(known.Log, strings.Join(lines, "\n"))
		}
	})
	waitFor(t, calls, http.MethodGet, "/hub/api")
	activity := waitFor(t, calls, http.MethodPost, "/hub/api/users/ada@example.org/activity")
	if activity.authorization != "token servers-own" || !strings.Contains(activity.body, `"servers"`) {
		t.Errorf("activity: %+v", activity)
	}
	started, err := s.started(known)
	if err != nil {
		t.Fatal(err)
	}
	base := started.URL + prefix
	eventually(t, "an answer", func() bool { status, _ := get(t, base+"api", ""); return status == http.StatusOK })
	if status, header := get(t, base+"api/contents", "visitor"); status != http.StatusOK || header.Get("X-JupyterHub-Version") == "" {
		t.Errorf("a visitor gets %d, %v", status, header)
	}
	if status, _ := get(t, base+"api/contents", "stranger"); status != http.StatusForbidden {
		t.Errorf("a stranger gets %d", status)
	}
	asked := time.Now()
	if err := s.Stop(t.Context(), ref, false); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(asked); took >= o.InterruptTimeout {
		t.Errorf("SIGINT alone did not end the server in %v", took)
	}
	data, err := os.ReadFile(known.Log)
	if status, perr := s.Poll(t.Context(), ref); perr != nil || status.Running || err != nil || strings.Contains(string(data), "Traceback") {
		t.Errorf("after Stop: %+v, %v, %v, log:\n%s", status, perr, err, data)
	}
}
