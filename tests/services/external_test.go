package services_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

const externalToken = "token-of-the-external-service"

// external starts a hub that knows the service at an address of its own, and
// the service, as its operator would.
func external(t *testing.T, more ...string) (hub *hubtest.Hub, origin string) {
	t.Helper()
	origin = fmt.Sprintf("http://127.0.0.1:%d", hubtest.FreePort(t))
	hub = hubtest.Start(t, hubtest.Options{Hub: fmt.Sprintf(`
		service whoami {
			api_token %s
			oauth_redirect_uri %s/oauth_callback
			%s
		}
		custom_scope custom:whoami:read {
			description "Read in whoami"
		}
		custom_scope custom:whoami:write {
			description "Write in whoami"
			subscopes custom:whoami:read
		}
		role visitor {
			scopes access:services!service=whoami custom:whoami:write
			users ada
		}`, externalToken, origin, strings.Join(more, "\n\t\t\t"))})
	run(t, hub, origin)
	return hub, origin
}

// run starts the service and waits until it listens. It ends with the test.
func run(t *testing.T, hub *hubtest.Hub, origin string) {
	t.Helper()
	command := exec.Command(filepath.Join(hubtest.VirtualEnvironment(t), "bin", "python"), script(t))
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"JUPYTERHUB_API_TOKEN=" + externalToken, "JUPYTERHUB_API_URL=" + hub.APIURL() + "/hub/api",
		"JUPYTERHUB_SERVICE_NAME=whoami", "JUPYTERHUB_CLIENT_ID=service-whoami", "JUPYTERHUB_SERVICE_URL=" + origin,
		"JUPYTERHUB_SERVICE_PREFIX=/", "JUPYTERHUB_OAUTH_CALLBACK_URL=" + origin + "/oauth_callback",
		"JUPYTERHUB_HOST=" + hub.URL, "JUPYTERHUB_BASE_URL=/",
		`JUPYTERHUB_OAUTH_ACCESS_SCOPES=["access:services!service=whoami"]`,
	}
	var said output
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
		if t.Failed() {
			t.Logf("the service says:\n%s", said.String())
		}
	})
	hubtest.Eventually(t, "the service listens", func() bool { return strings.Contains(said.String(), "whoami listens") })
}

// output is what a program has said so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// TestExternal: a service at an address of its own logs users in through the
// hub. The hub asks the user once; who may not open the service does not get
// there; with the logout the login of the service ends too.
func TestExternal(t *testing.T) {
	t.Parallel()
	hub, origin := external(t)
	ada := newBrowser(t)
	at := ada.logIn(ada.open(origin+"/"), "ada")
	if at.status != http.StatusOK || at.url.Path != "/hub/api/oauth2/authorize" || !strings.Contains(at.body, "JupyterHub service whoami") {
		t.Fatalf("not the page that asks: %d %s\n%s", at.status, at.url, at.body)
	}
	who := ada.submit(at, nil).who(t)
	if who.Name != "ada" || !slices.Contains(who.Scopes, "access:services!service=whoami") {
		t.Errorf("ada is %+v", who)
	}
	if slices.Contains(who.Scopes, "custom:whoami:write") {
		t.Error("the service got more than it may ask for")
	}
	ada.visited = nil
	if who := ada.open(origin + "/").who(t); who.Name != "ada" || len(ada.visited) > 0 {
		t.Errorf("the next page: %+v, by way of %q", who, ada.visited)
	}
	forget(t, ada, origin)
	if who := ada.open(origin + "/").who(t); who.Name != "ada" {
		t.Errorf("the next login, for which nobody is asked again: %+v", who)
	}
	want := []string{hub.URL + "/hub/api/oauth2/authorize", origin + "/oauth_callback", origin + "/"}
	if diff := cmp.Diff(want, ada.visited); diff != "" {
		t.Errorf("its way: %s", diff)
	}

	if at := ada.open(hub.URL + "/hub/logout"); at.url.Path != "/hub/login" {
		t.Errorf("logout leads to %s", at.url)
	}
	hubtest.Eventually(t, "the service asks for a login", func() bool {
		at := ada.open(origin + "/")
		return at.status == http.StatusOK && at.url.Path == "/hub/login"
	})

	eve := newBrowser(t)
	if at := eve.logIn(eve.open(origin+"/"), "eve"); at.status != http.StatusForbidden || !strings.Contains(at.body, "JupyterHub service whoami") {
		t.Errorf("eve, who may not: %d %s", at.status, at.url)
	}
}

// forget drops what the service has given the browser.
func forget(t *testing.T, b *browser, origin string) {
	t.Helper()
	address, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range b.client.Jar.Cookies(address) {
		b.client.Jar.SetCookies(address, []*http.Cookie{{Name: cookie.Name, Path: "/", MaxAge: -1}})
	}
}

// TestNoConfirm: a service that the operator trusts logs in without asking.
func TestNoConfirm(t *testing.T) {
	t.Parallel()
	_, origin := external(t, "oauth_no_confirm")
	ada := newBrowser(t)
	if who := ada.logIn(ada.open(origin+"/"), "ada").who(t); who.Name != "ada" {
		t.Errorf("ada is %+v", who)
	}
	eve := newBrowser(t)
	if at := eve.logIn(eve.open(origin+"/"), "eve"); at.status != http.StatusForbidden {
		t.Errorf("eve, who may not: %d %s", at.status, at.url)
	}
}

// TestTokens: a client with a token of the hub uses a service, with a token of a
// user, as far as its scopes go, those that the operator has made up included.
func TestTokens(t *testing.T) {
	t.Parallel()
	hub, origin := external(t)
	hub.LogIn("ada")
	hub.LogIn("eve")
	const access = "access:services!service=whoami"
	tokens := map[string]string{
		"all of ada":       hub.Token("ada"),
		"access":           hub.Token("ada", "--scopes", access),
		"access and write": hub.Token("ada", "--scopes", access+",custom:whoami:write"),
		"read only":        hub.Token("ada", "--scopes", access+",custom:whoami:read"),
		"nothing":          hub.Token("ada", "--scopes", "read:users!user=ada"),
		"all of eve":       hub.Token("eve"),
		"none":             "",
		"wrong":            "no-token-of-anybody",
	}
	got := make(map[string][2]int)
	for name, token := range tokens {
		got[name] = [2]int{status(t, origin+"/token", token), status(t, origin+"/write", token)}
	}
	want := map[string][2]int{
		"all of ada": {200, 200}, "access": {200, 403}, "access and write": {200, 200}, "read only": {200, 403},
		"nothing": {403, 403}, "all of eve": {403, 403}, "none": {403, 302}, "wrong": {403, 302},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statuses of /token and /write: %s", diff)
	}
	answer := hub.API(tokens["all of eve"]).Do(http.MethodPost, "/hub/api/users/eve/tokens", map[string]any{"scopes": []string{"custom:whoami:write"}})
	if answer.Status != http.StatusBadRequest && answer.Status != http.StatusForbidden {
		t.Errorf("eve, who does not have it, gets a token with the scope: %s", answer)
	}
}

// status asks a page with a token, and follows no redirect.
func status(t *testing.T, address, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "token "+token)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
