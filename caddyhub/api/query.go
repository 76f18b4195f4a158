package api

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// arguments are the parameters in the query of a request.
type arguments url.Values

func parseQuery(raw string) (arguments, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, badRequest("The query is malformed")
	}
	for _, list := range values {
		if slices.ContainsFunc(list, func(value string) bool { return !utf8.ValidString(value) }) {
			return nil, badRequest("The query is not valid UTF-8")
		}
	}
	return arguments(values), nil
}

// last is the last value of a parameter, without space around it; given is false
// if there is none.
func (a arguments) last(name string) (value string, given bool) {
	list := a[name]
	if len(list) == 0 {
		return "", false
	}
	return strings.TrimSpace(list[len(list)-1]), true
}

// flag is a parameter that is on unless it is absent, "0" or "false".
func (a arguments) flag(name string) bool {
	value, given := a.last(name)
	return given && value != "0" && !strings.EqualFold(value, "false")
}
