package subdomains_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// What servers are told of where they are, and what clients of the API are, is
// what JupyterHub says with subdomain_host.
func TestAddresses(t *testing.T) {
	t.Parallel()
	town := newTown(t, hubtest.Options{Spawner: upstream.Spawner(t), Admins: []string{"ada"}, NamedServers: true})
	town.LogIn("ada")
	api := town.API(town.Token("ada"))
	api.StartServer("ada", "")
	api.StartServer("ada", "big one")
	own := town.of("ada")

	var model struct {
		Server  string
		Servers map[string]map[string]any
	}
	api.Do(http.MethodGet, "/hub/api/users/ada", nil).JSON(t, &model)
	if model.Server != own+"/user/ada/" {
		t.Errorf("server of the user: %q", model.Server)
	}
	for name, want := range map[string]map[string]any{
		"": {
			"url": own + "/user/ada/", "full_url": own + "/user/ada/",
			"progress_url": "/hub/api/users/ada/server/progress", "full_progress_url": town.URL + "/hub/api/users/ada/server/progress",
		},
		"big one": {
			"url": own + "/user/ada/big%20one/", "full_url": own + "/user/ada/big%20one/",
			"progress_url":      "/hub/api/users/ada/servers/big%20one/progress",
			"full_progress_url": town.URL + "/hub/api/users/ada/servers/big%20one/progress",
		},
	} {
		got := map[string]any{}
		for field := range want {
			got[field] = model.Servers[name][field]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("server %q (-want +got):\n%s", name, diff)
		}
	}
	var routes map[string]any
	api.Do(http.MethodGet, "/hub/api/proxy", nil).JSON(t, &routes)
	if routes["ada."+domain+"/user/ada/"] == nil || routes["ada."+domain+"/user/ada/big%20one/"] == nil {
		t.Errorf("routes: %v", routes)
	}

	var arrived upstream.Request
	api.Do(http.MethodGet, own+"/user/ada/big%20one/x", nil).JSON(t, &arrived)
	got := map[string]string{}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", arrived.Process))
	if err != nil {
		t.Fatal(err)
	}
	for variable := range strings.SplitSeq(string(text), "\x00") {
		name, value, _ := strings.Cut(variable, "=")
		got[name] = value
	}
	for name, want := range map[string]string{
		"JUPYTERHUB_HOST":               town.URL,
		"JUPYTERHUB_PUBLIC_HUB_URL":     town.URL + "/hub/",
		"JUPYTERHUB_PUBLIC_URL":         own + "/user/ada/big%20one/",
		"JUPYTERHUB_OAUTH_CALLBACK_URL": own + "/user/ada/big%20one/oauth_callback",
		"JUPYTERHUB_SERVICE_PREFIX":     "/user/ada/big%20one/",
		"JUPYTERHUB_BASE_URL":           "/",
		"JUPYTERHUB_ACTIVITY_URL":       town.APIURL() + "/hub/api/users/ada/activity",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

// A service has a host of its own too: the link in the menu leads there, and its
// OAuth client expects its codes there.
func TestService(t *testing.T) {
	t.Parallel()
	port := hubtest.FreePort(t)
	listener := httptest.NewUnstartedServer(upstream.Handler())
	var err error
	if listener.Listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
		t.Fatal(err)
	}
	listener.Start()
	t.Cleanup(listener.Close)
	town := newTown(t, hubtest.Options{
		Spawner: upstream.Spawner(t), Admins: []string{"ada"},
		Hub: fmt.Sprintf("service weather {\n\t\t\tapi_token 0123456789abcdef0123456789abcdef\n\t\t\turl http://127.0.0.1:%d\n\t\t}", port),
	})
	ada := town.LogIn("ada")
	home := ada.Do(http.MethodGet, "/hub/home", nil, "Sec-Fetch-Mode", "navigate")
	own := town.of("weather--service") + "/services/weather/"
	if !strings.Contains(string(home.Body), `href="`+own+`"`) {
		t.Errorf("no link to %s: %s", own, home)
	}
	end, answer := navigate(t, ada, own+"x")
	wantServer(t, answer)
	if end != own+"x" {
		t.Errorf("the service is at %s", end)
	}
	got := ada.Do(http.MethodGet, "/hub/api/oauth2/authorize?client_id=service-weather&response_type=code&state=s", nil, "Sec-Fetch-Mode", "navigate")
	if location := got.Header.Get("Location"); !strings.HasPrefix(location, own+"oauth_callback?") && !strings.Contains(string(got.Body), own) {
		t.Errorf("authorize: %s", got)
	}
}

// An OAuth login at a server's host works too: with programs that log in
// themselves, and ignore what the edge says about their visitor.
func TestOAuth(t *testing.T) {
	t.Parallel()
	town := newTown(t, hubtest.Options{Spawner: upstream.Spawner(t)})
	town.server("ada")
	ada := town.LogIn("ada")
	callback := town.of("ada") + "/user/ada/oauth_callback"
	got := ada.Do(http.MethodGet, "/hub/api/oauth2/authorize?client_id=jupyterhub-user-ada&response_type=code&state=s&redirect_uri="+callback, nil, "Sec-Fetch-Mode", "navigate")
	if location := got.Header.Get("Location"); got.Status != http.StatusFound || !strings.HasPrefix(location, callback+"?code=") {
		t.Fatalf("%s", got)
	}
	got = ada.Do(http.MethodGet, "/hub/api/oauth2/authorize?client_id=jupyterhub-user-ada&response_type=code&state=s&redirect_uri=/user/ada/oauth_callback", nil, "Sec-Fetch-Mode", "navigate")
	if got.Status != http.StatusBadRequest {
		t.Errorf("another redirect_uri than the registered one: %s", got)
	}
}
