package nexturl

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxLength is how long a next may be, in bytes; longer ones are dropped. It must
// fit a header together with cookies.
const MaxLength = 4096

// Site says what counts as here.
type Site struct {
	// Origins of the site, "https://hub.example.org": its public URL, else the
	// origin of the request. Written without a default port.
	Origins []string
	// SubdomainHost, with users on sub-domains: this host and all below it. Their
	// URLs are reduced to the path, which leads there by itself. Empty: none.
	SubdomainHost string
}

// Clean returns the target as a path with query and fragment on this site. ok is
// false if it must be treated as absent: it leads elsewhere, or could.
func (s Site) Clean(next string) (target string, ok bool) {
	if next == "" || len(next) > MaxLength || !utf8.ValidString(next) || strings.ContainsFunc(next, isControl) {
		return "", false
	}
	if strings.TrimSpace(next) != next {
		return "", false
	}
	next = strings.ReplaceAll(next, `\`, "%5C")
	if strings.HasPrefix(next, "///") {
		next = "//" + strings.TrimLeft(next, "/")
	}
	if authority, rest, absolute := s.split(next); absolute {
		if !s.owns(authority) {
			return "", false
		}
		next = "/" + strings.TrimLeft(rest, "/")
	}
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") {
		return "", false
	}
	path, _, _ := strings.Cut(next, "?")
	path, _, _ = strings.Cut(path, "#")
	if !plainPath(path) {
		return "", false
	}
	target = escape(next)
	if _, err := url.Parse(target); err != nil {
		return "", false
	}
	return target, true
}

// split takes "scheme://authority" or "//authority" off a URL. What follows begins
// with a slash, a question mark, a hash, or is empty.
func (s Site) split(next string) (authority, rest string, absolute bool) {
	start := strings.Index(next, "//")
	if start < 0 || start > 0 && next[start-1] != ':' || strings.ContainsAny(next[:start], "/?#") {
		return "", "", false
	}
	end := len(next)
	if i := strings.IndexAny(next[start+2:], "/?#"); i >= 0 {
		end = start + 2 + i
	}
	return strings.ToLower(next[:end]), next[end:], true
}

// owns tells whether "scheme://authority" or "//authority" is this site. Anything
// but host and port, a user for example, never is.
func (s Site) owns(authority string) bool {
	scheme, host, _ := strings.Cut(authority, "//")
	if scheme != "" && scheme != "http:" && scheme != "https:" {
		return false
	}
	for _, origin := range s.Origins {
		ownScheme, own, _ := strings.Cut(strings.ToLower(origin), "//")
		if (scheme == "" || scheme == ownScheme) && withoutDefaultPort(ownScheme, host) == withoutDefaultPort(ownScheme, own) {
			return true
		}
	}
	if s.SubdomainHost == "" {
		return false
	}
	name, below := hostName(host), hostName(strings.ToLower(s.SubdomainHost))
	label, under := strings.CutSuffix(name, "."+below)
	return name != "" && (name == below || under && validLabels(label))
}

func withoutDefaultPort(scheme, host string) string {
	if scheme == "https:" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// hostName is the host without a numeric port; empty if there is more to it.
func hostName(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, ""
	}
	if strings.ContainsFunc(port, func(c rune) bool { return c < '0' || c > '9' }) || !validLabels(name) {
		return ""
	}
	return name
}

func validLabels(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	})
}

// plainPath tells whether no reader could find another place in a path: it has no
// dot segments and no empty first ones, encoded or not, and no encoded slash,
// backslash or control character where it begins.
func plainPath(path string) bool {
	decoded, err := url.PathUnescape(path)
	if err != nil || !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, isControl) {
		return false
	}
	readable := strings.ReplaceAll(decoded, `\`, "/")
	if strings.HasPrefix(readable, "//") || strings.HasPrefix(readable, "/ ") {
		return false
	}
	segments := strings.Split(readable, "/")
	return !slices.Contains(segments, ".") && !slices.Contains(segments, "..")
}

// isControl finds what browsers strip from URLs or servers choke on.
func isControl(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 }

// escape percent-encodes what is not at home in a URL, and nothing that is.
func escape(target string) string {
	var escaped strings.Builder
	for _, c := range []byte(target) {
		if c > ' ' && c < 0x7f && !strings.ContainsRune("\"<>`{}|^'", rune(c)) {
			escaped.WriteByte(c)
			continue
		}
		const digits = "0123456789ABCDEF"
		escaped.WriteByte('%')
		escaped.WriteByte(digits[c>>4])
		escaped.WriteByte(digits[c&15])
	}
	return escaped.String()
}
