package api

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
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
	if !utf8.Valid(body) {
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

// object decodes the body as a JSON object; nil if there is no body or null.
func (c *call) object() (map[string]any, error) {
	value, err := c.value()
	if err != nil || value == nil {
		return nil, err
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
