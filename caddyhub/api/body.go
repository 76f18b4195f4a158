package api

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// value decodes the body as JSON; no body at all is nil. Numbers are
// json.Number, so that none is rounded before it is checked.
func (c *call) value() (any, error) { return decodeBody(c.body) }

func decodeBody(body []byte) (any, error) {
	if len(body) == 0 {
		return nil, nil
	}
	invalid := badRequest("Invalid JSON in body of request")
	if !utf8.Valid(body) || halfCharacter(body) {
		return nil, invalid
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, invalid
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, invalid
	}
	return value, nil
}

// halfCharacter says whether JSON has half of a surrogate pair, as in "\ud800": it
// is no character, and decoding would make another one of it.
func halfCharacter(body []byte) bool {
	for at := 0; at+1 < len(body); at++ {
		if body[at] != '\\' {
			continue
		}
		at++ // what is escaped is not the beginning of an escape
		if body[at] != 'u' {
			continue
		}
		unit := codeUnit(body[at+1:])
		if !utf16.IsSurrogate(unit) {
			continue
		}
		at += len("d800")
		if at+2 >= len(body) || body[at+1] != '\\' || body[at+2] != 'u' ||
			utf16.DecodeRune(unit, codeUnit(body[at+3:])) == utf8.RuneError {
			return true
		}
		at += len(`\udc00`)
	}
	return false
}

// codeUnit reads four hexadecimal digits; 0 if there are none.
func codeUnit(text []byte) rune {
	if len(text) < 4 {
		return 0
	}
	unit, err := strconv.ParseUint(string(text[:4]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(unit)
}

// object decodes the body as a JSON object; nil if there is no body or null.
func (c *call) object() (map[string]any, error) {
	value, err := c.value()
	if err != nil {
		return nil, err
	}
	return asObject(value)
}

// asObject is a decoded body as an object; nil if it is nil.
func asObject(value any) (map[string]any, error) {
	if value == nil {
		return nil, nil
	}
	model, is := value.(map[string]any)
	if !is {
		return nil, badRequest("Invalid JSON data: %s", repr(value))
	}
	return model, nil
}

// pythonType is a type of JSON as JupyterHub's messages name it.
type pythonType string

const (
	typeNone  pythonType = "NoneType"
	typeBool  pythonType = "bool"
	typeInt   pythonType = "int"
	typeFloat pythonType = "float"
	typeStr   pythonType = "str"
	typeList  pythonType = "list"
	typeDict  pythonType = "dict"
)

func (t pythonType) String() string { return "<class '" + string(t) + "'>" }

func typeOf(value any) pythonType {
	switch value := value.(type) {
	case bool:
		return typeBool
	case string:
		return typeStr
	case []any:
		return typeList
	case map[string]any:
		return typeDict
	case json.Number:
		if isInteger(value) {
			return typeInt
		}
		return typeFloat
	}
	return typeNone
}

// isInteger says whether a number is written without fraction and exponent.
func isInteger(number json.Number) bool {
	return !bytes.ContainsAny([]byte(number), ".eE")
}

// userTypes are the keys of a user in a request (section 1.3).
var userTypes = map[string]pythonType{
	"name": typeStr, "admin": typeBool, "groups": typeList, "roles": typeList, "auth_state": typeDict,
}

// checkUser checks keys and types of a user in a request.
func checkUser(model map[string]any) error { return checkModel("user", model, userTypes) }

// checkModel checks keys and types of a model in a request, in the order of the
// keys, so that the same mistake gives the same message.
func checkModel(what string, model map[string]any, types map[string]pythonType) error {
	for key := range model {
		if _, known := types[key]; !known {
			return badRequest("Invalid JSON keys: %s", repr(model))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(model)) {
		if got := typeOf(model[key]); got != types[key] {
			return badRequest("%s.%s must be %s, not: %s", what, key, types[key], got)
		}
	}
	return nil
}

// texts returns a list of strings; ok is false if it is something else.
func texts(value any) (list []string, ok bool) {
	items, ok := value.([]any)
	if !ok {
		return nil, false
	}
	list = make([]string, len(items))
	for i, item := range items {
		if list[i], ok = item.(string); !ok {
			return nil, false
		}
	}
	return list, true
}
