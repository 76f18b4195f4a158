package routesapi

import (
	"strings"
	"time"
)

// layouts are the ways to write a time that clients use: those of ISO 8601, of
// HTTP, and what JavaScript and C print. Without a zone they mean UTC.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04",
	"2006-01-02T15:04:05.999999999Z0700", time.DateOnly, "2006-01", "2006",
	time.RFC1123, time.RFC1123Z, "Mon, 2 Jan 2006 15:04:05 MST", "Mon, 02 Jan 2006 15:04:05", time.RFC850, time.ANSIC, time.UnixDate,
	"Mon Jan 02 2006 15:04:05 GMT-0700", "2 Jan 2006", "Jan 2, 2006", "2006/01/02", "2006/01/02 15:04:05",
}

// maxTime bounds what is tried to be read as a time, in bytes.
const maxTime = 64

// parseTime reads a time as configurable-http-proxy does, and one whose "+" became
// a space because nobody had encoded it.
func parseTime(text string) (time.Time, bool) {
	if len(text) > maxTime {
		return time.Time{}, false
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), " (") // JavaScript names the zone behind
	if i := strings.LastIndexByte(text, ' '); i > len("2006-01-02T15:04") && strings.IndexByte(text, 'T') == len("2006-01-02") {
		text = text[:i] + "+" + text[i+1:]
	}
	for _, layout := range layouts {
		if parsed, err := time.Parse(layout, text); err == nil {
			return parsed, true
		}
	}
	return time.Time{}, false
}
