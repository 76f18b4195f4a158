// Package hubpath writes the paths of a hub: where its pages, its API, its
// users' servers and its services are. It is the one place that knows how names
// are escaped in them (JupyterHub: Python's quote with "@" and "~" left alone),
// so that links, routes, cookies and single-user servers agree to the byte.
package hubpath

import (
	"fmt"
	"strings"
)

// Base is the path under which the whole hub lives (JupyterHub's base_url). It
// begins and ends with a slash; the default is "/".
type Base string

// ParseBase completes a base path as people write it: "", "/jupyter" and
// "jupyter/" are understood. It refuses anything but plain segments.
func ParseBase(text string) (Base, error) {
	trimmed := strings.Trim(text, "/")
	if trimmed == "" {
		return "/", nil
	}
	for segment := range strings.SplitSeq(trimmed, "/") {
		if segment == "" || segment == "." || segment == ".." || Quote(segment) != segment {
			return "", fmt.Errorf("hubpath: base path %q: only plain segments of letters, digits and -._~@", text)
		}
	}
	return Base("/" + trimmed + "/"), nil
}

// Hub is a path under {base}hub/, where the hub itself answers. The rest is
// appended as it is: Hub("home"), Hub("api/user").
func (b Base) Hub(rest string) string { return string(b) + "hub/" + rest }

// API is a path under {base}hub/api/.
func (b Base) API(rest string) string { return b.Hub("api/" + rest) }

// Server is where a user's server is reached, with a slash at the end. The
// empty name is the default server.
func (b Base) Server(user, name string) string {
	path := string(b) + "user/" + Quote(user) + "/"
	if name != "" {
		path += Quote(name) + "/"
	}
	return path
}

// Service is where a service is reached, with a slash at the end.
func (b Base) Service(name string) string { return string(b) + "services/" + Quote(name) + "/" }

// Of appends a user and, unless it is the default one, a server to a path that
// ends with a slash: Of("/hub/spawn/", "ada", "lab") is "/hub/spawn/ada/lab".
func Of(path, user, server string) string {
	path += Quote(user)
	if server != "" {
		path += "/" + Quote(server)
	}
	return path
}

const upperHex = "0123456789ABCDEF"

// Quote escapes one segment: all but letters, digits and "-._~@".
func Quote(segment string) string { return quote(segment, plain) }

// ClientID is the OAuth client id of a user's server. JupyterHub joins the
// quoted names with "-", so that user "a-b" and server "b" of user "a" share
// one id (CVE-2026-108752); here a "-" inside a name is escaped as well, and
// two servers never do.
func ClientID(user, server string) string {
	id := "jupyterhub-user-" + quote(user, plainInClientID)
	if server != "" {
		id += "-" + quote(server, plainInClientID)
	}
	return id
}

func quote(text string, keep func(byte) bool) string {
	var quoted strings.Builder
	for _, c := range []byte(text) {
		if keep(c) {
			quoted.WriteByte(c)
			continue
		}
		quoted.WriteByte('%')
		quoted.WriteByte(upperHex[c>>4])
		quoted.WriteByte(upperHex[c&15])
	}
	return quoted.String()
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		strings.IndexByte("-._~@", c) >= 0
}

// plainInClientID leaves out "-", which separates, and "@", which is not
// allowed in the name of a cookie, as which the id serves.
func plainInClientID(c byte) bool { return plain(c) && c != '-' && c != '@' }
