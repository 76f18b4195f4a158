package routesapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// maxBody bounds what one route can cost, in bytes.
const maxBody = 1 << 20

// errTarget says that a body names no target.
var errTarget = errors.New("Must specify 'target' as string") //nolint:staticcheck // the text is configurable-http-proxy's

// parseBody reads the body of a POST: the target, and what comes with it.
func parseBody(body []byte) (route.Target, route.Data, error) {
	if !json.Valid(body) {
		return route.Target{}, route.Data{}, fmt.Errorf("Body not valid JSON: %w", syntaxError(body)) //nolint:staticcheck // the text is configurable-http-proxy's
	}
	members := membersOf(body)
	var text *string
	for _, m := range members {
		if m.name == "target" && json.Unmarshal(m.value, &text) != nil {
			text = nil
		}
	}
	if text == nil {
		return route.Target{}, route.Data{}, errTarget
	}
	target, err := route.ParseTargetURL(*text)
	if err != nil {
		return route.Target{}, route.Data{}, err
	}
	return target, dataOf(members, target.String() == *text), nil
}

// dataOf is what a route keeps of its members. The target is among them, in
// front, only if the route's own would be written differently; when a route was
// used last is the proxy's to say.
func dataOf(members []member, canonical bool) route.Data {
	var data route.Data
	var kept []member
	for _, m := range members {
		switch m.name {
		case "last_activity":
			continue
		case "target":
			if !canonical {
				kept = append([]member{m}, kept...)
			}
			continue
		case "user":
			data.User = nameOf(m.value)
		case "server_name":
			data.ServerName = nameOf(m.value)
		case "service":
			data.Service = nameOf(m.value)
		}
		kept = append(kept, m)
	}
	data.Extra = object(kept)
	return data
}

// nameOf is a name in JSON; one that is too long for anybody's is none.
func nameOf(value json.RawMessage) string {
	if name := textOf(value); len(name) <= route.MaxNameLength {
		return name
	}
	return ""
}

func object(members []member) route.Object {
	if len(members) == 0 {
		return "{}"
	}
	text := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			text = append(text, ',')
		}
		name, _ := json.Marshal(m.name) // a string always encodes
		text = append(append(append(text, name...), ':'), m.value...)
	}
	return route.Object(append(text, '}'))
}

// withHost puts the host of a route in front of what it keeps, for clients that
// read it there.
func withHost(extra route.Object, host string) route.Object {
	members := membersOf([]byte(extra))
	name, _ := json.Marshal(host) // a string always encodes
	for i := range members {
		if members[i].name == "host" {
			members[i].value = name
			return object(members)
		}
	}
	return object(append(members, member{"host", name}))
}

func syntaxError(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return io.ErrUnexpectedEOF
	}
	var value any
	return json.Unmarshal(body, &value)
}
