package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxRepr bounds how much of a wrong value comes back in a message, in bytes.
const maxRepr = 200

// repr writes a JSON value as Python does, as JupyterHub's messages quote what
// they refuse: 'x', None, ['a', 1]. Keys are sorted. What is longer than maxRepr
// is cut.
func repr(value any) string {
	var text strings.Builder
	writeRepr(&text, value)
	if text.Len() <= maxRepr {
		return text.String()
	}
	return strings.ToValidUTF8(text.String()[:maxRepr], "") + "..."
}

func writeRepr(text *strings.Builder, value any) {
	if text.Len() > maxRepr {
		return
	}
	switch value := value.(type) {
	case nil:
		text.WriteString("None")
	case bool:
		text.WriteString(map[bool]string{true: "True", false: "False"}[value])
	case json.Number:
		text.WriteString(number(value))
	case string:
		writeString(text, value)
	case []any:
		text.WriteByte('[')
		for i, item := range value {
			if i > 0 {
				text.WriteString(", ")
			}
			if writeRepr(text, item); text.Len() > maxRepr {
				return
			}
		}
		text.WriteByte(']')
	case map[string]any:
		text.WriteByte('{')
		for i, key := range slices.Sorted(maps.Keys(value)) {
			if i > 0 {
				text.WriteString(", ")
			}
			writeString(text, key)
			text.WriteString(": ")
			if writeRepr(text, value[key]); text.Len() > maxRepr {
				return
			}
		}
		text.WriteByte('}')
	}
}

// number is a number as Python writes it: integers as they came, 1e3 as 1000.0.
func number(value json.Number) string {
	float, err := value.Float64()
	switch size := math.Abs(float); {
	case isInteger(value):
		return string(value)
	case err != nil && float < 0: // too large for either language
		return "-inf"
	case err != nil:
		return "inf"
	case size >= 1e16 || size < 1e-4 && size > 0:
		return strconv.FormatFloat(float, 'e', -1, 64)
	}
	text := strconv.FormatFloat(float, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func writeString(text *strings.Builder, value string) {
	quote := byte('\'')
	if strings.Contains(value, "'") && !strings.Contains(value, `"`) {
		quote = '"'
	}
	text.WriteByte(quote)
	for _, c := range value {
		switch {
		case text.Len() > maxRepr:
			return
		case c == rune(quote) || c == '\\':
			text.WriteString(`\` + string(c))
		case c == '\n':
			text.WriteString(`\n`)
		case c == '\r':
			text.WriteString(`\r`)
		case c == '\t':
			text.WriteString(`\t`)
		case unicode.IsPrint(c):
			text.WriteRune(c)
		case c < 0x100:
			fmt.Fprintf(text, `\x%02x`, c)
		case c < 0x10000:
			fmt.Fprintf(text, `\u%04x`, c)
		default:
			fmt.Fprintf(text, `\U%08x`, c)
		}
	}
	text.WriteByte(quote)
}
