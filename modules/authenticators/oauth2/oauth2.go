// Package oauth2 is the module caddyhub.authenticators.oauth2: people log in at
// GitHub, GitLab or Bitbucket, or at another site that has OAuth 2.0 and tells by an
// API who somebody is.
package oauth2

import (
	"fmt"
	"log/slog"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/oauth2"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Authenticator))
}

// Authenticator logs people in by OAuth 2.0, with PKCE. Where a site has OpenID
// Connect, the authenticator oidc says more about who it was. Register at the site the
// address {public_url}/hub/oauth_callback, for every further authenticator of this kind
// {public_url}/hub/oauth_callback/NAME.
type Authenticator struct {
	// Name tells several apart: in addresses, logs and sessions. Lower-case letters,
	// digits, "_" and "-". Default: oauth2, then oauth2_2 and so on.
	Name string `json:"name,omitempty"`
	// Provider is github, gitlab or bitbucket. Default: none, and AuthorizeURL,
	// TokenURL and UserdataURL are required.
	Provider string `json:"provider,omitempty"`
	// BaseURL is a GitHub Enterprise Server or GitLab of one's own, such as
	// https://git.example.org. Default: the public site.
	BaseURL string `json:"base_url,omitempty"`
	// APIURL is the API of that site. Default: below BaseURL.
	APIURL string `json:"api_url,omitempty"`
	// AuthorizeURL is where people log in. Default: as the provider has it.
	AuthorizeURL string `json:"authorize_url,omitempty"`
	// TokenURL is where codes are exchanged. Default: as the provider has it.
	TokenURL string `json:"token_url,omitempty"`
	// UserdataURL tells, as a JSON object, whose a token is. Default: as the provider
	// has it.
	UserdataURL string `json:"userdata_url,omitempty"`
	// ClientID is the name of the hub at the site. Required.
	ClientID string `json:"client_id,omitempty"`
	// ClientSecret is the secret of the hub there. Required.
	ClientSecret string `json:"client_secret,omitempty"`
	// TokenAuth is how the secret is sent, "basic" or "post". Default: post.
	TokenAuth codeflow.TokenAuth `json:"token_auth,omitempty"`
	// Scopes to ask for. Default: what the other options need.
	Scopes []string `json:"scopes,omitempty"`
	// AuthorizeParameters are added to the address where people log in. Default: none.
	AuthorizeParameters map[string]string `json:"authorize_parameters,omitempty"`
	// WithoutPKCE leaves PKCE out, for servers that refuse parameters they do not
	// know. Default: false.
	WithoutPKCE bool `json:"without_pkce,omitempty"`

	// UsernameKey is the field of the user's data that is the user name; fields
	// within fields are written with dots. With email, the verified primary address.
	// Default: login for GitHub, else username. Both can be changed, and taken by
	// somebody else then; id cannot.
	UsernameKey string `json:"username_key,omitempty"`
	// UsernamePrefix is put in front of user names, so that those of several sites
	// stay apart. Default: nothing.
	UsernamePrefix string `json:"username_prefix,omitempty"`
	// GroupsKey is the field with the groups, a list or one text. Default: none.
	GroupsKey string `json:"groups_key,omitempty"`
	// Teams makes groups of what the user belongs to: organizations ORG and teams
	// ORG:TEAM with GitHub, groups by their full path with GitLab, workspaces with
	// Bitbucket. They replace the user's groups. Default: false.
	Teams bool `json:"teams,omitempty"`
	// GroupPrefix is put in front of groups. Default: nothing.
	GroupPrefix string `json:"group_prefix,omitempty"`
	// AdminGroups are groups, without prefix, whose members are administrators;
	// whoever leaves them is none any more, unless "admins" names him. Default: groups
	// make nobody one.
	AdminGroups []string `json:"admin_groups,omitempty"`
	// AllowedOrganizations are those whose members may log in, written as Teams has
	// them. They do not let anybody in without an allow rule. Default: all.
	AllowedOrganizations []string `json:"allowed_organizations,omitempty"`
	// AllowedDomains are the domains of e-mail addresses that may log in, if the site
	// has verified the address. Default: all.
	AllowedDomains []string `json:"allowed_domains,omitempty"`

	// LoginService is the name on the button of the login page. Default: that of the
	// provider.
	LoginService string `json:"login_service,omitempty"`
	// AutoLogin sends people to the site without showing the login page, if there is
	// no other authenticator. Default: false.
	AutoLogin bool `json:"auto_login,omitempty"`
	// LogoutRedirectURL is where people go after logging out of the hub. Default: the
	// login page.
	LogoutRedirectURL string `json:"logout_redirect_url,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Authenticator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.authenticators.oauth2", New: func() caddy.Module { return new(Authenticator) }}
}

// Provision replaces placeholders.
func (a *Authenticator) Provision(caddy.Context) error {
	replacer := caddy.NewReplacer()
	for _, field := range []*string{
		&a.BaseURL, &a.APIURL, &a.AuthorizeURL, &a.TokenURL, &a.UserdataURL, &a.ClientID, &a.ClientSecret, &a.LogoutRedirectURL,
	} {
		*field = replacer.ReplaceAll(*field, "")
	}
	return nil
}

// Validate checks what needs no secrets and addresses to be known.
func (a *Authenticator) Validate() error {
	if err := words.CheckModuleName(a.Name); err != nil {
		return fmt.Errorf("authenticator oauth2: %w", err)
	}
	options := a.options()
	options.ClientID, options.ClientSecret = "hub", "secret"
	options.BaseURL, options.APIURL = known(a.BaseURL), known(a.APIURL)
	options.AuthorizeURL, options.TokenURL, options.UserURL = known(a.AuthorizeURL), known(a.TokenURL), known(a.UserdataURL)
	_, err := oauth2.New(options)
	return err
}

// known stands in for an address that only a placeholder has.
func known(address string) string {
	if address == "" {
		return ""
	}
	return "https://example.org"
}

func (a *Authenticator) options() oauth2.Options {
	return oauth2.Options{
		Provider: a.Provider, BaseURL: a.BaseURL, APIURL: a.APIURL,
		AuthorizeURL: a.AuthorizeURL, TokenURL: a.TokenURL, UserURL: a.UserdataURL,
		ClientID: a.ClientID, ClientSecret: a.ClientSecret, TokenAuth: a.TokenAuth, Scopes: a.Scopes,
		Parameters: a.AuthorizeParameters, WithoutPKCE: a.WithoutPKCE,
		Claims: claims.Mapping{
			Username: a.UsernameKey, UsernamePrefix: a.UsernamePrefix, Groups: a.GroupsKey, GroupPrefix: a.GroupPrefix,
			AdminGroups: a.AdminGroups, Domains: a.AllowedDomains,
		},
		Teams: a.Teams, Organizations: a.AllowedOrganizations,
		Service: a.LoginService, AutoLogin: a.AutoLogin, LogoutRedirectURL: a.LogoutRedirectURL,
	}
}

// Authenticator makes it.
func (a *Authenticator) Authenticator(log *slog.Logger) (authenticator.Authenticator, error) {
	options := a.options()
	options.Log = log
	return oauth2.New(options)
}

// Interface guards
var (
	_ app.AuthenticatorModule = (*Authenticator)(nil)
	_ caddy.Provisioner       = (*Authenticator)(nil)
	_ caddy.Validator         = (*Authenticator)(nil)
)
