package services_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// process is what the service tells of its process.
type process struct {
	PID     int
	Environ map[string]string
}

func processOf(t *testing.T, client *hubtest.Client) (found process) {
	t.Helper()
	answers(t, client, "/services/whoami/environment", http.StatusOK).JSON(t, &found)
	return found
}

// TestManaged: a service that the hub starts knows its visitors, lets in who may
// come in, and finds JupyterHub's variables.
func TestManaged(t *testing.T) {
	t.Parallel()
	lines, _ := managed(t, "environment MINE {env.SECRET_OF_THE_TEST}", "oauth_client_allowed_scopes read:users!user")
	hub := hubtest.Start(t, hubtest.Options{Hub: lines, Environment: []string{"SECRET_OF_THE_TEST=very-secret-value"}})
	ada, bob, eve := hub.LogIn("ada"), hub.LogIn("bob"), hub.LogIn("eve")
	for name, client := range map[string]*hubtest.Client{"ada": ada, "bob": bob} {
		var who user
		answers(t, client, "/services/whoami/", http.StatusOK).JSON(t, &who)
		if who.Name != name || who.Kind != "user" || !slices.Contains(who.Scopes, "access:services!service=whoami") {
			t.Errorf("%s is %+v", name, who)
		}
	}
	if got := eve.Do(http.MethodGet, "/services/whoami/", nil, "Sec-Fetch-Mode", "navigate"); got.Status != http.StatusForbidden {
		t.Errorf("eve, who may not: %s", got)
	}
	if got := hub.Anonymous().Do(http.MethodGet, "/services/whoami/", nil, "Sec-Fetch-Mode", "navigate"); got.Status != http.StatusFound || !strings.HasPrefix(got.Header.Get("Location"), "/hub/login") {
		t.Errorf("nobody: %s", got)
	}
	checkEnvironment(t, hub, processOf(t, ada).Environ)
	if log := hub.Log(); !strings.Contains(log, "whoami listens; its token is [secret]") || !strings.Contains(log, "and it complains") || strings.Contains(log, "very-secret-value") {
		t.Error("the log has not what the service says, or too much of it")
	}
}

