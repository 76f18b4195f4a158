package ldap

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// fill puts escaped values into a filter.
func fill(filter, username, dn, uid string) string {
	return strings.NewReplacer(
		"{username}", ldap.EscapeFilter(username), "{userdn}", ldap.EscapeFilter(dn), "{uid}", ldap.EscapeFilter(uid),
	).Replace(filter)
}

// userFilter matches the entry of whoever has the name in one of the attributes.
func (a *Authenticator) userFilter(typed string) string {
	var filter strings.Builder
	filter.WriteString("(&(|")
	for _, attribute := range a.options.UserAttributes {
		filter.WriteString("(" + attribute + "=" + ldap.EscapeFilter(typed) + ")")
	}
	filter.WriteString(")" + fill(a.options.UserFilter, typed, "", typed) + ")")
	return filter.String()
}

// attributes are all that is asked for of a user.
func (a *Authenticator) attributes() []string {
	names := slices.Concat(a.options.UserAttributes, a.options.StateAttributes)
	for _, name := range []string{a.options.NameAttribute, a.options.MemberOf} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// find searches for the user whom somebody typed. It returns nil for nobody, and
// for more than one.
func (a *Authenticator) find(ctx context.Context, c *connection, typed string) (*user, error) {
	entries, err := c.search(&ldap.SearchRequest{
		BaseDN: a.options.SearchBase, Scope: ldap.ScopeWholeSubtree, SizeLimit: 2,
		Filter: a.userFilter(typed), Attributes: a.attributes(),
	})
	switch {
	case err != nil:
		return nil, err
	case len(entries) > 1:
		a.options.Log.LogAttrs(ctx, slog.LevelWarn, "login refused: several entries have the name",
			slog.String("user", authenticator.ForLog(typed)))
		return nil, nil
	case len(entries) == 0:
		return nil, nil
	}
	return a.userOf(ctx, entries[0], typed), nil
}

// read reads the entry of a DN that was bound as. Without an entry the user is
// who he said.
func (a *Authenticator) read(ctx context.Context, c *connection, dn, typed string) (*user, error) {
	entry, err := a.entry(c, dn)
	if err != nil && !errors.Is(err, errNoAccess) {
		return nil, err
	}
	if entry == nil && a.options.UserFilter != "" {
		return nil, nil // it is not there, or the filter does not match
	}
	if entry == nil || !a.hasName(entry) {
		return &user{name: typed, dn: dn}, nil
	}
	return a.userOf(ctx, entry, typed), nil
}

// entry reads one entry, if it matches the filter.
func (a *Authenticator) entry(c *connection, dn string) (*ldap.Entry, error) {
	filter := "(objectClass=*)"
	if strings.Contains(a.options.UserFilter, "{") {
		filter = "(objectClass=*)" // it is about the name that was typed
	} else if a.options.UserFilter != "" {
		filter = a.options.UserFilter
	}
	entries, err := c.search(&ldap.SearchRequest{
		BaseDN: dn, Scope: ldap.ScopeBaseObject, SizeLimit: 1, Filter: filter, Attributes: a.attributes(),
	})
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	return entries[0], nil
}

// hasName reports whether an entry tells any name.
func (a *Authenticator) hasName(entry *ldap.Entry) bool {
	return slices.ContainsFunc(a.options.UserAttributes, func(attribute string) bool {
		return len(entry.GetEqualFoldAttributeValues(attribute)) > 0
	})
}

// userOf is the user of an entry, or nil if what was typed is none of its names.
func (a *Authenticator) userOf(ctx context.Context, entry *ldap.Entry, typed string) *user {
	canonical := authenticator.Canonical(typed)
	for _, attribute := range a.options.UserAttributes {
		for _, value := range entry.GetEqualFoldAttributeValues(attribute) {
			if authenticator.Canonical(value) == canonical {
				return a.named(ctx, entry, value)
			}
		}
	}
	a.options.Log.LogAttrs(ctx, slog.LevelWarn, "login refused: the entry has the name in another spelling",
		slog.String("user", authenticator.ForLog(typed)), slog.String("dn", authenticator.ForLog(entry.DN)))
	return nil
}

// named gives the user the name that the hub is to know him by.
func (a *Authenticator) named(ctx context.Context, entry *ldap.Entry, matched string) *user {
	if a.options.NameAttribute == "" {
		return &user{name: matched, dn: entry.DN, entry: entry}
	}
	values := entry.GetEqualFoldAttributeValues(a.options.NameAttribute)
	if len(values) != 1 {
		// Values have no order, so that one of several would be another every time.
		a.options.Log.LogAttrs(ctx, slog.LevelWarn, "login refused: the entry does not have exactly one name",
			slog.String("attribute", a.options.NameAttribute), slog.Int("values", len(values)),
			slog.String("dn", authenticator.ForLog(entry.DN)))
		return nil
	}
	return &user{name: values[0], dn: entry.DN, entry: entry}
}
