// Package api_test asks a running hub, over the network, for what the REST API
// does to the program and to the nodes beside it: services that come and go with
// their routes, routes that are put right, and the end of the hub.
package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

func TestMain(m *testing.M) { upstream.Main(m) }

// TestShutdown ends a hub through its API. Servers go on and are known after the
// next start, unless they were to be stopped.
func TestShutdown(t *testing.T) {
	hub := hubtest.Start(t, hubtest.Options{Admins: []string{"root"}, Spawner: upstream.Spawner(t)})
	token := hub.Token("root")
	root := hub.API(token)
	root.StartServer("root", "")
	root.WaitServer("root", "", true)

	if answer := root.Do("POST", "/hub/api/shutdown", `{"proxy":false}`); answer.Status != http.StatusBadRequest {
		t.Fatalf("without the proxy: %s", answer)
	}
	if answer := root.Do("POST", "/hub/api/shutdown", nil); answer.Status != http.StatusAccepted {
		t.Fatalf("%s", answer)
	}
	hub.WaitEnd()
	if len(hub.Processes()) == 0 {
		t.Error("the server has ended with the hub")
	}
	hub.Restart()
	root = hub.API(token)
	root.WaitServer("root", "", true)
	if answer := root.Do("POST", "/hub/api/shutdown", `{"servers":true}`); answer.Status != http.StatusAccepted {
		t.Fatalf("%s", answer)
	}
	hub.WaitEnd()
	if left := hub.Processes(); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	hub.Restart()
	hub.API(token).WaitServer("root", "", false)
}

// TestRuntimeService makes a service on one node and uses it on another. It
// outlives the nodes, and is gone everywhere when it is deleted.
func TestRuntimeService(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "service at %s", r.URL.Path)
	}))
	defer service.Close()
	one := hubtest.Start(t, hubtest.Options{
		Admins: []string{"root"}, Spawner: upstream.Spawner(t), Redis: redistest.Start(t, redistest.Options{Persistent: true}),
	})
	two := one.Node()
	root := one.API(one.Token("root"))
	made := root.Do("POST", "/hub/api/services/made", map[string]any{"url": service.URL, "api_token": "token-of-made", "info": map[string]any{"a": 1}})
	if made.Status != http.StatusCreated {
		t.Fatalf("%s", made)
	}
	visitors := []*hubtest.Client{one.LogIn("root"), two.LogIn("root")}
	reached := func(c *hubtest.Client) bool {
		answer := c.Do("GET", "/services/made/page", nil)
		return answer.Status == http.StatusOK && string(answer.Body) == "service at /services/made/page"
	}
	if !reached(visitors[0]) {
		t.Error("the service is not reached where it was made")
	}
	hubtest.Eventually(t, "the other node routes to the service", func() bool { return reached(visitors[1]) })
	if answer := two.API("token-of-made").Do("GET", "/hub/api/user", nil); answer.Status != http.StatusOK {
		t.Errorf("the token of the service: %s", answer)
	}
	two.Stop()
	two.Restart()
	if !reached(two.LogIn("root")) {
		t.Error("the service is not reached after a restart")
	}
	authorize := url.Values{"client_id": {"service-made"}, "redirect_uri": {"/services/made/oauth_callback"}, "response_type": {"code"}}
	if answer := two.LogIn("root").Do("GET", "/hub/api/oauth2/authorize?"+authorize.Encode(), nil); answer.Status != http.StatusOK {
		t.Errorf("the OAuth client is gone after a restart: %s", answer)
	}

	var routes map[string]any
	root.Do("GET", "/hub/api/proxy", nil).JSON(t, &routes)
	if routes["/services/made/"] == nil || routes["/"] == nil {
		t.Errorf("the routes are %v", routes)
	}
	if answer := root.Do("POST", "/hub/api/proxy", nil); answer.Status != http.StatusOK || !reached(visitors[0]) {
		t.Errorf("after a check: %s", answer)
	}

	second := two.API(two.Token("root"))
	if answer := second.Do("DELETE", "/hub/api/services/made", nil); answer.Status != http.StatusOK {
		t.Fatalf("%s", answer)
	}
	hubtest.Eventually(t, "no node routes to the service", func() bool { return !reached(visitors[0]) && !reached(visitors[1]) })
	for _, hub := range []*hubtest.Hub{one, two} {
		hubtest.Eventually(t, "the token has ended", func() bool {
			return hub.API("token-of-made").Do("GET", "/hub/api/user", nil).Status == http.StatusForbidden
		})
	}
}
