package service

import (
	"cmp"
	"maps"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// Params is what Environment needs to know of a service and its hub.
type Params struct {
	// Name of the service: JUPYTERHUB_SERVICE_NAME.
	Name string
	// URL is where it is to listen: JUPYTERHUB_SERVICE_URL. Empty for none;
	// then Prefix is not told either.
	URL string
	// Prefix is its path, "/services/NAME/": JUPYTERHUB_SERVICE_PREFIX.
	Prefix string
	// PublicURL is where browsers reach it, if that is not Prefix at the hub's host:
	// JUPYTERHUB_PUBLIC_URL.
	PublicURL string
	// ClientID and CallbackURL are those of its OAuth client:
	// JUPYTERHUB_CLIENT_ID, JUPYTERHUB_OAUTH_CALLBACK_URL.
	ClientID    string
	CallbackURL string
	// AllowedScopes is oauth_client_allowed_scopes:
	// JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES.
	AllowedScopes []string
	// User is the system account, as JUPYTERHUB_USER; usually empty.
	User string
	// Hub are the hub's own: APIURL, BaseURL, Host, PublicHubURL,
	// CookieOptions, CookieHostPrefix. Other fields are not used.
	Hub spawner.Params
	// Environment is the operator's. It wins over all but the name, the URL and
	// the prefix, as in JupyterHub.
	Environment map[string]string
}

// Environment returns the variables of a managed service as JupyterHub 5 sets
// them (section 10), but for its token, which its start adds. A name that no
// variable can have is an error that wraps spawner.ErrInvalid.
func Environment(p Params) (map[string]string, error) {
	params := p.Hub
	params.User, params.Server = p.User, ""
	params.ClientID, params.CallbackURL = p.ClientID, p.CallbackURL
	params.AllowedScopes = p.AllowedScopes
	params.AccessScopes = []string{"access:services", "access:services!service=" + p.Name}
	params.Prefix, params.PublicURL = p.Prefix, ""
	if p.URL != "" && params.Host != "" {
		params.PublicURL = cmp.Or(p.PublicURL, params.Host+p.Prefix)
	}
	params.Environment = nil
	env, err := spawner.Environment(params)
	if err != nil {
		return nil, err
	}
	// A service is no server, and its token comes with its start.
	for _, name := range []string{"JUPYTERHUB_ACTIVITY_URL", "JUPYTERHUB_SERVICE_PREFIX", tokenVariable, oldTokenVariable} {
		delete(env, name)
	}
	if p.CallbackURL == "" {
		delete(env, "JUPYTERHUB_OAUTH_CALLBACK_URL")
	}
	maps.Copy(env, p.Environment)
	env["JUPYTERHUB_SERVICE_NAME"] = p.Name
	if p.URL != "" {
		env["JUPYTERHUB_SERVICE_URL"] = p.URL
		env["JUPYTERHUB_SERVICE_PREFIX"] = p.Prefix
	}
	return env, spawner.ValidateEnvironment(env)
}

// The variables that hold the token of a service; the second one is for
// programs of JupyterHub 0.7 and before.
const (
	tokenVariable    = "JUPYTERHUB_API_TOKEN"
	oldTokenVariable = "JPY_API_TOKEN"
)
