package conformance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// labels stand for what each hub makes up by itself: ids and secrets. The first
// one seen on either side is number 1, so that an id which turns up again has to
// be the same one on both sides.
type labels struct {
	origin string
	names  map[string]string
	counts map[string]int
	// alike gives all of a kind the same label.
	alike bool
}

func newLabels(origin string) *labels {
	return &labels{origin: origin, names: map[string]string{}, counts: map[string]int{}}
}

// made says that the hub has made up a value.
func (l *labels) made(kind, value string) {
	if _, known := l.names[value]; known || value == "" {
		return
	}
	if l.alike {
		l.names[value] = kind
		return
	}
	l.counts[kind]++
	l.names[value] = fmt.Sprintf("%s#%d", kind, l.counts[kind])
}

var (
	localPort   = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	timestamp   = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?`)
	identifier  = regexp.MustCompile(`^a[0-9]+$`)
	longSecret  = regexp.MustCompile(`^[0-9A-Za-z_\-|:=]{30,}$`)
	wholeNumber = regexp.MustCompile(`^[0-9]+$`)
)

// text is a text with labels for what differs by nature.
func (l *labels) text(value string) string {
	value = strings.ReplaceAll(value, l.origin, "ORIGIN")
	value = localPort.ReplaceAllString(value, "127.0.0.1:PORT")
	value = timestamp.ReplaceAllStringFunc(value, relative)
	// Longer ones first: a1 is the beginning of a12.
	known := make([]string, 0, len(l.names))
	for made := range l.names {
		if strings.Contains(value, made) {
			known = append(known, made)
		}
	}
	slices.SortFunc(known, func(a, b string) int { return len(b) - len(a) })
	for _, made := range known {
		value = replaceWord(value, made, l.names[made])
	}
	return value
}

// replaceWord replaces what is not a part of a longer word.
func replaceWord(text, word, by string) string {
	var replaced strings.Builder
	for {
		at := strings.Index(text, word)
		if at < 0 {
			return replaced.String() + text
		}
		end := at + len(word)
		whole := (at == 0 || !isAlphanumeric(text[at-1])) && (end == len(text) || !isAlphanumeric(text[end]))
		replaced.WriteString(text[:at])
		if whole {
			replaced.WriteString(by)
		} else {
			replaced.WriteString(word)
		}
		text = text[end:]
	}
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// relative is a time of this hour or later, as what it is from now; what is
// older was sent by the script and stays. The form stays visible.
func relative(text string) string {
	moment, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	form := "s"
	if _, fraction, has := strings.Cut(text, "."); has {
		form = fmt.Sprintf("s.%d", strings.IndexFunc(fraction, func(r rune) bool { return r < '0' || r > '9' }))
	}
	form += strings.TrimLeft(text[19:], ".0123456789")
	switch from := time.Until(moment); {
	case from < -time.Hour:
		return text
	case from < 10*time.Second:
		return "JUST-NOW(" + form + ")"
	default:
		return fmt.Sprintf("IN-%.0f-MINUTES(%s)", math.Round(from.Minutes()), form)
	}
}

// sets are lists in models whose order JupyterHub leaves to its database. The
// scopes of a token are one too, those of the caller in /user are sorted.
var sets = []string{"roles", "groups", "users"}

// value is JSON with labels.
func (l *labels) value(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = l.value(inner, name)
		}
		if scopes, is := v["scopes"].([]any); is && v["kind"] == "api_token" {
			sortSet(scopes)
		}
		return v
	case []any:
		for i, inner := range v {
			v[i] = l.value(inner, key)
		}
		if slices.Contains(sets, key) {
			sortSet(v)
		}
		return v
	case string:
		switch {
		case key == "message":
			return sortEnumerations(l.text(v))
		case (key == "id" || key == "token_id") && identifier.MatchString(v):
			l.made("ID", v)
		case (key == "token" || key == "access_token" || key == "session_id") && longSecret.MatchString(v):
			l.made("SECRET", v)
		}
		return l.text(v)
	case json.Number:
		if key == "pid" {
			return "NUMBER"
		}
	}
	return v
}

// content is the body of an answer as JSON: what it is if it is JSON, the list
// of events if it is a stream of them, nothing if it is a page, else a text.
func (l *labels) content(a answer) any {
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	var decoded any
	switch {
	case len(a.body) == 0:
		return ""
	case kind == "text/html":
		return "a page"
	case strings.Contains(a.header.Get("Content-Type"), "version="):
		return "metrics"
	case kind == "text/event-stream":
		events := []any{}
		for frame := range strings.SplitSeq(string(a.body), "\n\n") {
			if data, is := strings.CutPrefix(frame, "data: "); is {
				events = append(events, l.value(decode([]byte(data)), ""))
			} else if frame != "" {
				events = append(events, "not an event: "+frame)
			}
		}
		if len(events) < 2 {
			return events
		}
		last := len(events) - 1
		return map[string]any{"first": events[0], "between": events[1:last], "last": events[last]}
	}
	if decoded = decode(a.body); decoded == nil {
		return l.text(string(a.body))
	}
	return l.value(decoded, "")
}

func sortSet(set []any) {
	slices.SortFunc(set, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

// enumerations are the sets within messages, and what stands between their members.
var enumerations = map[*regexp.Regexp]string{
	regexp.MustCompile(`requested scopes (\S+) not held`): ",",
	regexp.MustCompile(`^Invalid JSON keys: \{(.+)\}$`):   ", ",
	regexp.MustCompile(`^Invalid JSON data: \{(.+)\}$`):   ", ",
	regexp.MustCompile(`^Action is .* any of \[(.+)\]$`):  ", ",
}

// sortEnumerations sorts the members of sets within a message.
func sortEnumerations(message string) string {
	for pattern, separator := range enumerations {
		if at := pattern.FindStringSubmatchIndex(message); at != nil {
			members := strings.Split(message[at[2]:at[3]], separator)
			slices.Sort(members)
			message = message[:at[2]] + strings.Join(members, separator) + message[at[3]:]
		}
	}
	return message
}

// decode keeps numbers as they are written. It is nil if it is no JSON.
func decode(text []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	if value == nil {
		return "null"
	}
	return value
}

// compared are the headers that a client may go by.
var compared = []string{
	"Access-Control-Allow-Headers", "Access-Control-Allow-Origin", "Allow", "Cache-Control", "Content-Security-Policy",
	"Content-Type", "Link", "Location", "Pragma", "Retry-After", "Www-Authenticate", "X-Content-Type-Options",
	"X-Jupyterhub-Version",
}

// headers are those compared, and each cookie with what holds for it.
func (l *labels) headers(a answer) map[string]string {
	found := make(map[string]string)
	for _, name := range compared {
		if values := a.header.Values(name); len(values) > 0 {
			found[name] = l.text(strings.Join(values, " and "))
		}
	}
	if wholeNumber.MatchString(found["Retry-After"]) {
		found["Retry-After"] = "SECONDS"
	}
	for _, line := range a.header["Set-Cookie"] {
		cookie, err := http.ParseSetCookie(line)
		if err != nil {
			found["Set-Cookie "+line] = "wrong"
			continue
		}
		found["Set-Cookie "+cookie.Name] = describeCookie(cookie)
	}
	return found
}

func describeCookie(cookie *http.Cookie) string {
	words := []string{"Path=" + cookie.Path, "HttpOnly=" + strconv.FormatBool(cookie.HttpOnly), "Secure=" + strconv.FormatBool(cookie.Secure)}
	switch expired := !cookie.Expires.IsZero() && cookie.Expires.Before(time.Now()); {
	case cookie.MaxAge < 0 || expired:
		words = append(words, "cleared")
	case cookie.MaxAge > 0 || !cookie.Expires.IsZero():
		words = append(words, "lasts")
	default:
		words = append(words, "session")
	}
	return strings.Join(words, " ")
}
