// Package routes_test looks at hub_routes_api and hub_proxy beside a hub, and
// without one, as a Caddyfile has them.
package routes_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

func TestMain(m *testing.M) { upstream.Main(m) }

const token = "a-token-of-the-routes-api"

// TestBesideAHub: clients see the hub's routes and cannot change them, and what
// they add is behind the gate.
func TestBesideAHub(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t, hubtest.Options{
		Admins: []string{"ada"}, Spawner: upstream.Spawner(t),
		Site: "hub_routes_api {\n\t\tauth_token " + token + "\n\t}\n\thandle /unguarded/* {\n\t\thub_proxy\n\t}",
	})
	admin := hub.API(hub.Token("ada"))
	admin.StartServer("ada", "")
	api := hub.API(token)
	var table map[string]map[string]any
	api.Do(http.MethodGet, "/api/routes", nil).JSON(t, &table)
	own := table["/user/ada"]
	if own["user"] != "ada" || own["server_name"] != "" || own["jupyterhub"] != nil {
		t.Errorf("table %v", table)
	}
	body := func(target string, more string) json.RawMessage {
		return json.RawMessage(`{"target":"` + target + `"` + more + `}`)
	}
	target, _ := own["target"].(string)
	for what, got := range map[string]int{
		"replacing a route of the hub": api.Do(http.MethodPost, "/api/routes/user/ada", body("http://127.0.0.1:9", "")).Status,
		"deleting a route of the hub":  api.Do(http.MethodDelete, "/api/routes/user/ada", nil).Status,
	} {
		if got != http.StatusConflict {
			t.Errorf("%s: %d", what, got)
		}
	}
	for path, more := range map[string]string{"/unguarded/x": "", "/services/other": `,"service":"other"`} {
		if got := api.Do(http.MethodPost, "/api/routes"+path, body(target, more)); got.Status != http.StatusCreated {
			t.Errorf("adding %s: %s", path, got)
		}
	}
	anonymous := hub.Anonymous()
	for _, path := range []string{"/unguarded/x/", "/services/other/"} {
		answer := anonymous.Do(http.MethodGet, path, nil)
		if answer.Header.Get(upstream.Mark) != "" || answer.Status < 300 {
			t.Errorf("%s without a login: %s", path, answer)
		}
	}
	if answer := admin.Do(http.MethodGet, "/services/other/", nil); answer.Header.Get(upstream.Mark) == "" {
		t.Errorf("an administrator, who may access services: %s", answer)
	}
	if answer := admin.Do(http.MethodGet, "/unguarded/x/", nil); answer.Header.Get(upstream.Mark) != "" {
		t.Errorf("hub_proxy forwards what no gate has decided about: %s", answer)
	}
	if answer := admin.Do(http.MethodGet, "/api/routes", nil); answer.Status != http.StatusForbidden || strings.Contains(string(answer.Body), "ada") {
		t.Errorf("the routes API with a token of the hub: %s", answer)
	}
}
