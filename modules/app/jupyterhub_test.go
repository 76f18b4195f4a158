package app

import (
	"regexp"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Advice for a word of JupyterHub's is given only where the word is not one of
// ours, and names words that are.
func TestOtherNames(t *testing.T) {
	named := regexp.MustCompile(`"([a-z_]+)[ "]`)
	a := new(App)
	known := a.words()
	inBlocks := map[string]bool{
		"caddyhub": true,              // a command
		"bind":     true, "tls": true, // in a site
		"api_token": true, "max_lifetime": true, "oauth_lifetime": true, "limit_per_user": true, "concurrent_spawns": true,
		"active_servers": true, "api_page_default_limit": true, "api_page_max_limit": true, "templates": true, "logo": true,
		"public_url": true, "client_id": true, "client_secret": true, "login_service": true, "auto_login": true, "groups_claim": true, "admin_groups": true, // of authenticators
	}
	for _, word := range []string{"open_sessions", "check_account", "executor_threads", "pam_normalize_username", "encoding", "server_address", "tls_strategy", "bind_dn_template", "lookup_dn_search_user", "lookup_dn_search_password", "user_search_base", "user_attribute", "group_search_filter", "header"} {
		inBlocks[word] = true // of authenticators, too
	}
	for word := range new(Servers).words(nil) {
		inBlocks[word] = true
	}
	for name, instead := range otherNames {
		if _, ours := known[name]; ours {
			t.Errorf("%s is a word of ours", name)
		}
		for _, match := range named.FindAllStringSubmatch(instead, -1) {
			if _, ours := known[match[1]]; !ours && !inBlocks[match[1]] {
				t.Errorf("%s: %q is no word", name, match[1])
			}
		}
		d := caddyfile.NewTestDispenser("caddyhub {\n" + name + " x\n}")
		if err := new(App).UnmarshalCaddyfile(d); err == nil || !regexp.MustCompile(`for JupyterHub's `+name+` write .*:2$`).MatchString(err.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
