package gate

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// CookieValues are the values of all cookies with exactly this name, in the order
// in which they came, over all Cookie headers.
func CookieValues(h http.Header, name string) []string {
	var values []string
	for _, line := range h["Cookie"] {
		if !strings.Contains(line, name) {
			continue // most lines lack most names
		}
		for pair := range strings.SplitSeq(line, ";") {
			if key, value := cookiePair(pair); key == name {
				values = append(values, value)
			}
		}
	}
	return values
}

// cookiePair takes name and value from one piece of a Cookie header. A piece
// without a name is read as servers do that see "=a=b" as the cookie a.
func cookiePair(pair string) (name, value string) {
	pair = strings.TrimLeft(textproto.TrimString(pair), "=")
	name, value, _ = strings.Cut(pair, "=")
	return textproto.TrimString(name), textproto.TrimString(value)
}

// cookieNames are names of cookies: some exactly, some by how they begin.
type cookieNames struct{ exact, prefixes []string }

func (c cookieNames) has(name string) bool {
	return slices.Contains(c.exact, name) ||
		slices.ContainsFunc(c.prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// stripCookies takes the named cookies out of the Cookie headers; what stays is
// byte for byte as it came.
func stripCookies(h http.Header, names cookieNames) {
	lines := h["Cookie"]
	if !slices.ContainsFunc(lines, func(line string) bool { return holds(line, names) }) {
		return
	}
	kept := make([]string, 0, len(lines))
	for _, line := range lines {
		if line = withoutCookies(line, names); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

func holds(line string, names cookieNames) bool {
	for pair := range strings.SplitSeq(line, ";") {
		if name, _ := cookiePair(pair); names.has(name) {
			return true
		}
	}
	return false
}

func withoutCookies(line string, names cookieNames) string {
	var rest strings.Builder
	rest.Grow(len(line))
	for pair := range strings.SplitSeq(line, ";") {
		if name, _ := cookiePair(pair); names.has(name) {
			continue
		}
		if rest.Len() == 0 {
			pair = strings.TrimLeft(pair, " \t")
		} else {
			rest.WriteByte(';')
		}
		rest.WriteString(pair)
	}
	return strings.TrimRight(rest.String(), " \t")
}
