package gate

import (
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// MaxSessionCookies is how many cookies of one name are looked at. Another page
// on the same host may set cookies of our name; more than this is an attack on
// the time it takes to check each.
const MaxSessionCookies = 8

// CredentialNames say where credentials of ours are found.
type CredentialNames struct {
	// SessionCookies are the names of the session cookie, exactly; usually one.
	SessionCookies []string
	// VisitorPrefix begins the tokens that the edge mints for visitors of a
	// server and hands upstream. Pages learn them and send them back. Empty: none.
	VisitorPrefix string
	// TokenInURL: ?token= counts as a credential on this route.
	TokenInURL bool
}

// Credentials are what a request claims, not yet believed.
type Credentials struct {
	// Token of the Authorization header, scheme token or bearer; else of ?token=
	// where that counts. Empty: none.
	Token string
	// FromURL: Token was in the URL.
	FromURL bool
	// VisitorToken is a token of the edge's own that a page sent back, from either
	// place. A stale one is replaced, not refused: it proves nothing and asks
	// nothing, the session cookie beside it decides.
	VisitorToken string
	// Sessions are the values of the session cookies, all candidates in the order
	// in which they came; the valid one among them counts.
	Sessions []string
	// Ambiguous: two different tokens in one place. Answer 400: the upstream might
	// read the other one.
	Ambiguous bool
}

// None tells whether the request claims nothing.
func (c Credentials) None() bool {
	return c.Token == "" && c.VisitorToken == "" && len(c.Sessions) == 0
}

// ReadCredentials collects the credentials of a request in the order of
// JupyterHub, sections 0.4 and 5.4.
func ReadCredentials(r *http.Request, names CredentialNames) Credentials {
	var c Credentials
	for _, value := range r.Header["Authorization"] {
		if token, ok := parseAuthorization(value); ok {
			c.take(token, names, false)
		}
	}
	if len(r.Header["Authorization"]) > 1 {
		c.Ambiguous = true
	}
	for _, token := range QueryValues(r.URL.RawQuery, "token") {
		c.take(token, names, true)
	}
	for _, name := range names.SessionCookies {
		for _, value := range CookieValues(r.Header, name) {
			if len(c.Sessions) < MaxSessionCookies && !slices.Contains(c.Sessions, value) {
				c.Sessions = append(c.Sessions, value)
			}
		}
	}
	return c
}

func (c *Credentials) take(token string, names CredentialNames, inURL bool) {
	switch {
	case token == "":
	case names.VisitorPrefix != "" && strings.HasPrefix(token, names.VisitorPrefix):
		if c.VisitorToken == "" {
			c.VisitorToken = token
		}
	case inURL && !names.TokenInURL:
	case c.Token == "":
		c.Token, c.FromURL = token, inURL
	case c.FromURL == inURL && c.Token != token:
		c.Ambiguous = true
	}
}

// parseAuthorization reads "token X" or "bearer X", the scheme in any case.
func parseAuthorization(value string) (token string, ok bool) {
	scheme, rest, found := strings.Cut(value, " ")
	if !found || !strings.EqualFold(scheme, "token") && !strings.EqualFold(scheme, "bearer") {
		return "", false
	}
	token = textproto.TrimString(rest)
	return token, token != "" && !strings.ContainsAny(token, " \t")
}

func hasToken(h http.Header) bool {
	for _, value := range h["Authorization"] {
		if _, ok := parseAuthorization(value); ok {
			return true
		}
	}
	return false
}

// QueryValues are the percent-decoded values of a parameter of a raw query, in order.
func QueryValues(raw, name string) []string {
	if !mayHold(raw, name) {
		return nil
	}
	var values []string
	for pair := range strings.SplitSeq(raw, "&") {
		if key, value, ok := queryPair(pair); ok && key == name {
			values = append(values, value)
		}
	}
	return values
}

// mayHold is false if a raw query certainly has no parameter of this name: it
// does not contain it, and nothing in it is written in another way.
func mayHold(raw, name string) bool {
	return strings.Contains(raw, name) || strings.IndexByte(raw, '%') >= 0 || strings.IndexByte(raw, '+') >= 0
}

// WithoutParameter returns a raw query with every pair of this name removed and
// all others byte for byte as they were.
func WithoutParameter(raw, name string) string {
	if !mayHold(raw, name) {
		return raw
	}
	kept := make([]string, 0, 8)
	removed := false
	for pair := range strings.SplitSeq(raw, "&") {
		if key, _, ok := queryPair(pair); ok && key == name {
			removed = true
			continue
		}
		kept = append(kept, pair)
	}
	if !removed {
		return raw
	}
	return strings.Join(kept, "&")
}

func queryPair(pair string) (key, value string, ok bool) {
	rawKey, rawValue, _ := strings.Cut(pair, "=")
	key, err := url.QueryUnescape(rawKey)
	if err != nil {
		return "", "", false
	}
	if value, err = url.QueryUnescape(rawValue); err != nil {
		return key, "", true
	}
	return key, value, true
}
