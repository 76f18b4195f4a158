package authenticator

import "strings"

// MaxLogBytes bounds what one user name can put into one log line, so that
// nobody floods a log with names (CVE-2026-54338).
const MaxLogBytes = 256

// ForLog returns a name fit for a log line: valid UTF-8 and at most MaxLogBytes
// long. Control characters are left to the log's own quoting.
func ForLog(name string) string {
	if len(name) <= MaxLogBytes {
		return strings.ToValidUTF8(name, "?")
	}
	const cut = "..."
	return strings.ToValidUTF8(name[:MaxLogBytes-len(cut)], "") + cut
}
