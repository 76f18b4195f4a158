package exchange_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestForcedLogin is JupyterHub's own protocol, step by step: a portal that was
// written for it changes nothing.
func TestForcedLogin(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	hub := hubtest.Start(t, hubtest.Options{
		Authenticator: "authenticator null", Site: p.directive("portal https://portal.example.org/"),
	})
	ada := hub.Anonymous()
	first := ada.Do(http.MethodGet, "/hub/login?login_token="+p.token(`{"name": "ada"}`)+"&next=%2Fhub%2Fuser-redirect%2Flab%2Ftree%2F%3Fx%3D1", nil, "Accept", "text/html")
	if first.Status != http.StatusSeeOther || first.Header.Get("Location") != "/hub/user-redirect/lab/tree/?x=1" {
		t.Fatalf("login: %s", first)
	}
	if len(p.asked) != 1 || !strings.HasPrefix(p.asked[0], `POST /login application/json {"token":"`) {
		t.Errorf("the portal was asked %q", p.asked)
	}
	if last, path := follow(t, ada, first.Header.Get("Location")); last.Status != http.StatusOK || !strings.HasPrefix(path, "/user/ada/lab/tree") || !strings.Contains(string(last.Body), "jupyter-config-data") {
		t.Errorf("the way ends at %s: %s", path, last)
	}
	for name, test := range map[string]struct {
		worth string
		token string
		down  int
		want  int
		says  string
	}{
		"no token":    {"", "", 0, 400, "Login with external provider at https://portal.example.org/"},
		"unknown":     {"", "unknown", 0, 403, "Invalid token. Login with external provider at https://portal.example.org/"},
		"expired":     {"expired", "", 0, 403, "Invalid token."},
		"portal down": {`{"name": "ada"}`, "", 500, 503, "cannot be asked"},
	} {
		token := test.token
		if test.worth != "" {
			token = p.token(test.worth)
		}
		path := "/hub/login?next=%2Fhub%2Fhome"
		if token != "" {
			path += "&login_token=" + token
		}
		p.set(func() { p.status = test.down })
		visitor := hub.Anonymous()
		answer := visitor.Do(http.MethodGet, path, nil, "Accept", "text/html")
		if answer.Status != test.want || !strings.Contains(string(answer.Body), test.says) || whoIs(t, visitor) != "" {
			t.Errorf("%s: %s, want %d", name, answer, test.want)
		}
		p.set(func() { p.status = 0 })
	}
	if whoIs(t, ada) != "ada" {
		t.Error("ada is not logged in any more")
	}
}
