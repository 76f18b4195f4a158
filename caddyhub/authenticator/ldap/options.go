package ldap

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Values that options have when they are not given.
const (
	DefaultTimeout        = 10 * time.Second
	DefaultGroupFilter    = "(|(member={userdn})(uniqueMember={userdn})(memberUid={uid}))"
	DefaultGroupAttribute = "cn"
	DefaultUserAttribute  = "uid"
)

// Options says where users and groups are. In templates and filters {username}
// stands for the escaped name that was typed.
type Options struct {
	// Servers are URLs, ldaps://HOST[:PORT] or ldap://HOST[:PORT], of servers with
	// the same content. The next is asked when one is out of reach. A connection to
	// one of the second kind is turned into TLS before anything else (StartTLS).
	Servers []string
	// Insecure leaves TLS out for ldap://, so that everybody on the way can read
	// the passwords.
	Insecure bool
	// Authorities verify the certificates of servers; nil means those of the system.
	Authorities *x509.CertPool
	// ServerName is the name in the certificates; empty means the host of the URL.
	ServerName string
	// Timeout bounds what is done with one server; zero means DefaultTimeout.
	Timeout time.Duration

	// BindDNTemplates are DNs with {username}, tried one after the other; or, for
	// Active Directory, {username}@DOMAIN or DOMAIN\{username}. Without any, the
	// entry is searched for.
	BindDNTemplates []string
	// SearchUser is the DN that searches for users and groups, SearchPassword its
	// password. Empty: users are searched for anonymously, and what a template's
	// bind found is read by the user himself.
	SearchUser     string
	SearchPassword string
	// SearchBase is the DN below which users are. Needed without templates, and
	// with one that is no DN if entries are to be read.
	SearchBase string
	// UserAttributes are those that have the name that people type. Default:
	// DefaultUserAttribute, or the one that the templates name.
	UserAttributes []string
	// UserFilter must match the entry as well. Empty: any entry.
	UserFilter string
	// NameAttribute has the name of the user in the hub. Empty: the attribute that
	// matched.
	NameAttribute string

	// GroupBase is the DN below which groups are searched for. Empty: only the
	// groups that Allowed and Admin name by DN are looked at, one by one.
	GroupBase string
	// GroupFilter finds the groups of a user, with {userdn} and {uid} for his DN
	// and name. Empty: DefaultGroupFilter.
	GroupFilter string
	// GroupAttribute has the name of a group. Empty: DefaultGroupAttribute.
	GroupAttribute string
	// MemberOf is an attribute of users that lists the DNs of their groups, such as
	// memberOf. Empty: none.
	MemberOf string
	// Nested adds the groups that the groups of a user are members of. Only with
	// GroupBase.
	Nested bool
	// AllowedGroups are groups, by name or by DN, of which a user must be in one.
	// Empty: no condition.
	AllowedGroups []string
	// AdminGroups make their members administrators, and take that from others whom
	// the hub's list of admins does not name.
	// Empty: nothing is said about it.
	AdminGroups []string
	// StateAttributes of the entry are kept in the auth state.
	StateAttributes []string

	// Service is what stands above the form of the login page. Empty: nothing.
	Service string

	// Log hears of what a user must not be told. Nil discards.
	Log *slog.Logger
}

// server is a parsed URL.
type server struct {
	address string
	host    string
	tls     bool // from the first byte on
}

// complete fills in defaults and says what cannot work.
func (o *Options) complete() error {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.GroupFilter == "" {
		o.GroupFilter = DefaultGroupFilter
	}
	if o.GroupAttribute == "" {
		o.GroupAttribute = DefaultGroupAttribute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if len(o.UserAttributes) == 0 {
		o.UserAttributes = o.templateAttributes()
	}
	return errors.Join(o.checkUsers(), o.checkGroups())
}

// templateAttributes are those that templates compare the name with.
func (o *Options) templateAttributes() []string {
	var names []string
	for _, template := range o.BindDNTemplates {
		first, _, _ := strings.Cut(template, "=")
		if isDN(template) && strings.HasPrefix(template, first+"={username}") && !slices.Contains(names, first) {
			names = append(names, first)
		}
	}
	if len(names) == 0 {
		names = []string{DefaultUserAttribute}
	}
	return names
}

func (o *Options) checkUsers() error {
	if len(o.BindDNTemplates) == 0 && o.SearchBase == "" {
		return errors.New("ldap: nothing says where users are: give templates of DNs to bind as, or the base to search users below")
	}
	for _, template := range o.BindDNTemplates {
		if !strings.Contains(template, "{username}") {
			return fmt.Errorf("ldap: the template %q has no {username} in it: everybody would bind as the same entry", template)
		}
	}
	if (o.SearchUser == "") != (o.SearchPassword == "") {
		return errors.New("ldap: a user to search with needs a DN and a password; a bind without a password says nothing")
	}
	for _, dn := range []string{o.SearchBase, o.GroupBase} {
		if _, err := ldap.ParseDN(dn); err != nil {
			return fmt.Errorf("ldap: the base %q is no DN: %w", dn, err)
		}
	}
	if o.UserFilter != "" {
		if err := checkFilter(o.UserFilter); err != nil {
			return err
		}
	}
	for _, attribute := range slices.Concat(o.UserAttributes, o.StateAttributes, []string{o.GroupAttribute}) {
		if !isAttribute(attribute) {
			return fmt.Errorf("ldap: %q is no name of an attribute", attribute)
		}
	}
	return nil
}

func (o *Options) checkGroups() error {
	if o.Nested && o.GroupBase == "" {
		return errors.New("ldap: nested groups are found by a search, which needs a base for groups")
	}
	if o.GroupBase == "" && o.MemberOf == "" {
		for _, group := range slices.Concat(o.AllowedGroups, o.AdminGroups) {
			if !isDN(group) {
				return fmt.Errorf("ldap: without a base for groups, the group %q must be given by its DN", group)
			}
		}
	}
	return checkFilter(o.GroupFilter)
}

// checkFilter compiles a filter with names in the place of placeholders.
func checkFilter(filter string) error {
	if _, err := ldap.CompileFilter(fill(filter, "x", "cn=x", "x")); err != nil {
		return fmt.Errorf("ldap: filter %q: %w", filter, err)
	}
	return nil
}

// isAttribute holds for names, numbers and options (RFC 4512, 2.5). Another one
// could end the filter that it is put into.
func isAttribute(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r > 127 || !strings.ContainsRune("-;.", r) && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	})
}

func isDN(text string) bool {
	_, err := ldap.ParseDN(text)
	return err == nil && strings.Contains(text, "=")
}

// servers parses the URLs.
func (o *Options) servers() ([]server, error) {
	if len(o.Servers) == 0 {
		return nil, errors.New("ldap: no server is given")
	}
	var servers []server
	for _, text := range o.Servers {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" || u.Hostname() == "" ||
			u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
			return nil, fmt.Errorf("ldap: server %q: write ldaps://HOST[:PORT], or ldap://HOST[:PORT] for one with StartTLS", text)
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme]
		}
		servers = append(servers, server{address: net.JoinHostPort(u.Hostname(), port), host: u.Hostname(), tls: u.Scheme == "ldaps"})
	}
	return servers, nil
}

func (o *Options) tlsConfig(of server) *tls.Config {
	name := o.ServerName
	if name == "" {
		name = of.host
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name, RootCAs: o.Authorities}
}
