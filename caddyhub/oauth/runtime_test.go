package oauth_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// create makes a service as the API does.
func (h *hub) create(t *testing.T, service identity.Service, token string) error {
	t.Helper()
	return h.store.Update(t.Context(), func(w store.Writer) error {
		if err := h.directory.CreateService(w, service, token); err != nil {
			return err
		}
		return oauth.RegisterService(w, h.directory, hubpath.Base("/").Service, service, token)
	})
}

// TestRuntimeClients: services that are made through the API are clients of their
// own, and the configuration leaves them alone unless it wants the name.
func TestRuntimeClients(t *testing.T) {
	h := newHub(t)
	configured := service("wiki", "token-of-wiki", "https://wiki.example/cb")
	if _, err := h.apply(t, configured); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		service identity.Service
		token   string
		want    error
	}{
		"takes the client of another":  {identity.Service{Name: "thief", OAuthClientID: "service-wiki", OAuthRedirectURI: "/x"}, "token-of-thief", oauth.ErrService},
		"takes the client of a server": {identity.Service{Name: "thief", OAuthClientID: "jupyterhub-user-ada", OAuthRedirectURI: "/x"}, "token-of-thief", oauth.ErrService},
		"runs in the hub's origin":     {identity.Service{Name: "thief", OAuthRedirectURI: "javascript:alert(1)"}, "token-of-thief", oauth.ErrService},
		"leads nowhere":                {identity.Service{Name: "thief", OAuthNoConfirm: true}, "token-of-thief", oauth.ErrService},
		"is no client":                 {identity.Service{Name: "script"}, "token-of-script", nil},
		"has no secret":                {identity.Service{Name: "silent", URL: "http://10.0.0.1"}, "", nil},
		"is one":                       {identity.Service{Name: "made", URL: "http://10.0.0.1"}, "token-of-made", nil},
	} {
		if err := h.create(t, c.service, c.token); !errors.Is(err, c.want) {
			t.Errorf("a service that %s: %v", name, err)
		}
	}
	ids, err := h.apply(t, configured)
	if err != nil || !slices.Contains(ids, "service-made") || !slices.Contains(ids, "service-wiki") {
		t.Fatalf("the clients are %v, %v", ids, err)
	}
	if slices.Contains(ids, "service-script") || slices.Contains(ids, "service-silent") || slices.Contains(ids, "service-thief") {
		t.Errorf("the clients are %v", ids)
	}
	// Another configured service wants the id: the one that had it loses it.
	other := service("other", "token-of-other", "https://other.example/cb")
	other.OAuthClientID = "service-made"
	if _, err := h.apply(t, configured, other); err != nil {
		t.Fatal(err)
	}
	var client identity.OAuthClient
	err = h.store.View(t.Context(), func(r store.Reader) (err error) {
		client, err = identity.GetClient(r, "service-made")
		return err
	})
	if err != nil || client.Target.Service != "other" || !h.directory.VerifyClientSecret(client, "token-of-other") {
		t.Errorf("the client is %+v, %v", client, err)
	}
}
