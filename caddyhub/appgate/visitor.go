package appgate

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identitytoken"
)

// Visitor is who visits an app, as far as it is told. The zero Visitor is anonymous.
type Visitor struct {
	who  *identity.Identity
	gate *Gate
	ctx  context.Context //nolint:containedctx // a Visitor lives as long as its request
}

// Known is false for anonymous visitors.
func (v Visitor) Known() bool { return v.who != nil }

// Name of the user or service; empty if anonymous.
func (v Visitor) Name() string {
	if v.who == nil {
		return ""
	}
	return v.who.Name()
}

// Kind is "user" or "service"; empty if anonymous.
func (v Visitor) Kind() string {
	if v.who == nil {
		return ""
	}
	return v.who.Kind()
}

// Admin says whether this is an administrator of the hub.
func (v Visitor) Admin() bool { return v.who != nil && v.who.Admin() }

// Groups of a user, in alphabetical order. The list must not be changed.
func (v Visitor) Groups() []string {
	if v.who == nil || v.who.User == nil {
		return nil
	}
	groups := v.who.User.Groups
	if !slices.IsSorted(groups) {
		groups = slices.Sorted(slices.Values(groups))
	}
	return groups
}

// Scopes are what the visitor may do that is of the app's concern: those scopes of
// the policy that are held, and custom scopes. In alphabetical order.
func (v Visitor) Scopes() []string {
	if v.who == nil {
		return nil
	}
	held := v.gate.custom.of(v.who)
	held = held[:len(held):len(held)]
	for i, text := range v.gate.rules.Scopes {
		if holds, err := v.gate.holds(v.ctx, v.who, i); err == nil && holds && !slices.Contains(held, text) {
			held = append(held, text)
		}
	}
	if !slices.IsSorted(held) {
		slices.Sort(held) // a copy, for something was appended
	}
	return held
}

// Token is the signed token about the visitor for an audience; empty if anonymous.
// The request is the one that came. An error wraps store.ErrUnavailable.
func (v Visitor) Token(by *identitytoken.Issuer, r *http.Request, audience string) (string, error) {
	if v.who == nil {
		return "", nil
	}
	if audience == "" {
		audience = v.gate.options.Browser.Origin(r)
	}
	about := identitytoken.Subject{
		Kind: v.Kind(), Name: v.Name(), Admin: v.Admin(), Groups: v.Groups(), Scopes: v.Scopes(), Login: v.login(),
	}
	return by.Token(v.gate.issuer(r), audience, about)
}

// login tells credentials of one owner apart.
func (v Visitor) login() string {
	switch {
	case v.who.Session != nil:
		return v.who.Session.ID
	case v.who.Token != nil:
		return v.who.Token.ID
	}
	return ""
}

// speakable says whether a text can stand in a header such that whoever reads it
// finds the same text: no control characters, and no space at either end.
func speakable(text string) bool {
	return strings.TrimSpace(text) == text && !strings.ContainsFunc(text, unicode.IsControl)
}

// JoinNames writes names into one header value, with commas between them. What
// would be taken for the end of a name is percent-encoded, and so is the percent
// sign: nobody becomes a member of "staff" by a group called "x,staff".
func JoinNames(names []string) string {
	var joined strings.Builder
	for i, name := range names {
		if i > 0 {
			joined.WriteByte(',')
		}
		for j := range len(name) {
			c := name[j]
			if c > ' ' && c != ',' && c != '%' && c != 0x7f || c == ' ' && j > 0 && j < len(name)-1 {
				joined.WriteByte(c)
				continue
			}
			const digits = "0123456789ABCDEF"
			joined.WriteByte('%')
			joined.WriteByte(digits[c>>4])
			joined.WriteByte(digits[c&15])
		}
	}
	return joined.String()
}
