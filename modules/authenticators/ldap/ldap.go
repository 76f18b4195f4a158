// Package ldap is the module caddyhub.authenticators.ldap: users and groups of a
// directory.
package ldap

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/ldap"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Authenticator))
}

// Authenticator lets in users of an LDAP directory who know their password, with
// the options of ldapauthenticator under their names there. The user is called
// what the directory calls him; another spelling of the name is refused.
type Authenticator struct {
	// Name tells several apart: in addresses, logs and sessions. Lower-case letters,
	// digits, "_" and "-". Default: ldap, then ldap_2 and so on.
	Name string `json:"name,omitempty"`
	// ServerAddress are servers with the same content, as HOST[:PORT] or as a URL,
	// ldap://HOST[:PORT] or ldaps://HOST[:PORT]. The next is asked when one is out
	// of reach. At least one.
	ServerAddress []string `json:"server_address,omitempty"`
	// TLSStrategy is "before_bind" (StartTLS, port 389), "on_connect" (ldaps, port
	// 636), or "insecure": passwords cross the network in the clear. A URL ldaps://
	// is always on_connect. Default: before_bind.
	TLSStrategy string `json:"tls_strategy,omitempty"`
	// TLSCA is the path of a PEM file with the authorities that certificates of the
	// servers are verified with. Default: those of the system.
	TLSCA string `json:"tls_ca,omitempty"`
	// TLSServerName is the name in the certificates. Default: the host.
	TLSServerName string `json:"tls_server_name,omitempty"`
	// Timeout bounds what is done with one server in one login. Default: 10s.
	Timeout words.Duration `json:"timeout,omitempty"`

	// BindDNTemplate are DNs to bind as, tried one after the other, with {username}
	// for the name that was typed: uid={username},ou=people,dc=example,dc=org. For
	// Active Directory also {username}@DOMAIN or DOMAIN\{username}. Default: the
	// user is searched for below user_search_base.
	BindDNTemplate []string `json:"bind_dn_template,omitempty"`
	// LookupDNSearchUser is the DN that searches for users and groups. Default: the
	// search is anonymous, or the user's own after a bind by a template.
	LookupDNSearchUser string `json:"lookup_dn_search_user,omitempty"`
	// LookupDNSearchPassword is its password.
	LookupDNSearchPassword string `json:"lookup_dn_search_password,omitempty"`
	// UserSearchBase is the DN below which users are searched for. Needed without
	// bind_dn_template.
	UserSearchBase string `json:"user_search_base,omitempty"`
	// UserAttribute are the attributes that have the name that people type, such as
	// uid, sAMAccountName or mail. Default: that of the template, else uid.
	UserAttribute []string `json:"user_attribute,omitempty"`
	// SearchFilter is a filter that users must match as well; {username} stands for
	// the name that was typed. Default: none.
	SearchFilter string `json:"search_filter,omitempty"`
	// UsernameAttribute has the name that the user gets in the hub, one value.
	// Default: the attribute that matched what was typed.
	UsernameAttribute string `json:"username_attribute,omitempty"`

	// GroupSearchBase is the DN below which groups are searched for. With it the
	// user's groups in the hub are those of the directory. Default: no search.
	GroupSearchBase string `json:"group_search_base,omitempty"`
	// GroupSearchFilter finds the groups of a user; {userdn} and {uid} stand for DN
	// and name. Default: (|(member={userdn})(uniqueMember={userdn})(memberUid={uid})).
	GroupSearchFilter string `json:"group_search_filter,omitempty"`
	// GroupAttribute has the name of a group. Default: cn.
	GroupAttribute string `json:"group_attribute,omitempty"`
	// MemberOfAttribute is an attribute of users that lists the DNs of their groups,
	// such as memberOf. With it the user's groups in the hub are those. Default:
	// none.
	MemberOfAttribute string `json:"member_of_attribute,omitempty"`
	// NestedGroups counts the groups that a user's groups are members of, too. Needs
	// group_search_base. Default: off.
	NestedGroups bool `json:"nested_groups,omitempty"`
	// AllowedGroups are groups, by DN or by name, one of which a user must be in.
	// Alone they let their members in; where allow rules are given, those hold as
	// well. Default: no condition.
	AllowedGroups []string `json:"allowed_groups,omitempty"`
	// AdminGroups are groups whose members are administrators; others who log in
	// are none, but for those that "admins" names. Default: the directory does not say.
	AdminGroups []string `json:"admin_groups,omitempty"`
	// AuthStateAttributes are attributes of the user that are kept in the auth
	// state. Default: none.
	AuthStateAttributes []string `json:"auth_state_attributes,omitempty"`
	// LoginService is what stands above the form of the login page. Default: the
	// name, if there are several ways to log in.
	LoginService string `json:"login_service,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Authenticator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.authenticators.ldap", New: func() caddy.Module { return new(Authenticator) }}
}

// Provision replaces placeholders. What has none is checked before.
func (a *Authenticator) Provision(caddy.Context) error {
	if err := a.check(); err != nil {
		return err
	}
	replacer := caddy.NewReplacer()
	// Not in templates and filters: {username} stands there for something else.
	for _, field := range []*string{&a.LookupDNSearchUser, &a.LookupDNSearchPassword, &a.TLSCA, &a.TLSServerName} {
		*field = replacer.ReplaceAll(*field, "")
	}
	for i, address := range a.ServerAddress {
		a.ServerAddress[i] = replacer.ReplaceAll(address, "")
	}
	return nil
}

// check says what cannot work. An option that is a placeholder cannot be checked
// before it is known what it stands for, so then all is left to the start.
func (a *Authenticator) check() error {
	fields := append([]string{a.LookupDNSearchUser, a.TLSServerName}, a.ServerAddress...)
	if slices.ContainsFunc(fields, func(text string) bool { return strings.Contains(text, "{") }) {
		return nil
	}
	options, err := a.options()
	if err == nil {
		_, err = ldap.New(options)
	}
	return err
}

// Authenticator makes it.
func (a *Authenticator) Authenticator(log *slog.Logger) (authenticator.Authenticator, error) {
	options, err := a.options()
	if err != nil {
		return nil, err
	}
	options.Log = log
	if a.TLSCA != "" {
		text, err := os.ReadFile(a.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("tls_ca: %w", err)
		}
		options.Authorities = x509.NewCertPool()
		if !options.Authorities.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("tls_ca: %s has no certificate in PEM form", a.TLSCA)
		}
	}
	return ldap.New(options)
}

func (a *Authenticator) options() (ldap.Options, error) {
	servers, err := a.servers()
	return ldap.Options{
		Servers: servers, Insecure: a.TLSStrategy == insecure,
		ServerName: a.TLSServerName, Timeout: time.Duration(a.Timeout),
		BindDNTemplates: a.BindDNTemplate, SearchUser: a.LookupDNSearchUser, SearchPassword: a.LookupDNSearchPassword,
		SearchBase: a.UserSearchBase, UserAttributes: a.UserAttribute, UserFilter: a.SearchFilter, NameAttribute: a.UsernameAttribute,
		GroupBase: a.GroupSearchBase, GroupFilter: a.GroupSearchFilter, GroupAttribute: a.GroupAttribute,
		MemberOf: a.MemberOfAttribute, Nested: a.NestedGroups,
		AllowedGroups: a.AllowedGroups, AdminGroups: a.AdminGroups, StateAttributes: a.AuthStateAttributes,
		Service: a.LoginService,
	}, err
}

// Interface guards
var (
	_ app.AuthenticatorModule = (*Authenticator)(nil)
	_ caddy.Provisioner       = (*Authenticator)(nil)
	_ caddyfile.Unmarshaler   = (*Authenticator)(nil)
)
