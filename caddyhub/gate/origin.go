package gate

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Origins are the origins that a request may come from: the site's own, and no
// other user's. Make them with NewOrigins.
type Origins struct {
	own []string
}

// NewOrigins takes origins like "https://hub.example.org:8443"; a default port
// may be written or not. A text that is no origin is left out, so that a mistake
// allows nothing.
func NewOrigins(origins ...string) Origins {
	var o Origins
	for _, text := range origins {
		if origin, ok := ParseOrigin(text); ok {
			o.own = append(o.own, origin)
		}
	}
	return o
}

// OwnOrigin is the origin that a request was sent to, by its Host header. Use it
// for a site that answers only to hosts it knows.
func OwnOrigin(r *http.Request, https bool) Origins {
	if https {
		return NewOrigins("https://" + r.Host)
	}
	return NewOrigins("http://" + r.Host)
}

// Same tells whether a request certainly comes from a page of one of these
// origins: it has one Origin header, which equals one of them in scheme, host and
// port, and Sec-Fetch-Site, if present, says the same. An absent or "null" Origin
// is not the same, nor is a sub-domain, another port or a longer name.
//
// It is demanded of every WebSocket opened by cookie, since browsers let any page
// open one. A WebSocket opened by token needs none.
func (o Origins) Same(r *http.Request) bool {
	origin := r.Header["Origin"]
	if len(origin) != 1 || !o.contains(origin[0]) {
		return false
	}
	site := r.Header["Sec-Fetch-Site"]
	return len(site) == 0 || len(site) == 1 && site[0] == "same-origin"
}

// Foreign tells whether a request says that another origin sent it. A navigation
// says nothing, so neither Same nor Foreign.
func (o Origins) Foreign(r *http.Request) bool {
	for _, site := range r.Header["Sec-Fetch-Site"] {
		if site == "cross-site" || site == "same-site" {
			return true
		}
	}
	origin := r.Header["Origin"]
	return len(origin) > 1 || len(origin) == 1 && !o.contains(origin[0])
}

func (o Origins) contains(text string) bool {
	if slices.Contains(o.own, text) {
		return true // as browsers write it
	}
	origin, ok := ParseOrigin(text)
	return ok && slices.Contains(o.own, origin)
}

// ParseOrigin reads scheme://host[:port] with the scheme http or https and
// nothing else, and writes it as browsers do: lower case, no default port.
func ParseOrigin(text string) (origin string, ok bool) {
	text = strings.ToLower(text)
	scheme, authority, found := strings.Cut(text, "://")
	if !found || scheme != "http" && scheme != "https" || authority == "" || len(authority) > 300 {
		return "", false
	}
	host, port, hasPort := strings.Cut(authority, ":")
	if strings.HasPrefix(authority, "[") {
		end := strings.IndexByte(authority, ']') + 1
		host, port = authority[:end], authority[end:]
		port, hasPort = strings.CutPrefix(port, ":")
		if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil || !address.Is6() || address.Zone() != "" || !hasPort && port != "" {
			return "", false
		}
	} else if host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		return "", false
	}
	switch {
	case !hasPort:
	case port == "" || strings.Trim(port, "0123456789") != "":
		return "", false
	case scheme == "https" && port == "443", scheme == "http" && port == "80":
		authority = host
	}
	return scheme + "://" + authority, true
}
