package logins_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/jupyterhub"
)

// clientSecret is the one that the hub has at every provider.
const clientSecret = "the secret of the hub at the provider"

// account is what a provider says of somebody.
type account map[string]any

// ada may log in; she has the right address and roles.
func ada() account {
	return account{
		"preferred_username": "Ada", "name": "Ada Lovelace", "email": "ada@example.org", "email_verified": true,
		"realm_access": map[string]any{"roles": []string{"makers", "operators"}},
	}
}

// provider is oidc-provider, the OpenID provider from npm, in a process of its own.
type provider struct {
	// URL is its issuer.
	URL string

	t        testing.TB
	port     int
	settings map[string]any
	command  *exec.Cmd
	said     *bytes.Buffer
}

// newProvider is a provider that does not run yet: the hub has to know its address,
// and it those of the hub.
func newProvider(t testing.TB) *provider {
	t.Helper()
	port := hubtest.FreePort(t)
	return &provider{URL: fmt.Sprintf("http://127.0.0.1:%d", port), t: t, port: port}
}

// afterLogout is where the provider sends people after a logout. Nobody is there.
const afterLogout = "http://127.0.0.1:1/logged-out"

// start starts it for a hub, whose authenticator there has a name and a callback.
func (p *provider) start(h *hubtest.Hub, name, callback string, lifetime int) {
	p.t.Helper()
	p.settings = map[string]any{
		"port": p.port, "lifetime": lifetime,
		"clients": []map[string]any{{
			"client_id": "hub", "client_secret": clientSecret, "redirect_uris": []string{h.URL + callback},
			"grant_types": []string{"authorization_code", "refresh_token"}, "post_logout_redirect_uris": []string{afterLogout},
			"backchannel_logout_uri": h.URL + "/hub/login/" + name + "/backchannel_logout", "backchannel_logout_session_required": true,
		}},
	}
	p.run()
	p.accounts(map[string]account{"ada": ada()})
}

// run starts the process and waits until it answers.
func (p *provider) run() {
	p.t.Helper()
	settings, err := json.Marshal(p.settings)
	if err != nil {
		p.t.Fatal(err)
	}
	bin := jupyterhub.NodeModules(p.t)
	module := filepath.Join(filepath.Dir(bin), "oidc-provider", "lib", "index.js")
	if _, err := os.Stat(module); err != nil {
		if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
			p.t.Fatal(err)
		}
		p.t.Skip(err)
	}
	p.said = new(bytes.Buffer)
	p.command = exec.Command(filepath.Join(bin, "node"), filepath.Join("testdata", "provider.mjs"), module, string(settings))
	p.command.Stdout, p.command.Stderr = p.said, p.said
	if err := p.command.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(p.stop)
	hubtest.Eventually(p.t, "the provider answers", func() bool {
		answer, err := http.Get(p.URL + "/.well-known/openid-configuration")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// stop ends the process, as an outage does.
func (p *provider) stop() {
	if p.command == nil {
		return
	}
	_ = p.command.Process.Kill() // it may have ended
	_ = p.command.Wait()         // killed
	p.command = nil
	if p.t.Failed() {
		p.t.Logf("the provider says:\n%s", p.said)
	}
}

// accounts replaces all accounts.
func (p *provider) accounts(all map[string]account) {
	p.t.Helper()
	text, err := json.Marshal(all)
	if err != nil {
		p.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPut, p.URL+"/control/accounts", bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	answer.Body.Close()
}

// count is how often something has happened there: "grant.success refresh_token".
func (p *provider) count(event string) int {
	p.t.Helper()
	answer, err := http.Get(p.URL + "/control/counts")
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	counts := make(map[string]int)
	if err := json.NewDecoder(answer.Body).Decode(&counts); err != nil {
		p.t.Fatal(err)
	}
	return counts[event]
}

// block is the authenticator in the Caddyfile.
func (p *provider) block(name string, more ...string) string {
	lines := append([]string{
		"issuer " + p.URL, "client_id hub", `client_secret "` + clientSecret + `"`,
	}, more...)
	return "authenticator oidc " + name + " {\n\t\t\t" + strings.Join(lines, "\n\t\t\t") + "\n\t\t}"
}
