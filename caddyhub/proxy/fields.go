package proxy

import (
	"net/http"
	"strings"
)

// hopByHop are the fields that end at this proxy, besides those that Connection
// names (RFC 9110, 7.6.1). Alt-Svc speaks of the origin, and that is the edge.
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Alt-Svc":
		return true
	}
	return false
}

// named says whether one of the values of Connection names a field.
func named(connection []string, name string) bool {
	for _, value := range connection {
		for token := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.Trim(token, " \t"), name) {
				return true
			}
		}
	}
	return false
}

// inTrailer says whether a field may stand behind a body: those that frame,
// route, authenticate, or that the receiver had to know before may not (RFC 9110,
// 6.5.1).
func inTrailer(name string) bool {
	if hopByHop(name) {
		return false
	}
	switch name {
	case "Content-Length", "Content-Type", "Content-Encoding", "Content-Range", "Host", "Authorization",
		"Www-Authenticate", "Cookie", "Set-Cookie", "Location", "Cache-Control", "Expires", "Vary", "Date",
		"Expect", "Range", "Age", "Retry-After", "Max-Forwards":
		return false
	}
	return !strings.HasPrefix(name, "If-")
}

// isToken tells whether text is a token (RFC 9110, 5.6.2), as names of fields are.
func isToken(text string) bool {
	for i := range len(text) {
		if !tokenBytes[text[i]] {
			return false
		}
	}
	return text != ""
}

// isFieldValue tells whether text may be the value of a field: printable, spaces,
// tabs, and what is not ASCII.
func isFieldValue(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

var tokenBytes = func() (table [256]bool) {
	for c := '0'; c <= '9'; c++ {
		table[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		table[c], table[c-'a'+'A'] = true, true
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		table[c] = true
	}
	return table
}()

// isTarget tells whether text may be a request target in a head: nothing in it
// ends the line or the target.
func isTarget(text string) bool {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c == 0x7f {
			return false
		}
	}
	return text != ""
}

// announced are the trailer fields that a message says it will have.
func announced(header http.Header) http.Header {
	var trailer http.Header
	for _, value := range header["Trailer"] {
		for name := range strings.SplitSeq(value, ",") {
			name = http.CanonicalHeaderKey(strings.Trim(name, " \t"))
			if !isToken(name) || !inTrailer(name) {
				continue
			}
			if trailer == nil {
				trailer = make(http.Header)
			}
			trailer[name] = nil
		}
	}
	return trailer
}
