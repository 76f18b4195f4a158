package claims

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// MaxTexts is how many values a list in a claim may have. Each is a record in the
// store, written at every login.
const MaxTexts = 1000

// Claims is a JSON object; numbers in it are json.Number.
type Claims map[string]any

// Parse reads one JSON object and nothing behind it.
func Parse(data []byte) (Claims, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var c map[string]any
	if err := decoder.Decode(&c); err != nil || c == nil {
		return nil, errors.New("claims: not a JSON object")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("claims: something follows the JSON object")
	}
	return c, nil
}

// UnmarshalJSON is Parse, so that numbers are the same wherever claims are kept.
func (c *Claims) UnmarshalJSON(data []byte) (err error) {
	*c, err = Parse(data)
	return err
}

// Lookup finds a claim by name, or by a path of names with dots between them.
// Names may have dots themselves ("https://example.org/groups"): of several ways to
// read a path, the one whose first name is longest counts.
func (c Claims) Lookup(path string) (value any, found bool) {
	if value, found = c[path]; found {
		return value, true
	}
	for end := strings.LastIndexByte(path, '.'); end > 0; end = strings.LastIndexByte(path[:end], '.') {
		outer, there := c[path[:end]]
		if !there {
			continue
		}
		inner, _ := outer.(map[string]any)
		return Claims(inner).Lookup(path[end+1:])
	}
	return nil, false
}

// Text returns a claim that is a text or a whole number; false if it is missing,
// empty or something else.
func (c Claims) Text(path string) (string, bool) {
	value, _ := c.Lookup(path)
	if text, ok := textOf(value); ok && text != "" {
		return text, true
	}
	return "", false
}

// Texts returns a claim that is a list of texts and whole numbers, or one text. A
// missing claim, null and the empty text are an empty list. The error names the
// claim and says what is wrong with it.
func (c Claims) Texts(path string) ([]string, error) {
	value, _ := c.Lookup(path)
	if value == nil || value == "" {
		return []string{}, nil
	}
	if text, ok := textOf(value); ok {
		return []string{text}, nil
	}
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("claims: %q is neither a list nor a text", path)
	}
	if len(list) > MaxTexts {
		return nil, fmt.Errorf("claims: %q has more than %d values", path, MaxTexts)
	}
	texts := make([]string, 0, len(list))
	for _, element := range list {
		text, ok := textOf(element)
		if !ok {
			return nil, fmt.Errorf("claims: %q has a value that is no text", path)
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// True says whether a claim is true. Some providers write it as a text.
func (c Claims) True(path string) bool {
	value, _ := c.Lookup(path)
	return value == true || value == "true"
}

// textOf reads a text, or a whole number as its digits: the ids of users are
// numbers with some providers.
func textOf(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, utf8.ValidString(value)
	case json.Number:
		return value.String(), !strings.ContainsAny(value.String(), ".eE")
	}
	return "", false
}
