package gate

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// Hygiene keeps what is ours apart from what clients and upstreams say. It is
// made once per site and used by all requests.
type Hygiene struct {
	identity map[string]struct{}
	// lengths has a bit for the length, modulo 64, of each identity header: most
	// names of headers need no other look.
	lengths  uint64
	cookies  cookieNames
	reserved cookieNames
	hubHost  string
}

// HygieneOptions say what is ours.
type HygieneOptions struct {
	// IdentityHeaders are all headers that tell an upstream who the visitor is.
	// Case does not matter; "_" and "." are taken for "-", as servers do that turn
	// headers into variables.
	IdentityHeaders []string
	// Cookies of ours, by exact name: no upstream sees one.
	Cookies []string
	// CookiePrefixes begin the names of further cookies of ours.
	CookiePrefixes []string
	// ReservedCookies are further names that no upstream may set. Cookies of ours
	// are reserved anyway.
	ReservedCookies []string
	// HubHost is the host name of the hub, without port. No upstream may set a
	// cookie for it by Domain. Empty: no upstream may set Domain at all.
	HubHost string
}

// NewHygiene makes the rules of a site.
func NewHygiene(options HygieneOptions) *Hygiene {
	x := &Hygiene{
		identity: make(map[string]struct{}, len(options.IdentityHeaders)),
		cookies:  cookieNames{slices.Clone(options.Cookies), slices.Clone(options.CookiePrefixes)},
		reserved: cookieNames{slices.Concat(options.Cookies, options.ReservedCookies), slices.Clone(options.CookiePrefixes)},
		hubHost:  strings.TrimSuffix(strings.ToLower(options.HubHost), "."),
	}
	for _, name := range options.IdentityHeaders {
		folded := make([]byte, len(name))
		for i := range len(name) {
			folded[i] = fold(name[i])
		}
		x.identity[string(folded)] = struct{}{}
		x.lengths |= 1 << (len(name) % 64)
	}
	return x
}

// SanitizeRequest removes from a client's headers every identity header in every
// spelling, our cookies, and from Connection all but close, keep-alive, upgrade
// and te: a proxy removes the headers that Connection names, and ours would be
// among them. Call it before setting headers of our own, and for trailers too.
func (x *Hygiene) SanitizeRequest(h http.Header) {
	for name := range h {
		if x.IsIdentity(name) {
			delete(h, name)
		}
	}
	pruneConnection(h, func(token string) bool {
		return strings.EqualFold(token, "close") || strings.EqualFold(token, "keep-alive") ||
			strings.EqualFold(token, "upgrade") || strings.EqualFold(token, "te")
	})
	stripCookies(h, x.cookies)
}

// IsIdentity tells whether a header is one of the identity headers or an alias.
func (x *Hygiene) IsIdentity(name string) bool {
	if x.lengths&(1<<(len(name)%64)) == 0 {
		return false
	}
	var buffer [128]byte
	folded := buffer[:0]
	for i := range len(name) {
		folded = append(folded, fold(name[i]))
	}
	_, found := x.identity[string(folded)]
	return found
}

// pruneConnection keeps of the Connection header the tokens that keep accepts.
func pruneConnection(h http.Header, keep func(token string) bool) {
	values := h["Connection"]
	clean := len(values) <= 1
	for _, value := range values {
		for token := range strings.SplitSeq(value, ",") {
			clean = clean && keep(textproto.TrimString(token))
		}
	}
	if clean {
		return
	}
	var kept []string
	for _, value := range values {
		for token := range strings.SplitSeq(value, ",") {
			if token = textproto.TrimString(token); keep(token) {
				kept = append(kept, token)
			}
		}
	}
	if len(kept) == 0 {
		delete(h, "Connection")
		return
	}
	h["Connection"] = []string{strings.Join(kept, ", ")}
}

// fold maps all spellings of a header name to one.
func fold(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	case c == '_' || c == '.':
		return '-'
	}
	return c
}
