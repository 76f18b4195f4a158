package routesapi

import (
	"bytes"
	"encoding/json"
)

// member is one member of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// membersOf are the members of an object in their order, the last of each name
// where it first stood, as JavaScript reads them. What is no object has none. The
// text must be valid JSON; values are pieces of it.
func membersOf(text []byte) []member {
	rest := bytes.TrimLeft(text, space)
	if len(rest) == 0 || rest[0] != '{' {
		return nil
	}
	var members []member
	index := make(map[string]int)
	for rest = rest[1:]; ; {
		rest = bytes.TrimLeft(rest, space+",")
		if len(rest) == 0 || rest[0] == '}' {
			return members
		}
		var quoted, value []byte
		quoted, rest = cutValue(rest)
		value, rest = cutValue(bytes.TrimLeft(rest, space+":"))
		name := textOf(quoted)
		if at, again := index[name]; again {
			members[at].value = value
			continue
		}
		index[name] = len(members)
		members = append(members, member{name, value})
	}
}

// space is what may stand between the parts of JSON (RFC 8259, 2).
const space = " \t\r\n"

// cutValue cuts the first value off valid JSON.
func cutValue(text []byte) (value, rest []byte) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
			if !quoted && depth == 0 {
				return text[:i+1], text[i+1:]
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case (c == '}' || c == ']') && depth > 0:
			if depth--; depth == 0 {
				return text[:i+1], text[i+1:]
			}
		case depth == 0 && (c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			return text[:i], text[i:]
		}
	}
	return text, nil
}

// textOf is a JSON string; anything else is empty.
func textOf(value json.RawMessage) string {
	if n := len(value); n >= 2 && value[0] == '"' && plain(value[1:n-1]) {
		return string(value[1 : n-1])
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return ""
	}
	return text
}

// plain says whether the inside of a JSON string stands for itself.
func plain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}
