package routesapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// authorized says whether a client may use the API.
func (a *API) authorized(r *http.Request) bool {
	if a.options.Token == "" {
		return a.options.Open && local(r)
	}
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	// Of equal length, so that the time taken tells nothing of the token's.
	given, wanted := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(a.options.Token))
	return strings.EqualFold(scheme, "token") && subtle.ConstantTimeCompare(given[:], wanted[:]) == 1
}

// local says whether a request comes from a program of this machine. A page in a
// browser of this machine is none, and neither is what a proxy passes on: a page
// has an Origin, or a Host that its author owns.
func local(r *http.Request) bool {
	for _, name := range []string{"Origin", "Sec-Fetch-Site", "X-Forwarded-For", "Forwarded"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		address, err := netip.ParseAddr(host)
		return err == nil && address.Unmap().IsLoopback() && localName(r.Host)
	}
	// A Unix socket: whoever may open it was let in by the system.
	return r.RemoteAddr == "" || strings.HasPrefix(r.RemoteAddr, "@") || strings.HasPrefix(r.RemoteAddr, "/")
}

// localName says whether a Host is a name of this machine that no DNS gives.
func localName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && address.IsLoopback()
}
