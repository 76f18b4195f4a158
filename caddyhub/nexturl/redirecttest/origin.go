package redirecttest

import (
	"strings"
)

// Origin is where a browser goes that is at a page of base ("https://host:port")
// and is sent to a location: an origin, or another scheme with its colon. It does
// what the URL Standard's parser does about it: controls and spaces at the ends
// go, tabs and line ends go everywhere, backslashes are slashes, a web address
// needs no slashes before its host, and what comes before an @ is no host.
func Origin(base, location string) string {
	location = strings.TrimFunc(location, func(c rune) bool { return c <= ' ' })
	location = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(location)
	own, _, _ := strings.Cut(base, ":")
	scheme, rest := own, location
	if name, after, found := strings.Cut(location, ":"); found && isScheme(name) {
		scheme, rest = strings.ToLower(name), after
		if scheme != "http" && scheme != "https" {
			return scheme + ":"
		}
		if scheme == own && !beginsWithSlashes(rest) {
			return base // relative, for all its scheme
		}
		rest = "//" + rest
	}
	rest = rest[:strings.IndexAny(rest+"?", "?#")]
	rest = strings.ReplaceAll(rest, `\`, "/")
	if !strings.HasPrefix(rest, "//") {
		return base
	}
	host, _, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
	host = strings.ToLower(host[strings.LastIndexByte(host, '@')+1:])
	return scheme + "://" + host
}

func beginsWithSlashes(text string) bool {
	return len(text) > 1 && strings.ContainsRune(`/\`, rune(text[0])) && strings.ContainsRune(`/\`, rune(text[1]))
}

// isScheme follows the URL Standard: a letter, then letters, digits, +, - and dots.
func isScheme(text string) bool {
	for i, c := range text {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return text != ""
}
