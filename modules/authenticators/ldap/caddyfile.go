package ldap

import (
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// Values of tls_strategy, which are ldapauthenticator's.
const (
	beforeBind = "before_bind"
	onConnect  = "on_connect"
	insecure   = "insecure"
)

// servers are the URLs of the servers.
func (a *Authenticator) servers() ([]string, error) {
	scheme := "ldap://"
	switch a.TLSStrategy {
	case "", beforeBind, insecure:
	case onConnect:
		scheme = "ldaps://"
	default:
		return nil, fmt.Errorf("tls_strategy is before_bind, on_connect or insecure, not %q", a.TLSStrategy)
	}
	var urls []string
	for _, address := range a.ServerAddress {
		if !strings.Contains(address, "://") {
			address = scheme + address
		}
		if a.TLSStrategy == onConnect && strings.HasPrefix(address, "ldap://") {
			return nil, fmt.Errorf("server_address %s is not one that tls_strategy on_connect can be with; write ldaps://", address)
		}
		urls = append(urls, address)
	}
	return urls, nil
}

// otherNames are options of ldapauthenticator that are called otherwise here, and
// what to write instead.
var otherNames = map[string]string{
	"server_port":                  `the port in server_address`,
	"use_ssl":                      `"tls_strategy on_connect"`,
	"start_tls":                    `nothing: StartTLS is the default for ldap://`,
	"tls_kwargs":                   `"tls_ca" and "tls_server_name"`,
	"lookup_dn":                    `nothing: without bind_dn_template users are searched for below user_search_base`,
	"lookup_dn_search_filter":      `"search_filter"`,
	"lookup_dn_user_dn_attribute":  `"username_attribute"`,
	"use_lookup_dn_username":       `nothing, or "username_attribute": the user is called what the directory calls him`,
	"escape_userdn":                `nothing: what is typed is always escaped`,
	"valid_username_regex":         `"username_pattern" in the block caddyhub`,
	"user_info_attributes":         `"auth_state_attributes"`,
	"group_attributes":             `"group_search_filter"`,
	"attributes":                   `"auth_state_attributes"`,
	"allow_nested_groups":          `"nested_groups"`,
	"manage_groups":                `nothing: with group_search_base or member_of_attribute the groups are the directory's`,
	"allowed_users":                `"allow NAME..." in the block caddyhub`,
	"admin_users":                  `"admins NAME..." in the block caddyhub`,
	"allow_all":                    `"allow all" in the block caddyhub`,
	"user_membership_attribute":    `"member_of_attribute"`,
	"memberof_attribute":           `"member_of_attribute"`,
	"group_membership_search_base": `"group_search_base"`,
}

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	authenticator ldap [<name>] {
//		server_address <hosts or urls...>
//		tls_strategy before_bind|on_connect|insecure
//		tls_ca <file>
//		tls_server_name <name>
//		timeout <duration>
//		bind_dn_template <dn with {username}>...
//		lookup_dn_search_user <dn>
//		lookup_dn_search_password <password>
//		user_search_base <dn>
//		user_attribute <attributes...>
//		search_filter <filter>
//		username_attribute <attribute>
//		group_search_base <dn>
//		group_search_filter <filter>
//		group_attribute <attribute>
//		member_of_attribute <attribute>
//		nested_groups
//		allowed_groups <dn or name>...
//		admin_groups <dn or name>...
//		auth_state_attributes <attributes...>
//		login_service <text>
//	}
func (a *Authenticator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	err := words.NamedModule(d, "authenticator ldap", &a.Name, map[string]words.Word{
		"server_address":            words.ToTexts(&a.ServerAddress),
		"tls_strategy":              words.ToText(&a.TLSStrategy),
		"tls_ca":                    words.ToText(&a.TLSCA),
		"tls_server_name":           words.ToText(&a.TLSServerName),
		"timeout":                   words.ToDuration(&a.Timeout),
		"bind_dn_template":          words.ToTexts(&a.BindDNTemplate),
		"lookup_dn_search_user":     words.ToText(&a.LookupDNSearchUser),
		"lookup_dn_search_password": words.ToText(&a.LookupDNSearchPassword),
		"user_search_base":          words.ToText(&a.UserSearchBase),
		"user_attribute":            words.ToTexts(&a.UserAttribute),
		"search_filter":             words.ToText(&a.SearchFilter),
		"username_attribute":        words.ToText(&a.UsernameAttribute),
		"group_search_base":         words.ToText(&a.GroupSearchBase),
		"group_search_filter":       words.ToText(&a.GroupSearchFilter),
		"group_attribute":           words.ToText(&a.GroupAttribute),
		"member_of_attribute":       words.ToText(&a.MemberOfAttribute),
		"nested_groups":             words.ToTrue(&a.NestedGroups),
		"allowed_groups":            words.ToTexts(&a.AllowedGroups),
		"admin_groups":              words.ToTexts(&a.AdminGroups),
		"auth_state_attributes":     words.ToTexts(&a.AuthStateAttributes),
		"login_service":             words.ToText(&a.LoginService),
	}, otherNames)
	if err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