func checkEnvironment(t *testing.T, hub *hubtest.Hub, environment map[string]string) {
	t.Helper()
	const scopes = `["access:services","access:services!service=whoami"]`
	for name, want := range map[string]string{
		"JUPYTERHUB_SERVICE_NAME": "whoami", "JUPYTERHUB_SERVICE_PREFIX": "/services/whoami/", "JUPYTERHUB_CLIENT_ID": "service-whoami",
		"JUPYTERHUB_API_URL": hub.APIURL() + "/hub/api", "JUPYTERHUB_BASE_URL": "/", "JUPYTERHUB_HOST": hub.URL,
		"JUPYTERHUB_PUBLIC_URL": hub.URL + "/services/whoami/", "JUPYTERHUB_PUBLIC_HUB_URL": hub.URL + "/hub/",
		"JUPYTERHUB_OAUTH_CALLBACK_URL": "/services/whoami/oauth_callback", "JUPYTERHUB_OAUTH_ACCESS_SCOPES": scopes, "JUPYTERHUB_OAUTH_SCOPES": scopes,
		"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": `["read:users!user"]`, "JPY_API_TOKEN": environment["JUPYTERHUB_API_TOKEN"],
		"JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": "0", "MINE": "very-secret-value",
	} {
		if got := environment[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"JUPYTERHUB_ACTIVITY_URL", "CADDYHUB_SECRET", "SECRET_OF_THE_TEST"} {
		if value, given := environment[name]; given {
			t.Errorf("%s is %q", name, value)
		}
	}
	var self user
	hub.API(environment["JUPYTERHUB_API_TOKEN"]).Do(http.MethodGet, "/hub/api/user", nil).JSON(t, &self)
	if self.Kind != "service" || self.Name != "whoami" {
		t.Errorf("its token belongs to %+v", self)
	}
}

// TestWebSocketOfService: a WebSocket to a service works, and ends with the
// session of its user.
func TestWebSocketOfService(t *testing.T) {
	t.Parallel()
	lines, _ := managed(t)
	hub := hubtest.Start(t, hubtest.Options{Hub: lines})
	ada := hub.LogIn("ada")
	answers(t, ada, "/services/whoami/", http.StatusOK)
	socket, answer, err := ada.WebSocket("/services/whoami/echo")
	if err != nil {
		t.Fatalf("%v, %s", err, answer)
	}
	if err := socket.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, message, err := socket.Read(t.Context()); err != nil || string(message) != "ada: hello" {
		t.Fatalf("%q, %v", message, err)
	}
	if _, answer, err := hub.LogIn("eve").WebSocket("/services/whoami/echo"); err == nil || answer.Status != http.StatusForbidden {
		t.Errorf("eve, who may not: %v, %s", err, answer)
	}
	ada.Do(http.MethodGet, "/hub/logout", nil, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")
	if _, _, err := socket.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("after the logout: %v", err)
	}
}

// TestLife: a service that ends is started again with another token; it goes on
// through a reload that does not concern it, is started anew by one that does,
// and ends with its configuration and with the hub.
func TestLife(t *testing.T) {
	t.Parallel()
	lines, _ := managed(t, "environment MINE one")
	hub := hubtest.Start(t, hubtest.Options{Hub: lines})
	ada := hub.LogIn("ada")
	first := processOf(t, ada)

	ada.Do(http.MethodGet, "/services/whoami/crash", nil, "Sec-Fetch-Mode", "navigate")
	var second process
	hubtest.Eventually(t, "another process", func() bool {
		got := ada.Do(http.MethodGet, "/services/whoami/environment", nil, "Sec-Fetch-Mode", "navigate")
		return got.Status == http.StatusOK && json.Unmarshal(got.Body, &second) == nil && second.PID != first.PID
	})
	if got := hub.API(first.Environ["JUPYTERHUB_API_TOKEN"]).Do(http.MethodGet, "/hub/api/user", nil); got.Status != http.StatusForbidden {
		t.Errorf("the token of the first run: %s", got)
	}

	caddyfile := hub.Caddyfile()
	if err := hub.Reload(strings.Replace(caddyfile, "allow all", "allow all\n\t\tadmins grace", 1)); err != nil {
		t.Fatal(err)
	}
	if now := processOf(t, ada); now.PID != second.PID {
		t.Errorf("a reload that does not concern it: process %d, was %d", now.PID, second.PID)
	}
	if err := hub.Reload(strings.Replace(caddyfile, "MINE one", "MINE two", 1)); err != nil {
		t.Fatal(err)
	}
	var third process
	hubtest.Eventually(t, "a process with another environment", func() bool {
		got := ada.Do(http.MethodGet, "/services/whoami/environment", nil, "Sec-Fetch-Mode", "navigate")
		return got.Status == http.StatusOK && json.Unmarshal(got.Body, &third) == nil && third.Environ["MINE"] == "two"
	})
	if third.PID == second.PID {
		t.Error("the same process")
	}

	begin, end := strings.Index(caddyfile, "service whoami {"), strings.Index(caddyfile, "group class {")
	if err := hub.Reload(caddyfile[:begin] + caddyfile[end:]); err != nil {
		t.Fatal(err)
	}
	hubtest.Eventually(t, "the end of the service", func() bool { return !exists(third.PID) })
	if got := hub.API(third.Environ["JUPYTERHUB_API_TOKEN"]).Do(http.MethodGet, "/hub/api/user", nil); got.Status != http.StatusForbidden {
		t.Errorf("the token of a service that is gone: %s", got)
	}
	if got := ada.Do(http.MethodGet, "/services/whoami/", nil, "Sec-Fetch-Mode", "navigate"); got.Status != http.StatusNotFound {
		t.Errorf("the path of a service that is gone: %s", got)
	}

	if err := hub.Reload(caddyfile); err != nil {
		t.Fatal(err)
	}
	fourth := processOf(t, ada)
	hub.Stop()
	if exists(fourth.PID) {
		t.Error("the service outlives the hub")
	}
	hub.Restart()
	fifth := processOf(t, ada)
	hub.Kill()
	hub.Restart()
	if sixth := processOf(t, ada); sixth.PID == fifth.PID || exists(fifth.PID) {
		t.Error("the service outlives a hub that was killed")
	}
}
