package oauth2

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator/oauth2"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	authenticator oauth2 [<name>] {
//		provider github|gitlab|bitbucket
//		base_url <url>
//		api_url <url>
//		authorize_url <url>
//		token_url <url>
//		userdata_url <url>
//		client_id <id>
//		client_secret <secret>
//		token_auth basic|post
//		scopes <scopes...>
//		authorize_parameter <name> <value>
//		without_pkce
//		username_key <key>
//		username_prefix <text>
//		groups_key <key>
//		teams
//		group_prefix <text>
//		admin_groups <groups...>
//		allowed_organizations <names...>
//		allowed_domains <domains...>
//		login_service <text>
//		auto_login
//		logout_redirect_url <url>
//	}
func (a *Authenticator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	err := words.NamedModule(d, "authenticator oauth2", &a.Name, map[string]words.Word{
		"provider":              words.ToChoice(&a.Provider, oauth2.Providers...),
		"base_url":              words.ToText(&a.BaseURL),
		"api_url":               words.ToText(&a.APIURL),
		"authorize_url":         words.ToText(&a.AuthorizeURL),
		"token_url":             words.ToText(&a.TokenURL),
		"userdata_url":          words.ToText(&a.UserdataURL),
		"client_id":             words.ToText(&a.ClientID),
		"client_secret":         words.ToText(&a.ClientSecret),
		"token_auth":            words.ToChoice(&a.TokenAuth, "basic", "post"),
		"scopes":                words.ToTexts(&a.Scopes),
		"authorize_parameter":   words.ToPairs(&a.AuthorizeParameters),
		"without_pkce":          words.ToTrue(&a.WithoutPKCE),
		"username_key":          words.ToText(&a.UsernameKey),
		"username_prefix":       words.ToText(&a.UsernamePrefix),
		"groups_key":            words.ToText(&a.GroupsKey),
		"teams":                 words.ToTrue(&a.Teams),
		"group_prefix":          words.ToText(&a.GroupPrefix),
		"admin_groups":          words.ToTexts(&a.AdminGroups),
		"allowed_organizations": words.ToTexts(&a.AllowedOrganizations),
		"allowed_domains":       words.ToTexts(&a.AllowedDomains),
		"login_service":         words.ToText(&a.LoginService),
		"auto_login":            words.ToTrue(&a.AutoLogin),
		"logout_redirect_url":   words.ToText(&a.LogoutRedirectURL),
	}, otherNames)
	switch {
	case err != nil:
		return err
	case a.ClientID == "" || a.ClientSecret == "":
		return d.Err("authenticator oauth2 needs a client_id and a client_secret")
	}
	if err := a.Validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// otherNames are options of JupyterHub's OAuthenticator that are called otherwise
// here, and what to write instead.
var otherNames = map[string]string{
	"scope":                        `"scopes SCOPE..."`,
	"extra_authorize_params":       `"authorize_parameter NAME VALUE", once for each`,
	"basic_auth":                   `"token_auth basic" or "token_auth post"`,
	"enable_pkce":                  `nothing: PKCE is used unless it says "without_pkce"`,
	"username_claim":               `"username_key"`,
	"claim_groups_key":             `"groups_key"`,
	"auth_state_groups_key":        `"groups_key"`,
	"manage_groups":                `"teams", or "groups_key"`,
	"populate_teams_in_auth_state": `"teams"`,
	"github_url":                   `"provider github" and "base_url"`,
	"gitlab_url":                   `"provider gitlab" and "base_url"`,
	"github_api":                   `"api_url"`,
	"gitlab_api":                   `"api_url"`,
	"allowed_gitlab_groups":        `"allowed_organizations GROUP..."`,
	"allowed_teams":                `"allowed_organizations WORKSPACE..."`,
	"allowed_groups":               `"allow_group GROUP..." beside the authenticator`,
	"allowed_users":                `"allow NAME..." beside the authenticator`,
	"admin_users":                  `"admins NAME..." beside the authenticator`,
	"allow_all":                    `"allow all" beside the authenticator`,
	"oauth_callback_url":           `nothing: it is /hub/oauth_callback below public_url`,
	"enable_auth_state":            `nothing: it is always kept, sealed`,
	"auth_refresh_age":             `"refresh" in the block session`,
	"refresh_pre_spawn":            `"refresh_pre_spawn" in the block session`,
	"validate_server_cert":         `nothing: certificates are checked, by the authorities of the system or of SSL_CERT_FILE`,
}

var _ caddyfile.Unmarshaler = (*Authenticator)(nil)
