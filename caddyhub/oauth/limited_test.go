package oauth_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// A token that a limited login gives to an application is not worth more than the
// login, though it outlives it and knows nothing of its limit.
func TestLimitedLogin(t *testing.T) {
	h := newHub(t)
	h.update(t, func(w store.Writer) error {
		client, err := identity.GetClient(w, serviceID)
		if err != nil {
			return err
		}
		client.NoConfirm, client.AllowedScopes = true, []string{"inherit", "self", "tokens!user", "access:servers!server=ada/"}
		return h.directory.PutClient(w, client, serviceSecret)
	})
	basic := []string{"access:services!service=grafana", "read:users:groups!user=ada", "read:users:name!user=ada"}
	ada, _ := h.limitedLogin(t, "ada", &identity.Limit{Scopes: []string{"access:services!service=grafana"}})
	for _, scope := range []string{"", "inherit", "self", "tokens!user", "access:servers!server=ada/", "user", "admin"} {
		told := get(t, ada, h.request("client_id", serviceID, "redirect_uri", serviceCallback, "scope", scope)).told(serviceCallback)
		if told.Get("error") != "" {
			continue
		}
		token, err := h.service().Exchange(t.Context(), told.Get("code"))
		if err != nil {
			t.Errorf("%q: %v, %v", scope, told, err)
			continue
		}
		who, err := h.directory.ByToken(t.Context(), token.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(basic, who.Scopes.Strings()); diff != "" {
			t.Errorf("%q: %s", scope, diff)
		}
	}
	other, _ := h.limitedLogin(t, "ada", &identity.Limit{Scopes: []string{"access:servers!server=ada/"}})
	if got := get(t, other, h.request("client_id", serviceID, "redirect_uri", serviceCallback)); got.StatusCode != http.StatusForbidden {
		t.Errorf("an application that the login does not open: %d", got.StatusCode)
	}
}
