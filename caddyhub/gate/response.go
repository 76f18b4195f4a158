package gate

import (
	"net/http"
	"slices"
	"strings"
)

// wholeOrigin are response headers that act on a whole origin, which is not one
// upstream's to decide about: logging everybody out, switching HTTPS policy,
// sending traffic and reports elsewhere.
var wholeOrigin = []string{
	"Clear-Site-Data", "Strict-Transport-Security", "Alt-Svc", "Nel", "Report-To", "Public-Key-Pins",
}

// SiteHeaders are headers that act on a whole origin and that the site itself has
// set.
type SiteHeaders []siteHeader

type siteHeader struct {
	name   string
	values []string
}

// OfSite are those of the headers that act on a whole origin which are there before
// an upstream has said anything: Caddy's own Alt-Svc, without which nobody learns of
// HTTP/3, and what the operator has set in front of the gate. SanitizeResponse takes
// them for the upstream's; Restore puts them back.
func OfSite(h http.Header) SiteHeaders {
	var found SiteHeaders
	for _, name := range wholeOrigin {
		if values, set := h[name]; set {
			found = append(found, siteHeader{name, slices.Clip(values)})
		}
	}
	return found
}

// Restore puts the headers back as they were, whatever an upstream made of them.
func (s SiteHeaders) Restore(h http.Header) {
	for _, header := range s {
		h[header.name] = header.values
	}
}

// SanitizeResponse removes from an upstream's headers what reaches beyond its
// prefix (its path on this host, with a slash at the end): cookies with our
// names or for the hub's domain, headers that act on the whole origin, and leave
// for a service worker above the prefix.
func (x *Hygiene) SanitizeResponse(h http.Header, prefix string) {
	for _, name := range wholeOrigin {
		delete(h, name)
	}
	for _, scope := range h["Service-Worker-Allowed"] {
		if !within(scope, prefix) {
			delete(h, "Service-Worker-Allowed")
			break
		}
	}
	x.SanitizeCookies(h)
}

// SanitizeCookies is the part of SanitizeResponse that holds for an upstream with
// an origin of its own: no cookie with our names or for the hub's domain.
func (x *Hygiene) SanitizeCookies(h http.Header) {
	cookies := h["Set-Cookie"]
	if !slices.ContainsFunc(cookies, x.refusesCookie) {
		return
	}
	kept := slices.DeleteFunc(slices.Clone(cookies), x.refusesCookie)
	if len(kept) == 0 {
		delete(h, "Set-Cookie")
		return
	}
	h["Set-Cookie"] = kept
}

// refusesCookie judges one Set-Cookie value as a browser would read it (RFC
// 6265bis, 5.6): name up to the first "=", attributes after the first ";".
func (x *Hygiene) refusesCookie(line string) bool {
	pair, attributes, _ := strings.Cut(line, ";")
	// A cookie without a name, "=a=b", comes back from the browser as the cookie a.
	if name, _ := cookiePair(pair); x.reserved.has(name) {
		return true
	}
	for attribute := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(attribute, "=")
		if strings.EqualFold(strings.Trim(name, " \t"), "domain") && x.coversHub(strings.Trim(value, " \t")) {
			return true
		}
	}
	return false
}

// coversHub tells whether the hub would receive cookies of this domain.
func (x *Hygiene) coversHub(domain string) bool {
	domain = strings.TrimSuffix(strings.ToLower(strings.TrimPrefix(domain, ".")), ".")
	if domain == "" {
		return false
	}
	return x.hubHost == "" || x.hubHost == domain || strings.HasSuffix(x.hubHost, "."+domain)
}

// within tells whether a scope, a path on this host, stays below a prefix in
// every reading.
func within(scope, prefix string) bool {
	path, err := CanonicalPath(scope, "/")
	return err == nil && prefix != "" && strings.HasPrefix(path.String(), prefix)
}
