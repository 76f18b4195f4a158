package app

import (
	"fmt"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// otherNames are options of JupyterHub that are called otherwise here, or have
// another place, and what to write instead.
var otherNames = map[string]string{
	"load_roles":    `"role NAME { ... }", once for each`,
	"load_groups":   `"group NAME { ... }", once for each`,
	"services":      `"service NAME { ... }", once for each`,
	"custom_scopes": `"custom_scope NAME { ... }", once for each`,

	"service_tokens": `"api_token" in the block of the service`,
	"api_tokens":     `"caddyhub token USER" on the command line, or a service with an api_token`,

	"allow_all":      `"allow all"`,
	"allowed_users":  `"allow NAME..."`,
	"allowed_groups": `"allow_group NAME..."`,
	"admin_users":    `"admins NAME..."`,
	"blocked_users":  `"blocked NAME..."`,
	"admin_access":   `a role with the scope access:servers`,
	"user_password":  `"authenticator shared_password { ... }"`,

	"client_id":          `"client_id" in the block of "authenticator oidc" or "authenticator oauth2"`,
	"client_secret":      `"client_secret" in the block of "authenticator oidc" or "authenticator oauth2"`,
	"oauth_callback_url": `nothing: it is /hub/oauth_callback below "public_url"`,
	"login_service":      `"login_service" in the block of the authenticator`,
	"auto_login":         `"auto_login" in the block of the authenticator`,
	"manage_groups":      `"groups_claim", or what the authenticator has for groups, in its block`,
	"admin_groups":       `"admin_groups" in the block of the authenticator`,
	"enable_auth_state":  `nothing: it is always kept, sealed`,

	"open_sessions":             inAuthenticator("open_sessions", "pam"),
	"check_account":             inAuthenticator("check_account", "pam"),
	"executor_threads":          inAuthenticator("executor_threads", "pam"),
	"pam_normalize_username":    inAuthenticator("pam_normalize_username", "pam"),
	"encoding":                  inAuthenticator("encoding", "pam"),
	"server_address":            inAuthenticator("server_address", "ldap"),
	"tls_strategy":              inAuthenticator("tls_strategy", "ldap"),
	"bind_dn_template":          inAuthenticator("bind_dn_template", "ldap"),
	"lookup_dn_search_user":     inAuthenticator("lookup_dn_search_user", "ldap"),
	"lookup_dn_search_password": inAuthenticator("lookup_dn_search_password", "ldap"),
	"user_search_base":          inAuthenticator("user_search_base", "ldap"),
	"user_attribute":            inAuthenticator("user_attribute", "ldap"),
	"group_search_filter":       inAuthenticator("group_search_filter", "ldap"),
	"lookup_dn":                 inAuthenticator("user_search_base", "ldap"),
	"header_name":               inAuthenticator("header", "remote_user"),
	"create_system_users":       `nothing: accounts are made by the system's administrator`,

	"authenticator_class": `"authenticator NAME"`,
	"spawner_class":       `"spawner NAME"`,
	"proxy_class":         `nothing: the hub is its own proxy`,
	"db_url":              `"store embedded" or "store redis"`,
	"cookie_secret":       `nothing: keys are made, kept with the store and rotated`,
	"cookie_secret_file":  `nothing: keys are made, kept with the store and rotated`,
	"crypt_key":           `nothing: keys are made, kept with the store and rotated`,

	"cookie_max_age_days":          `"max_lifetime" in the block session`,
	"oauth_token_expires_in":       `"oauth_lifetime" in the block token, with a unit`,
	"token_expires_in_max_seconds": `"max_lifetime" in the block token, with a unit`,

	"allow_named_servers":         `"named_servers"`,
	"named_server_limit_per_user": `"limit_per_user" in the block named_servers`,
	"concurrent_spawn_limit":      `"concurrent_spawns" in the block limits`,
	"active_server_limit":         `"active_servers" in the block limits`,
	"api_page_default_limit":      `"api_page_default_limit" in the block limits`,
	"api_page_max_limit":          `"api_page_max_limit" in the block limits`,

	"subdomain_host":             `"subdomains"`,
	"subdomain_hook":             `nothing: with "subdomains" the labels are those of its hook idna`,
	"cookie_host_prefix_enabled": `nothing: over TLS the cookies of the hub have it wherever they can`,

	"bind_url":        `the address of the site`,
	"ip":              `"bind" in the site`,
	"port":            `the port in the address of the site`,
	"ssl_key":         `"tls" in the site`,
	"ssl_cert":        `"tls" in the site`,
	"hub_connect_url": `"api_url"`,
	"hub_bind_url":    `"api_listen"`,
	"template_paths":  `"templates" in the block pages`,
	"logo_file":       `"logo" in the block pages`,

	"start_timeout": `"start_timeout" in the block of the spawner`,
	"http_timeout":  `"http_timeout" in the block of the spawner`,
	"poll_interval": `"poll_interval" in the block of the spawner`,
	"environment":   `"environment" in the block of the spawner`,
	"mem_limit":     `"mem_limit" in the block of the spawner`,
	"cpu_limit":     `"cpu_limit" in the block of the spawner`,
}

// inAuthenticator is where a word stands that is about one kind of authenticator.
func inAuthenticator(word, kind string) string {
	return fmt.Sprintf("%q in the block of \"authenticator %s\"", word, kind)
}

// unknownWord is the error for a word that the block caddyhub does not have.
func unknownWord(d *caddyfile.Dispenser, known map[string]words.Word) error {
	if instead, found := otherNames[d.Val()]; found {
		return d.WrapErr(fmt.Errorf("caddyhub: for JupyterHub's %s write %s", d.Val(), instead))
	}
	return words.Unknown(d, "caddyhub", known)
}
