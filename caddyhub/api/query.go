package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// arguments are the parameters in the query of a request.
type arguments url.Values

func parseQuery(raw string) (arguments, error) {
	if raw == "" {
		return nil, nil // as most requests have it
	}
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

// forPage is the query for another page of the same list: the parameters of raw
// in the order in which they first come, then those that are new.
func (a arguments) forPage(raw string, offset, limit int) string {
	numbers := map[string]int{"offset": offset, "limit": limit}
	var order []string
	for part := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err == nil && a[plain] != nil && !slices.Contains(order, plain) {
			order = append(order, plain)
		}
	}
	for _, name := range []string{"offset", "limit"} {
		if _, given := a[name]; !given {
			order = append(order, name)
		}
	}
	var query []string
	for _, name := range order {
		values := a[name]
		if number, given := numbers[name]; given {
			values = []string{strconv.Itoa(number)}
		}
		for _, value := range values {
			query = append(query, url.QueryEscape(name)+"="+url.QueryEscape(value))
		}
	}
	return strings.Join(query, "&")
}

// flag is a parameter that is on unless it is absent, "0" or "false".
func (a arguments) flag(name string) bool {
	value, given := a.last(name)
	return given && value != "0" && !strings.EqualFold(value, "false")
}
