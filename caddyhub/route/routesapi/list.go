package routesapi

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

const (
	// listBuffer is how much of a list is written at once, in bytes: about 200
	// routes, and a tenth of a millisecond.
	listBuffer = 32 << 10
	// breath is how long a list rests between two pieces, so that requests which
	// wait for the only processor get it. Merely giving way would not do: as long
	// as something can run, Go looks for what came over the network every 10 ms. For
	// the same reason it must not be over before Go has looked for something to run.
	breath = 50 * time.Microsecond
)

// timeFormat is how JavaScript writes a time.
const timeFormat = "2006-01-02T15:04:05.000Z"

// list writes the routes of one instant that were not used since, or all if
// since is zero.
func (c *call) list(since time.Time) {
	c.w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriterSize(&breathing{w: c.w}, listBuffer)
	var line []byte
	separator := byte('{')
	for r := range c.routes.Table().All() {
		last := r.Activity().Last()
		if !since.IsZero() && (last.IsZero() || !last.Before(since)) {
			continue
		}
		line = append(line[:0], separator)
		line = appendEntry(line, r, last)
		if _, err := out.Write(line); err != nil {
			return // the client has gone
		}
		separator = ','
	}
	if separator == '{' {
		_ = out.WriteByte('{')
	}
	_ = out.WriteByte('}')
	_ = out.Flush()
}

// breathing lets others run before each piece but the first.
type breathing struct {
	w     http.ResponseWriter
	begun bool
}

func (b *breathing) Write(p []byte) (int, error) {
	if b.begun {
		time.Sleep(breath)
	}
	b.begun = true
	return b.w.Write(p)
}

// appendEntry writes the name of a route and the route.
func appendEntry(text []byte, r *route.Entry, last time.Time) []byte {
	text = appendPath(text, r.Spec())
	text = append(text, ':')
	return appendRoute(text, r, last)
}

// appendRoute writes a route as an object: its target, what was attached to it,
// or what the hub knows of it, and when it was last used.
func appendRoute(text []byte, r *route.Entry, last time.Time) []byte {
	const ownTarget = `{"target":`
	data := r.Data()
	extra := data.Extra
	if extra == "" {
		extra = hubData(data)
	}
	if !strings.HasPrefix(string(extra), ownTarget) {
		text = append(text, ownTarget...)
		text = appendString(text, r.Target().String())
		if len(extra) > len("{}") {
			text = append(text, ',')
			text = append(text, extra[1:len(extra)-1]...)
		}
	} else {
		text = append(text, extra[:len(extra)-1]...)
	}
	if !last.IsZero() {
		text = append(text, `,"last_activity":"`...)
		text = appendTime(text, last)
		text = append(text, '"')
	}
	return append(text, '}')
}

// hubData is what JupyterHub attaches to such a route, but for "jupyterhub": a
// client that takes a route for its own would delete it.
func hubData(data route.Data) route.Object {
	known := make(map[string]any)
	switch {
	case data.Hub:
		known["hub"] = true
	case data.Service != "":
		known["service"] = data.Service
	case data.User != "":
		known["user"], known["server_name"] = data.User, data.ServerName
	}
	text, _ := json.Marshal(known) // texts and a truth value always encode
	return route.Object(text)
}

// appendPath writes the name of a route as a JSON string.
func appendPath(text []byte, spec route.Spec) []byte {
	name := spec.String()
	if strings.IndexByte(name, '%') >= 0 || name == "/" {
		return appendString(text, pathOf(spec))
	}
	// Nothing in it has to be decoded, or escaped.
	text = append(text, '"')
	if name[0] != '/' {
		text = append(text, '/')
	}
	text = append(text, name[:len(name)-1]...)
	return append(text, '"')
}

// appendTime writes a time as timeFormat has it, without reading that every time: a
// list does it for every route.
func appendTime(text []byte, t time.Time) []byte {
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(text, timeFormat)
	}
	hour, minute, second := t.Clock()
	for _, part := range [...]struct {
		number, digits int
		behind         byte
	}{
		{year, 4, '-'}, {int(month), 2, '-'}, {day, 2, 'T'},
		{hour, 2, ':'}, {minute, 2, ':'}, {second, 2, '.'}, {t.Nanosecond() / 1e6, 3, 'Z'},
	} {
		end := len(text) + part.digits
		text = append(text, "0000"[:part.digits]...)
		for at, rest := end-1, part.number; rest > 0; at, rest = at-1, rest/10 {
			text[at] += byte(rest % 10)
		}
		text = append(text, part.behind)
	}
	return text
}

// appendString writes a JSON string. Few paths have anything to escape.
func appendString(text []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			quoted, _ := json.Marshal(s) // a string always encodes
			return append(text, quoted...)
		}
	}
	text = append(text, '"')
	text = append(text, s...)
	return append(text, '"')
}
