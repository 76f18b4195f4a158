package exchange_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestLimitedToServer is a hub that is used through its API alone, with no page and
// no login of ours: a portal lets people into one server each, and into nothing else.
func TestLimitedToServer(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	hub := hubtest.Start(t, hubtest.Options{
		Authenticator: "authenticator null", NamedServers: true, Site: p.directive("limit_to_server", "start_server"),
		Hub: `service board {
			oauth_redirect_uri http://localhost:1/callback
			api_token {env.BOARD_TOKEN}
		}
		role portal {
			scopes admin:users admin:servers
			services portal
		}
		service portal {
			api_token {env.PORTAL_TOKEN}
		}`,
		Environment: []string{"BOARD_TOKEN=board-token-0123456789", "PORTAL_TOKEN=portal-token-0123456789"},
	})
	withoutPages := strings.Replace(hub.Caddyfile(), "\thub\n}", "\troute {\n\t\thub_api\n\t\thub_oauth\n\t\thub_auth servers\n\t\thub_proxy\n\t}\n}", 1)
	if err := hub.Reload(withoutPages); err != nil {
		t.Fatal(err)
	}
	ada := hub.Anonymous()
	// The browser waits where it is while its server starts: there is no other place.
	answer := ada.Do(http.MethodGet, "/hub/login?login_token="+p.token(`{"name": "ada", "server": "lab"}`), nil, "Accept", "text/html")
	for answer.Status == http.StatusServiceUnavailable { // the machine is slow
		answer = ada.Do(http.MethodGet, "/hub/login?login_token="+p.token(`{"name": "ada", "server": "lab"}`), nil, "Accept", "text/html")
	}
	if answer.Status != http.StatusSeeOther || answer.Header.Get("Location") != "/user/ada/lab/" {
		t.Fatalf("arrival: %s", answer)
	}
	if last, path := follow(t, ada, "/user/ada/lab/"); last.Status != http.StatusOK || !strings.HasPrefix(path, "/user/ada/lab/lab") || !strings.Contains(string(last.Body), "jupyter-config-data") {
		t.Errorf("the way ends at %s: %s", path, last)
	}
	hub.API("portal-token-0123456789").Do(http.MethodPost, "/hub/api/users/ada/servers/other", nil)
	for path, want := range map[string][]int{
		"/user/ada/lab/api/status":  {200},
		"/user/ada/":                {403, 404},
		"/user/ada/other/":          {403, 404},
		"/user/eve/":                {403, 404},
		"/services/board/":          {403, 404},
		"/hub/home":                 {404},
		"/hub/token":                {404},
		"/hub/login":                {404},
		"/hub/api/users":            {403},
		"/hub/api/users/ada/tokens": {403, 404},
		"/hub/api/users/eve":        {403, 404},
		"/hub/api/groups":           {403},
		"/hub/api/oauth2/authorize?client_id=service-board&redirect_uri=http://localhost:1/callback&response_type=code":                {403},
		"/hub/api/oauth2/authorize?client_id=jupyterhub-user-ada-other&redirect_uri=/user/ada/other/oauth_callback&response_type=code": {400, 403},
	} {
		answer := ada.Do(http.MethodGet, path, nil)
		good := false
		for _, status := range want {
			good = good || answer.Status == status
		}
		if !good {
			t.Errorf("GET %s: %s, want %v", path, answer, want)
		}
	}
	if answer := ada.Do(http.MethodPost, "/hub/api/users/ada/tokens", map[string]any{"scopes": []string{"inherit"}}, "X-XSRFToken", "x"); answer.Status == http.StatusCreated {
		t.Errorf("a token for everything: %s", answer)
	}
	var user struct {
		Name   string
		Scopes []string
	}
	ada.Do(http.MethodGet, "/hub/api/user", nil).JSON(t, &user)
	for _, scope := range user.Scopes {
		if !strings.HasSuffix(scope, "!server=ada/lab") && !strings.HasSuffix(scope, "!user=ada") || strings.HasPrefix(scope, "tokens") {
			t.Errorf("%s has the scope %s", user.Name, scope)
		}
	}
	refused := hub.Anonymous().Do(http.MethodGet, "/hub/login?login_token="+p.token(`{"name": "ada"}`), nil)
	if refused.Status != http.StatusForbidden {
		t.Errorf("a token without a server: %s", refused)
	}
}
