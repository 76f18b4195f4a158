package ldap

import (
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

const (
	// maxGroups bounds the groups of one user, and so the searches for groups of
	// groups.
	maxGroups = 1000
	// maxNesting bounds how far groups in groups are followed.
	maxNesting = 10
)

// group is one that a user is in.
type group struct {
	name string
	dn   string
}

// is reports whether the configuration means this group: by DN, or by name, which
// directories compare without case.
func (g group) is(wanted string) bool {
	if sameDN(g.dn, wanted) {
		return true
	}
	return !isDN(wanted) && g.name != "" && strings.EqualFold(g.name, wanted)
}

func sameDN(a, b string) bool {
	if !isDN(a) || !isDN(b) {
		return false
	}
	first, _ := ldap.ParseDN(a)
	second, _ := ldap.ParseDN(b)
	return first.EqualFold(second)
}

// inAny reports whether one of the groups is wanted.
func inAny(groups []group, wanted []string) bool {
	return slices.ContainsFunc(groups, func(g group) bool { return slices.ContainsFunc(wanted, g.is) })
}

// managed reports whether the directory says which groups a user is in, and not
// only whether he is in some.
func (o *Options) managed() bool { return o.GroupBase != "" || o.MemberOf != "" }

// groups are those of a user.
func (a *Authenticator) groups(c *connection, of user) ([]group, error) {
	var groups []group
	if a.options.MemberOf != "" && of.entry != nil {
		for _, dn := range of.entry.GetEqualFoldAttributeValues(a.options.MemberOf) {
			groups = append(groups, group{name: firstValue(dn), dn: dn})
		}
	}
	if a.options.GroupBase != "" {
		found, err := a.searchGroups(c, a.options.GroupBase, ldap.ScopeWholeSubtree, fill(a.options.GroupFilter, of.name, of.dn, of.name))
		if err != nil {
			return nil, err
		}
		groups = append(groups, found...)
		if a.options.Nested {
			return a.nested(c, groups)
		}
		return groups, nil
	}
	if a.options.MemberOf != "" {
		return groups, nil
	}
	for _, dn := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(a.options.AllowedGroups, a.options.AdminGroups)))) {
		found, err := a.searchGroups(c, dn, ldap.ScopeBaseObject, fill(a.options.GroupFilter, of.name, of.dn, of.name))
		if err != nil {
			return nil, err
		}
		groups = append(groups, found...)
	}
	return groups, nil
}

func (a *Authenticator) searchGroups(c *connection, base string, scope int, filter string) ([]group, error) {
	entries, err := c.search(&ldap.SearchRequest{
		BaseDN: base, Scope: scope, SizeLimit: maxGroups, Filter: filter, Attributes: []string{a.options.GroupAttribute},
	})
	if err != nil {
		return nil, err
	}
	groups := make([]group, len(entries))
	for i, entry := range entries {
		groups[i] = group{name: entry.GetEqualFoldAttributeValue(a.options.GroupAttribute), dn: entry.DN}
	}
	return groups, nil
}

// nested adds the groups that groups are in, layer by layer. Circles end, because
// a group is followed once.
func (a *Authenticator) nested(c *connection, groups []group) ([]group, error) {
	seen := make(map[string]bool)
	for _, g := range groups {
		seen[strings.ToLower(g.dn)] = true
	}
	for layer, depth := groups, 0; len(layer) > 0 && depth < maxNesting; depth++ {
		var next []group
		for _, inner := range layer {
			filter := fill("(|(member={userdn})(uniqueMember={userdn}))", "", inner.dn, "")
			found, err := a.searchGroups(c, a.options.GroupBase, ldap.ScopeWholeSubtree, filter)
			if err != nil {
				return nil, err
			}
			for _, g := range found {
				if key := strings.ToLower(g.dn); !seen[key] && len(seen) < maxGroups {
					seen[key] = true
					next = append(next, g)
				}
			}
		}
		groups, layer = append(groups, next...), next
	}
	return groups, nil
}

// firstValue is the name in a DN: "physics" of cn=physics,ou=groups,dc=example.
func firstValue(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil || len(parsed.RDNs) == 0 || len(parsed.RDNs[0].Attributes) == 0 {
		return ""
	}
	return parsed.RDNs[0].Attributes[0].Value
}
