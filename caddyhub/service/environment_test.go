package service

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// The variables that JupyterHub 5.5.1 gives to a managed service (section 10),
// but for the token.
func TestEnvironment(t *testing.T) {
	hub := spawner.Params{
		APIURL: "http://127.0.0.1:8081/hub/api", BaseURL: "/", Host: "https://hub.example.org",
		PublicHubURL: "https://hub.example.org/hub/", Token: "not-for-the-service",
	}
	const access = `["access:services","access:services!service=wiki"]`
	common := map[string]string{
		"JUPYTERHUB_SERVICE_NAME": "wiki", "JUPYTERHUB_CLIENT_ID": "service-wiki", "JUPYTERHUB_USER": "", "JUPYTERHUB_SERVER_NAME": "",
		"JUPYTERHUB_API_URL": "http://127.0.0.1:8081/hub/api", "JUPYTERHUB_BASE_URL": "/", "JUPYTERHUB_HOST": "https://hub.example.org",
		"JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example.org/hub/", "JUPYTERHUB_OAUTH_SCOPES": access, "JUPYTERHUB_OAUTH_ACCESS_SCOPES": access,
		"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": "[]", "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": "0", "JUPYTERHUB_PUBLIC_URL": "",
	}
	with := func(more map[string]string) map[string]string {
		all := make(map[string]string)
		for _, from := range []map[string]string{common, more} {
			for name, value := range from {
				all[name] = value
			}
		}
		return all
	}
	for name, test := range map[string]struct {
		params Params
		want   map[string]string
	}{
		"with a URL": {Params{URL: "http://127.0.0.1:9000", CallbackURL: "/services/wiki/oauth_callback"}, with(map[string]string{
			"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:9000", "JUPYTERHUB_SERVICE_PREFIX": "/services/wiki/",
			"JUPYTERHUB_PUBLIC_URL":         "https://hub.example.org/services/wiki/",
			"JUPYTERHUB_OAUTH_CALLBACK_URL": "/services/wiki/oauth_callback",
		})},
		"without": {Params{}, common},
		"with the operator's": {Params{User: "wiki", Environment: map[string]string{
			"MINE": "1", "JUPYTERHUB_API_URL": "http://other/hub/api", "JUPYTERHUB_SERVICE_NAME": "other",
		}}, with(map[string]string{"MINE": "1", "JUPYTERHUB_API_URL": "http://other/hub/api", "JUPYTERHUB_USER": "wiki"})},
		"with scopes": {Params{AllowedScopes: []string{"read:users!user"}}, with(map[string]string{
			"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": `["read:users!user"]`,
		})},
	} {
		test.params.Name, test.params.Prefix, test.params.ClientID, test.params.Hub = "wiki", "/services/wiki/", "service-wiki", hub
		got, err := Environment(test.params)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, %s", name, err, diff)
		}
	}
	for _, environment := range []map[string]string{{"A=B": ""}, {"": ""}, {"A": "\x00"}} {
		if _, err := Environment(Params{Name: "wiki", Hub: hub, Environment: environment}); !errors.Is(err, spawner.ErrInvalid) {
			t.Errorf("%q: %v", environment, err)
		}
	}
}
