package services_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestPublic: a public service is reached by everybody at its path below the
// hub, and logs in for itself, as behind JupyterHub's proxy.
func TestPublic(t *testing.T) {
	t.Parallel()
	lines, _ := managed(t, "public")
	hub := hubtest.Start(t, hubtest.Options{Hub: lines})
	nobody := hub.Anonymous()
	got := answers(t, nobody, "/services/whoami/", http.StatusFound)
	if to := got.Header.Get("Location"); !strings.HasPrefix(to, hub.URL+"/hub/api/oauth2/authorize?") || !strings.Contains(to, "client_id=service-whoami") {
		t.Errorf("the service sends to %s", to)
	}
	if got := nobody.Do(http.MethodGet, "/services/whoami/token", nil); got.Status != http.StatusForbidden {
		t.Errorf("a page for tokens, without one: %s", got)
	}
	if got := hub.API(adasToken(hub)).Do(http.MethodGet, "/services/whoami/token", nil); got.Status != http.StatusOK {
		t.Errorf("with one: %s", got)
	}

	ada := newBrowser(t)
	at := ada.logIn(ada.open(hub.URL+"/services/whoami/"), "ada")
	if at.url.Path != "/hub/api/oauth2/authorize" {
		t.Fatalf("not the page that asks: %d %s", at.status, at.url)
	}
	ada.visited = nil
	if who := ada.submit(at, nil).who(t); who.Name != "ada" {
		t.Errorf("ada is %+v", who)
	}
	if diff := cmp.Diff([]string{hub.URL + "/services/whoami/oauth_callback", hub.URL + "/services/whoami/"}, ada.visited); diff != "" {
		t.Errorf("her way: %s", diff)
	}
	if who := ada.open(hub.URL + "/services/whoami/cookie").who(t); who.Name != "ada" {
		t.Errorf("by the cookie of the service: %+v", who)
	}
	eve := newBrowser(t)
	if at := eve.logIn(eve.open(hub.URL+"/services/whoami/"), "eve"); at.status != http.StatusForbidden {
		t.Errorf("eve, who may not: %d %s", at.status, at.url)
	}
}

// adasToken is a token of a user who has logged in before.
func adasToken(hub *hubtest.Hub) string {
	hub.LogIn("ada")
	return hub.Token("ada")
}
