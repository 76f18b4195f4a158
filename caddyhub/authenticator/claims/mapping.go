package claims

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// The claims about an e-mail address (OpenID Connect Core, section 5.1).
const (
	emailClaim    = "email"
	verifiedClaim = "email_verified"
)

// Mapping says how claims become an identity. Paths are those of Claims.Lookup.
type Mapping struct {
	// Username is the path of the user name.
	Username string
	// UsernamePrefix is put in front of it, so that the users of two providers stay
	// apart. Empty: nothing.
	UsernamePrefix string
	// StripDomain makes "ada" of "ada@example.org". It takes exactly one domain in
	// Domains: with two, both their adas would be one user.
	StripDomain bool
	// Groups is the path of the groups: a list, or one text. Empty: the provider
	// has no say in groups.
	Groups string
	// GroupPrefix is put in front of each. Empty: nothing.
	GroupPrefix string
	// AdminGroups make their members administrators, and those who are in none of
	// them no administrators, unless the list of admins names them. They are
	// written as the provider does, without the prefix. Empty: no say in that.
	AdminGroups []string
	// Domains are those that the verified e-mail address must be in. Empty: any.
	Domains []string
	// UnverifiedEmail takes addresses that the provider does not call verified. It
	// is for providers where nobody but their administrators can set one.
	UnverifiedEmail bool
	// Required are claims, by path, that must have one of these values, or be a
	// list with one of them.
	Required map[string][]string
}

// Checked returns the mapping with its domains in canonical form, or an error
// that names the option that cannot work, in the words of the configuration.
func (m Mapping) Checked() (Mapping, error) {
	var err error
	if m.Domains, err = cleanDomains(m.Domains); err != nil {
		return m, err
	}
	switch {
	case m.Username == "":
		return m, errors.New("the claim of the user name is empty")
	case m.StripDomain && len(m.Domains) != 1:
		return m, errors.New("strip_domain needs exactly one domain in allowed_domains: the same name in two domains is two people")
	case len(m.AdminGroups) > 0 && m.Groups == "":
		return m, errors.New("admin_groups needs groups to look for")
	}
	for path, values := range m.Required {
		if path == "" || len(values) == 0 {
			return m, errors.New("require_claim takes a claim and the values that let somebody in")
		}
	}
	return m, nil
}

// Identity maps claims. The error is one for authenticator.Describe: it wraps
// authenticator.ErrDenied.
func (m Mapping) Identity(c Claims) (*authenticator.Identity, error) {
	if err := m.permits(c); err != nil {
		return nil, err
	}
	name, err := m.name(c)
	if err != nil {
		return nil, err
	}
	identity := &authenticator.Identity{Name: m.UsernamePrefix + name}
	if m.Groups == "" {
		return identity, nil
	}
	if err := m.setGroups(identity, c); err != nil {
		return nil, err
	}
	return identity, nil
}

// permits checks what does not depend on the name.
func (m Mapping) permits(c Claims) error {
	for path, wanted := range m.Required {
		values, err := c.Texts(path)
		if err != nil {
			return denied("%w", err)
		}
		if !slices.ContainsFunc(values, func(value string) bool { return slices.Contains(wanted, value) }) {
			return denied("the claim %q has none of the required values", path)
		}
	}
	if len(m.Domains) == 0 {
		return nil
	}
	address, err := m.address(c)
	if err != nil {
		return err
	}
	if _, domain, _ := SplitAddress(address); !slices.Contains(m.Domains, domain) {
		return denied("the e-mail address is in none of allowed_domains")
	}
	return nil
}

// address returns the e-mail address that the provider stands for.
func (m Mapping) address(c Claims) (string, error) {
	address, there := c.Text(emailClaim)
	if !there {
		return "", denied("there is no claim %q; does the list of scopes have it?", emailClaim)
	}
	if _, _, ok := SplitAddress(address); !ok {
		return "", denied("the claim %q is no plain e-mail address", emailClaim)
	}
	if !m.UnverifiedEmail && !c.True(verifiedClaim) {
		return "", &authenticator.Error{
			Status:  http.StatusForbidden,
			Message: "Your e-mail address has not been verified where you logged in.",
			Err:     denied("%q is not true", verifiedClaim),
		}
	}
	return address, nil
}

func (m Mapping) name(c Claims) (name string, err error) {
	if m.Username == emailClaim {
		name, err = m.address(c)
	} else if found, there := c.Text(m.Username); there {
		name = found
	} else {
		err = denied("the claim %q is missing, empty or no text, so there is no user name", m.Username)
	}
	if err != nil || !m.StripDomain {
		return name, err
	}
	local, domain, ok := SplitAddress(name)
	if !ok || !slices.Contains(m.Domains, domain) {
		return "", denied("the claim %q is no address in the domain of allowed_domains", m.Username)
	}
	return local, nil
}

func (m Mapping) setGroups(identity *authenticator.Identity, c Claims) error {
	if elsewhere, _ := c["_claim_names"].(map[string]any); elsewhere != nil {
		// Entra leaves out more than 200 groups and says where to ask for them (OpenID
		// Connect Core, section 5.6.2). Taken for none, they would be lost.
		if root, _, _ := strings.Cut(m.Groups, "."); elsewhere[m.Groups] != nil || elsewhere[root] != nil {
			return denied("the provider left out the claim %q because it is too long: let it send only the groups of this application", m.Groups)
		}
	}
	groups, err := c.Texts(m.Groups)
	if err != nil {
		return denied("%w", err)
	}
	if len(m.AdminGroups) > 0 {
		identity.Admin = new(slices.ContainsFunc(groups, func(group string) bool { return slices.Contains(m.AdminGroups, group) }))
		identity.AdminsStay = true
	}
	identity.Groups = make([]string, len(groups))
	for i, group := range groups {
		identity.Groups[i] = m.GroupPrefix + group
	}
	return nil
}

func denied(format string, args ...any) error {
	return fmt.Errorf("%w: %w", authenticator.ErrDenied, fmt.Errorf(format, args...))
}
