// Package oidc is the module caddyhub.authenticators.oidc: people log in by an
// OpenID provider, such as Keycloak, Entra, Cognito, Google or CILogon.
package oidc

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/oidc"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Authenticator))
}

// Authenticator logs people in by OpenID Connect, with PKCE. Register at the
// provider the address {public_url}/hub/oauth_callback, for every further
// authenticator of this kind {public_url}/hub/oauth_callback/NAME, and, if it can
// announce logouts (back-channel logout), {public_url}/hub/login/NAME/backchannel_logout.
//
// The hub starts while the provider is down, and says so. Nobody is let in without
// an allow rule of the hub; groups of the provider count in allow_group and in roles.
type Authenticator struct {
	// Name tells several apart: in addresses, logs and sessions. Lower-case letters,
	// digits, "_" and "-". Default: oidc, then oidc_2 and so on.
	Name string `json:"name,omitempty"`
	// Issuer is the provider, as its own metadata name it: the URL before
	// /.well-known/openid-configuration, with or without a slash at the end as it
	// stands there. Required.
	Issuer string `json:"issuer,omitempty"`
	// ClientID is the name of the hub at the provider. Required.
	ClientID string `json:"client_id,omitempty"`
	// ClientSecret is the secret of the hub there. Default: none, a public client.
	ClientSecret string `json:"client_secret,omitempty"`
	// TokenAuth is how the secret is sent, "basic" or "post". Default: basic if the
	// provider's metadata allow it, else post.
	TokenAuth codeflow.TokenAuth `json:"token_auth,omitempty"`
	// Scopes to ask for; "openid" is always among them. Refresh tokens may need
	// offline_access. Default: openid profile email.
	Scopes []string `json:"scopes,omitempty"`
	// AuthorizeParameters are added to the address where people log in, such as
	// "prompt". Default: none.
	AuthorizeParameters map[string]string `json:"authorize_parameters,omitempty"`

	// UsernameClaim is the claim that is the user name: one that people cannot choose
	// or change, such as sub. Claims within claims are written with dots. For email,
	// the address must be verified. Default: preferred_username.
	UsernameClaim string `json:"username_claim,omitempty"`
	// UsernamePrefix is put in front of user names, so that those of several
	// providers stay apart. Default: nothing.
	UsernamePrefix string `json:"username_prefix,omitempty"`
	// StripDomain takes "@" and the domain off user names. It needs exactly one of
	// AllowedDomains. Default: false.
	StripDomain bool `json:"strip_domain,omitempty"`
	// GroupsClaim is the claim with the groups, a list or one text; they replace the
	// user's groups at every login and refresh. Default: groups are not touched.
	GroupsClaim string `json:"groups_claim,omitempty"`
	// GroupPrefix is put in front of groups. Default: nothing.
	GroupPrefix string `json:"group_prefix,omitempty"`
	// AdminGroups are groups, as the provider names them, whose members are
	// administrators; whoever leaves them is none any more, unless "admins" names
	// him. Default: groups make nobody one.
	AdminGroups []string `json:"admin_groups,omitempty"`
	// AllowedDomains are the domains of e-mail addresses that may log in, if the
	// provider has verified the address. It does not let anybody in without an allow
	// rule. Default: all.
	AllowedDomains []string `json:"allowed_domains,omitempty"`
	// AcceptUnverifiedEmail takes addresses that the provider does not call verified.
	// Only where nobody but its administrators can set them. Default: false.
	AcceptUnverifiedEmail bool `json:"accept_unverified_email,omitempty"`
	// RequireClaims are claims, each with the values of which it must have one.
	// Default: none.
	RequireClaims map[string][]string `json:"require_claims,omitempty"`
	// UserInfo asks the provider's userinfo endpoint too, for claims that are not in
	// ID tokens. Default: false.
	UserInfo bool `json:"userinfo,omitempty"`

	// LoginService is the name on the button of the login page. Default: the host of
	// the issuer.
	LoginService string `json:"login_service,omitempty"`
	// AutoLogin sends people to the provider without showing the login page, if
	// there is no other authenticator. Default: false.
	AutoLogin bool `json:"auto_login,omitempty"`
	// ProviderLogout ends the session at the provider too when somebody logs out of
	// the hub. Default: false.
	ProviderLogout bool `json:"provider_logout,omitempty"`
	// PostLogoutRedirectURI is where the provider sends people after that; it must be
	// registered there. Default: the provider's own page.
	PostLogoutRedirectURI string `json:"post_logout_redirect_uri,omitempty"`
	// LogoutRedirectURL is where people go after logging out of the hub, for providers
	// with a way of their own. It excludes ProviderLogout. Default: the login page.
	LogoutRedirectURL string `json:"logout_redirect_url,omitempty"`

	ctx context.Context // of the configuration
}

// CaddyModule returns the Caddy module information.
func (*Authenticator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.authenticators.oidc", New: func() caddy.Module { return new(Authenticator) }}
}

// Provision replaces placeholders.
func (a *Authenticator) Provision(ctx caddy.Context) error {
	a.ctx = ctx
	replacer := caddy.NewReplacer()
	for _, field := range []*string{
		&a.Issuer, &a.ClientID, &a.ClientSecret, &a.PostLogoutRedirectURI, &a.LogoutRedirectURL,
	} {
		*field = replacer.ReplaceAll(*field, "")
	}
	return nil
}

// Validate checks what needs no secrets to be known.
func (a *Authenticator) Validate() error {
	err := words.CheckModuleName(a.Name)
	if err == nil {
		_, err = a.mapping().Checked()
	}
	if err == nil {
		err = codeflow.CheckParameters(a.AuthorizeParameters)
	}
	if err != nil {
		return fmt.Errorf("authenticator oidc: %w", err)
	}
	return nil
}

func (a *Authenticator) mapping() claims.Mapping {
	return claims.Mapping{
		Username: cmp.Or(a.UsernameClaim, "preferred_username"), UsernamePrefix: a.UsernamePrefix, StripDomain: a.StripDomain,
		Groups: a.GroupsClaim, GroupPrefix: a.GroupPrefix, AdminGroups: a.AdminGroups,
		Domains: a.AllowedDomains, UnverifiedEmail: a.AcceptUnverifiedEmail, Required: a.RequireClaims,
	}
}

// Authenticator makes it, and begins to look for the provider.
func (a *Authenticator) Authenticator(log *slog.Logger) (authenticator.Authenticator, error) {
	made, err := oidc.New(oidc.Options{
		Issuer: a.Issuer, ClientID: a.ClientID, ClientSecret: a.ClientSecret, TokenAuth: a.TokenAuth,
		Scopes: a.Scopes, Parameters: a.AuthorizeParameters, Claims: a.mapping(), UserInfo: a.UserInfo,
		Service: a.LoginService, AutoLogin: a.AutoLogin,
		ProviderLogout: a.ProviderLogout, PostLogoutRedirectURI: a.PostLogoutRedirectURI, LogoutRedirectURL: a.LogoutRedirectURL,
		Log: log,
	})
	if err != nil {
		return nil, err
	}
	go made.Watch(a.ctx)
	return made, nil
}

// Interface guards
var (
	_ app.AuthenticatorModule = (*Authenticator)(nil)
	_ caddy.Provisioner       = (*Authenticator)(nil)
	_ caddy.Validator         = (*Authenticator)(nil)
)
