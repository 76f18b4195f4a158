package authenticator

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLogBytes bounds what one user name can put into one log line, so that
// nobody floods a log with names (CVE-2026-54338).
const MaxLogBytes = 256

// ForLog returns a name fit for a log line: printable UTF-8, at most MaxLogBytes
// long, with a question mark for whatever else was in it.
func ForLog(name string) string {
	const cut = "..."
	if len(name) > MaxLogBytes {
		name = strings.ToValidUTF8(name[:MaxLogBytes-len(cut)], "") + cut
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, name)
}
