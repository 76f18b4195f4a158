package oauth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func TestServiceClient(t *testing.T) {
	tests := map[string]struct {
		service identity.Service
		want    identity.OAuthClient
	}{
		"routed": {
			identity.Service{Name: "my app", URL: "http://127.0.0.1:9000"},
			identity.OAuthClient{ID: "service-my app", RedirectURI: "/jupyter/services/my%20app/oauth_callback", Description: "JupyterHub service my app", Target: scope.Client{Service: "my app"}},
		},
		"external": {
			identity.Service{Name: "x", OAuthRedirectURI: "https://x.example/cb", OAuthClientID: "service-other", OAuthNoConfirm: true, OAuthClientAllowedScopes: []string{"tokens"}},
			identity.OAuthClient{ID: "service-other", RedirectURI: "https://x.example/cb", Description: "JupyterHub service x", Target: scope.Client{Service: "x"}, NoConfirm: true, AllowedScopes: []string{"tokens"}},
		},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, oauth.ServiceClient(hubpath.Base("/jupyter/").Service, test.service)); diff != "" || !oauth.IsServiceClient(test.service) {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if oauth.IsServiceClient(identity.Service{Name: "culler", Admin: true}) {
		t.Error("a service that only calls the API is a client")
	}
}

// apply registers services and returns which clients there are afterwards.
func (h *hub) apply(t *testing.T, services ...identity.ConfiguredService) (ids []string, err error) {
	t.Helper()
	err = h.store.Update(t.Context(), func(w store.Writer) error {
		return oauth.ApplyServices(w, h.directory, hubpath.Base("/").Service, services)
	})
	records := store.Collection[identity.OAuthClient]{Kind: "oauth_client"}
	failed := h.store.View(t.Context(), func(r store.Reader) error {
		ids = nil
		return records.Each(r, "", func(item store.Item[identity.OAuthClient]) error {
			ids = append(ids, item.Value.ID)
			return nil
		})
	})
	if failed != nil {
		t.Fatal(failed)
	}
	return ids, err
}

func service(name, token, redirect string) identity.ConfiguredService {
	return identity.ConfiguredService{Service: identity.Service{Name: name, OAuthRedirectURI: redirect}, APIToken: token}
}

// A service that leaves the configuration leaves with all its tokens; servers
// stay, and what has not changed is not written.
func TestApplyServices(t *testing.T) {
	h := newHub(t)
	grafana := configuration().Services[0]
	version := func() uint64 {
		var version uint64
		if err := h.store.View(t.Context(), func(r store.Reader) error {
			record, err := r.Get(store.Key{Kind: "oauth_client", ID: serviceID})
			version = record.Version
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return version
	}
	before := version()
	if _, err := h.apply(t, grafana); err != nil || version() != before {
		t.Errorf("written again: %v", err)
	}
	renewed := grafana
	renewed.APIToken = "another secret"
	if _, err := h.apply(t, renewed); err != nil || h.exchange(t, "x", "client_id", serviceID, "client_secret", serviceSecret).StatusCode != 401 ||
		h.exchange(t, "x", "client_id", serviceID, "client_secret", "another secret").StatusCode != 400 {
		t.Errorf("the old secret is good: %v", err)
	}
	changed := grafana
	changed.OAuthNoConfirm = true
	if _, err := h.apply(t, changed); err != nil || version() == before {
		t.Errorf("not written: %v", err)
	}
	ada, _ := h.login(t, "ada")
	code := get(t, ada, h.request("client_id", serviceID, "redirect_uri", serviceCallback)).told(serviceCallback).Get("code")
	token, err := h.service().Exchange(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := h.apply(t, changed, service("b", "token-of-b", "/cb"), service("no-token", "", "/cb"), identity.ConfiguredService{Service: identity.Service{Name: "culler"}, APIToken: "token"})
	if diff := cmp.Diff([]string{serverID, "service-b", serviceID}, ids); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	ids, err = h.apply(t, service("b", "token-of-b", "/cb"))
	if diff := cmp.Diff([]string{serverID, "service-b"}, ids); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := h.directory.ByToken(t.Context(), token.AccessToken); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("a token of a service that is gone: %v", err)
	}
}

func TestBadServices(t *testing.T) {
	h := newHub(t)
	named := service("a", "token", "/cb")
	named.OAuthClientID = "jupyterhub-user-ada"
	twin := service("b", "token", "/cb")
	twin.OAuthClientID = "service-a"
	addressless := service("a", "token", "")
	addressless.OAuthNoConfirm = true
	tests := map[string][]identity.ConfiguredService{
		"must start with":            {named},
		"belongs to another service": {service("a", "token", "/cb"), twin},
		"needs an oauth_redirect":    {addressless},
		"fragment":                   {service("a", "token", "https://a.example/cb#x")},
		"a user":                     {service("a", "token", "https://u@a.example/cb")},
		"scheme javascript":          {service("a", "token", "JavaScript:alert(1)")},
		"be a path":                  {service("a", "token", "//a.example/cb")},
		"begin with a slash":         {service("a", "token", "a.example/cb")},
		"percent-encoded":            {service("a", "token", "https://a.example/ü")},
		"no host":                    {service("a", "token", "https:///cb")},
	}
	for want, services := range tests {
		ids, err := h.apply(t, services...)
		if !errors.Is(err, oauth.ErrService) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if len(ids) != 2 {
			t.Errorf("%s: something was written: %v", want, ids)
		}
	}
}
