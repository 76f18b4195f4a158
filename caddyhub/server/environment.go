package server

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// environment is what a server finds when it begins (JupyterHub "5.7").
func (s Settings) environment(user, name, secret string) (map[string]string, error) {
	host, err := s.publicOrigin()
	if err != nil {
		return nil, err
	}
	params := spawner.Params{
		User:              user,
		Server:            name,
		Token:             secret,
		ClientID:          hubpath.ClientID(user, name),
		CallbackURL:       s.callback(user, name),
		AllowedScopes:     s.Launch.AllowedScopes,
		APIURL:            s.APIURL,
		BaseURL:           string(s.Base),
		Prefix:            s.Base.Server(user, name),
		Host:              host,
		CookieOptions:     s.Launch.CookieOptions,
		CookieHostPrefix:  s.Launch.CookieHostPrefix,
		RootDir:           s.Launch.NotebookDir,
		DefaultURL:        s.Launch.DefaultURL,
		Debug:             s.Launch.Debug,
		DisableUserConfig: s.Launch.DisableUserConfig,
		Limits:            s.Launch.Resources,
		TLS:               s.Launch.TLS,
		Environment:       s.Launch.Environment,
	}
	if host != "" {
		params.PublicHubURL = host + s.Base.Hub("")
		params.PublicURL = host + params.Prefix
	}
	if s.UserOrigin != nil {
		params.PublicURL = s.url(user, name)
	}
	return spawner.Environment(params)
}

// publicOrigin is PublicURL without a path; empty if not known.
func (s Settings) publicOrigin() (string, error) {
	if s.PublicURL == "" {
		return "", nil
	}
	parsed, err := url.Parse(s.PublicURL)
	if err != nil || parsed.Scheme == "" || parsed.Host == "" {
		return "", fmt.Errorf("%w: public URL %q has no origin", spawner.ErrInvalid, s.PublicURL)
	}
	return parsed.Scheme + "://" + parsed.Host, nil
}

// url is where browsers reach a server: a path, with subdomains absolute.
func (s Settings) url(user, name string) string {
	path := s.Base.Server(user, name)
	if s.UserOrigin == nil {
		return path
	}
	return strings.TrimRight(s.UserOrigin(user), "/") + path
}

// callback is the redirect URI of the server's OAuth client.
func (s Settings) callback(user, name string) string { return s.url(user, name) + "oauth_callback" }

// userHost is the host of a user's subdomain; empty without subdomains.
func (s Settings) userHost(user string) (string, error) {
	if s.UserOrigin == nil {
		return "", nil
	}
	parsed, err := url.Parse(s.UserOrigin(user))
	if err != nil {
		return "", err
	}
	if parsed.Hostname() == "" {
		return "", fmt.Errorf("%w: no host", spawner.ErrInvalid)
	}
	return parsed.Hostname(), nil
}

// spec is the routespec of a server.
func (s Settings) spec(user, name string) (route.Spec, error) {
	host, err := s.userHost(user)
	if err != nil {
		return route.Spec{}, fmt.Errorf("server: origin of user: %w", err)
	}
	return route.ParseSpec(host + s.Base.Server(user, name))
}
