package oidc

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	authenticator oidc [<name>] {
//		issuer <url>
//		client_id <id>
//		client_secret <secret>
//		token_auth basic|post
//		scopes <scopes...>
//		authorize_parameter <name> <value>
//		username_claim <claim>
//		username_prefix <text>
//		strip_domain
//		groups_claim <claim>
//		group_prefix <text>
//		admin_groups <groups...>
//		allowed_domains <domains...>
//		accept_unverified_email
//		require_claim <claim> <values...>
//		userinfo
//		login_service <text>
//		auto_login
//		provider_logout
//		post_logout_redirect_uri <url>
//		logout_redirect_url <url>
//	}
func (a *Authenticator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	err := words.NamedModule(d, "authenticator oidc", &a.Name, map[string]words.Word{
		"issuer":                   words.ToText(&a.Issuer),
		"client_id":                words.ToText(&a.ClientID),
		"client_secret":            words.ToText(&a.ClientSecret),
		"token_auth":               words.ToChoice(&a.TokenAuth, "basic", "post"),
		"scopes":                   words.ToTexts(&a.Scopes),
		"authorize_parameter":      words.ToPairs(&a.AuthorizeParameters),
		"username_claim":           words.ToText(&a.UsernameClaim),
		"username_prefix":          words.ToText(&a.UsernamePrefix),
		"strip_domain":             words.ToTrue(&a.StripDomain),
		"groups_claim":             words.ToText(&a.GroupsClaim),
		"group_prefix":             words.ToText(&a.GroupPrefix),
		"admin_groups":             words.ToTexts(&a.AdminGroups),
		"allowed_domains":          words.ToTexts(&a.AllowedDomains),
		"accept_unverified_email":  words.ToTrue(&a.AcceptUnverifiedEmail),
		"require_claim":            words.ToLists(&a.RequireClaims),
		"userinfo":                 words.ToTrue(&a.UserInfo),
		"login_service":            words.ToText(&a.LoginService),
		"auto_login":               words.ToTrue(&a.AutoLogin),
		"provider_logout":          words.ToTrue(&a.ProviderLogout),
		"post_logout_redirect_uri": words.ToText(&a.PostLogoutRedirectURI),
		"logout_redirect_url":      words.ToText(&a.LogoutRedirectURL),
	}, otherNames)
	switch {
	case err != nil:
		return err
	case a.Issuer == "" || a.ClientID == "":
		return d.Err("authenticator oidc needs an issuer and a client_id")
	case a.PostLogoutRedirectURI != "" && !a.ProviderLogout:
		return d.Err("authenticator oidc: post_logout_redirect_uri needs provider_logout")
	case a.LogoutRedirectURL != "" && a.ProviderLogout:
		return d.Err("authenticator oidc: logout_redirect_url and provider_logout exclude each other")
	}
	if err := a.Validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// otherNames are options of JupyterHub's OAuthenticator that are called otherwise
// here, and what to write instead.
var otherNames = map[string]string{
	"authorize_url":          `"issuer": the provider's metadata say the rest`,
	"token_url":              `"issuer": the provider's metadata say the rest`,
	"userdata_url":           `"issuer", and "userinfo" if ID tokens lack a claim`,
	"userdata_from_id_token": `nothing: ID tokens are always read`,
	"auth0_domain":           `"issuer https://DOMAIN/"`,
	"tenant_id":              `"issuer https://login.microsoftonline.com/TENANT/v2.0"`,
	"scope":                  `"scopes SCOPE..."`,
	"extra_authorize_params": `"authorize_parameter NAME VALUE", once for each`,
	"basic_auth":             `"token_auth basic" or "token_auth post"`,
	"enable_pkce":            `nothing: PKCE is always used`,
	"username_key":           `"username_claim"`,
	"claim_groups_key":       `"groups_claim"`,
	"auth_state_groups_key":  `"groups_claim"`,
	"manage_groups":          `"groups_claim"`,
	"allowed_groups":         `"allow_group GROUP..." beside the authenticator`,
	"allowed_users":          `"allow NAME..." beside the authenticator`,
	"admin_users":            `"admins NAME..." beside the authenticator`,
	"allow_all":              `"allow all" beside the authenticator`,
	"hosted_domain":          `"allowed_domains DOMAIN" and "require_claim hd DOMAIN"`,
	"allowed_idps":           `"require_claim idp URL..."`,
	"oauth_callback_url":     `nothing: it is /hub/oauth_callback below public_url`,
	"enable_auth_state":      `nothing: it is always kept, sealed`,
	"auth_refresh_age":       `"refresh" in the block session`,
	"refresh_pre_spawn":      `"refresh_pre_spawn" in the block session`,
	"validate_server_cert":   `nothing: certificates are checked, by the authorities of the system or of SSL_CERT_FILE`,
}

var _ caddyfile.Unmarshaler = (*Authenticator)(nil)
