// Package remoteuser is the module caddyhub.authenticators.remote_user: a proxy in
// front logs people in, and says in a header who they are.
package remoteuser

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/remoteuser"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Authenticator))
}

// Authenticator takes the word of a proxy in front, such as Apache with Kerberos
// or Shibboleth, for who somebody is. The proxy must remove the headers named here
// from what visitors send. A request that has one of them twice, or under a name
// that some programs take for the same, is refused.
type Authenticator struct {
	// Name tells several apart: in addresses, logs and sessions. Lower-case letters,
	// digits, "_" and "-". Default: remote_user, then remote_user_2 and so on.
	Name string `json:"name,omitempty"`
	// Header has the name of the user. Default: Remote-User.
	Header string `json:"header,omitempty"`
	// GroupsHeader has the groups of the user; with it they are the groups in the
	// hub, too. Default: the proxy says nothing about groups.
	GroupsHeader string `json:"groups_header,omitempty"`
	// GroupsSeparator stands between groups. Default: a comma.
	GroupsSeparator string `json:"groups_separator,omitempty"`
	// AuthStateHeaders are headers that are kept in the auth state. Default: none.
	AuthStateHeaders []string `json:"auth_state_headers,omitempty"`
	// TrustedProxies are the addresses from which the proxy connects: IP addresses,
	// ranges in CIDR notation, "private_ranges", or "unix" for a Unix socket. What
	// connects from elsewhere cannot log in. At least one.
	TrustedProxies []string `json:"trusted_proxies,omitempty"`
	// OnlyAtLogin says that the proxy sends the header to {base_url}hub/login only.
	// Default: it sends it with every request, and a session ends when the header
	// is gone or names somebody else.
	OnlyAtLogin bool `json:"only_at_login,omitempty"`
	// LogoutRedirectURL is where to go after a logout, to end the login at the
	// proxy. Default: the hub's own page.
	LogoutRedirectURL string `json:"logout_redirect_url,omitempty"`
	// LoginService is what the login page calls it beside other ways to log in.
	// Default: single sign-on.
	LoginService string `json:"login_service,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Authenticator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.authenticators.remote_user", New: func() caddy.Module { return new(Authenticator) }}
}

// Provision checks the configuration.
func (a *Authenticator) Provision(caddy.Context) error {
	_, err := a.Authenticator(nil)
	return err
}

// Authenticator makes it.
func (a *Authenticator) Authenticator(*slog.Logger) (authenticator.Authenticator, error) {
	options := remoteuser.Options{
		Header: a.Header, GroupsHeader: a.GroupsHeader, GroupsSeparator: a.GroupsSeparator, StateHeaders: a.AuthStateHeaders,
		Peer: peer, OnlyAtLogin: a.OnlyAtLogin, LogoutURL: a.LogoutRedirectURL, Service: a.LoginService,
	}
	for _, name := range append([]string{a.Header, a.GroupsHeader}, a.AuthStateHeaders...) {
		if strings.ContainsAny(name, "_.") {
			return nil, fmt.Errorf("remote_user: Caddy drops headers with an underscore or a dot in their name, such as %s; have the proxy send one with hyphens", name)
		}
	}
	for _, text := range a.TrustedProxies {
		expressions := []string{text}
		switch text {
		case "unix":
			options.TrustLocal = true
			continue
		case "private_ranges":
			expressions = caddyhttp.PrivateRangesCIDR()
		}
		for _, expression := range expressions {
			prefix, err := caddyhttp.CIDRExpressionToPrefix(expression)
			if err != nil {
				return nil, fmt.Errorf("remote_user: trusted_proxies: %w", err)
			}
			options.Trusted = append(options.Trusted, prefix)
		}
	}
	return remoteuser.New(options)
}

// peer is who is at the other end of the connection. By the time the hub serves a
// request, its RemoteAddr is the client's.
func peer(r *http.Request) string {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		return original.RemoteAddr
	}
	return "unknown"
}

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	authenticator remote_user [<name>] {
//		trusted_proxies <ranges...>|private_ranges|unix
//		header <name>
//		groups_header <name>
//		groups_separator <text>
//		auth_state_headers <names...>
//		only_at_login
//		logout_redirect_url <url>
//		login_service <name>
//	}
func (a *Authenticator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	err := words.NamedModule(d, "authenticator remote_user", &a.Name, map[string]words.Word{
		"trusted_proxies":     words.ToTexts(&a.TrustedProxies),
		"header":              words.ToText(&a.Header),
		"groups_header":       words.ToText(&a.GroupsHeader),
		"groups_separator":    words.ToText(&a.GroupsSeparator),
		"auth_state_headers":  words.ToTexts(&a.AuthStateHeaders),
		"only_at_login":       words.ToTrue(&a.OnlyAtLogin),
		"logout_redirect_url": words.ToText(&a.LogoutRedirectURL),
		"login_service":       words.ToText(&a.LoginService),
	}, nil)
	if err != nil {
		return err
	}
	if _, err := a.Authenticator(nil); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// Interface guards
var (
	_ app.AuthenticatorModule = (*Authenticator)(nil)
	_ caddy.Provisioner       = (*Authenticator)(nil)
	_ caddyfile.Unmarshaler   = (*Authenticator)(nil)
)
