package subdomains_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/jupyterhub"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

const originalToken = "0123456789abcdef0123456789abcdef"

// TestAddressesAreThoseOfJupyterHub compares what servers and clients are told with
// what JupyterHub says with subdomain_host, for names of every kind.
func TestAddressesAreThoseOfJupyterHub(t *testing.T) {
	t.Parallel()
	spawner := upstream.Spawner(t)
	variable := regexp.MustCompile(`environment (\w+) 1`).FindStringSubmatch(spawner)[1]
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	original := jupyterhub.Start(t, jupyterhub.Options{Config: fmt.Sprintf(`
c.JupyterHub.subdomain_host = c.JupyterHub.public_url.rstrip("/")
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Spawner.cmd = [%q]
c.Spawner.environment = {%q: "1"}
c.JupyterHub.load_roles = [{"name": "all", "scopes": ["admin:users", "admin:servers", "access:servers"], "services": ["test"]}]
c.JupyterHub.services = [{"name": "test", "api_token": %q}]
`, self, variable, originalToken)})
	ours := hubtest.Start(t, hubtest.Options{Spawner: spawner, Hosts: []string{"localhost", ""}, Hub: `subdomains localhost
		role all {
			scopes admin:users admin:servers access:servers
			services test
		}
		service test {
			api_token ` + originalToken + `
		}`})
	for _, user := range []string{"ada", "grace-hopper", "jürgen"} {
		want, got := addresses(t, original.URL, user), addresses(t, ours.URL, user)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-JupyterHub +caddyhub):\n%s", user, diff)
		}
	}
}

// told are the variables of a server and the fields of its model that are about
// where things are.
var told = []string{
	"JUPYTERHUB_HOST", "JUPYTERHUB_PUBLIC_URL", "JUPYTERHUB_PUBLIC_HUB_URL", "JUPYTERHUB_OAUTH_CALLBACK_URL",
	"JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_BASE_URL",
	"url", "full_url", "progress_url", "full_progress_url", "server",
}

// addresses starts the server of a user and returns what it and its clients are
// told, with HUB for the address of the hub.
func addresses(t *testing.T, hub, user string) map[string]string {
	t.Helper()
	host := strings.TrimPrefix(hub, "http://")
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, strings.Replace(host, "localhost", "127.0.0.1", 1))
	}}}
	defer client.CloseIdleConnections()
	ask := func(method, address string, into any) int {
		request, err := http.NewRequestWithContext(t.Context(), method, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "token "+originalToken)
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err == nil && into != nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", method, address, err, text)
		}
		return answer.StatusCode
	}
	api := hub + "/hub/api/users/" + user
	if status := ask(http.MethodPost, api, nil); status != http.StatusCreated {
		t.Fatalf("user %s: %d", user, status)
	}
	ask(http.MethodPost, api+"/server", nil)
	var model struct {
		Server  *string
		Servers map[string]map[string]any
	}
	hubtest.Eventually(t, "the server of "+user+" is ready", func() bool {
		ask(http.MethodGet, api, &model)
		ready, _ := model.Servers[""]["ready"].(bool)
		return ready && model.Server != nil
	})
	found := map[string]string{"server": *model.Server}
	for field, value := range model.Servers[""] {
		found[field] = fmt.Sprint(value)
	}
	var arrived upstream.Request
	ask(http.MethodGet, found["url"]+"x", &arrived)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", arrived.Process))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\x00") {
		name, value, _ := strings.Cut(line, "=")
		found[name] = value
	}
	port := host[strings.LastIndexByte(host, ':'):]
	list := make(map[string]string, len(told))
	for _, name := range told {
		list[name] = strings.ReplaceAll(found[name], port, ":PORT")
	}
	return list
}
