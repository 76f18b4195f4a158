package api

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// endpoint is one method of one path.
type endpoint struct {
	method string
	// pattern is a path below the API, such as "/users/{user}/servers/{server}".
	// What stands in braces is a variable of one segment; {server} and {token}
	// may be empty.
	pattern string
	// permit says who may call it.
	permit permit
	// serve answers; an error is for describe.
	serve func(*call) error
}

// router finds endpoints. It is written once, in New.
type router struct {
	paths []*endpoints
	// plain are those without variables, by what their path is.
	plain map[string]*endpoints
}

// endpoints are those of one path, by method.
type endpoints struct {
	pattern  string
	segments []string
	byMethod map[string]endpoint
	// name is that of the path in metrics.
	name string
}

func (t *router) add(all ...endpoint) {
	for _, e := range all {
		at := slices.IndexFunc(t.paths, func(known *endpoints) bool { return known.pattern == e.pattern })
		if at < 0 {
			at = len(t.paths)
			t.paths = append(t.paths, &endpoints{
				pattern:  e.pattern,
				segments: strings.Split(strings.TrimPrefix(e.pattern, "/"), "/"),
				byMethod: make(map[string]endpoint),
				name:     "api " + e.pattern,
			})
			t.remember(t.paths[at])
		}
		t.paths[at].byMethod[e.method] = e
	}
}

// remember notes a path that has no variables, unless one before it has it too.
func (t *router) remember(path *endpoints) {
	if first, _, err := t.find(path.pattern); err != nil || first != path || strings.Contains(path.pattern, "{") {
		return
	}
	if t.plain == nil {
		t.plain = make(map[string]*endpoints)
	}
	t.plain[path.pattern] = path
}

// maxNames is how long the escaped names in a path may be together, in bytes.
// Keys of the store must hold them beside other parts; no record has longer ones.
const maxNames = store.MaxKeyLength * 3 / 4

var (
	errNoRoute  = errors.New("api: no such path")
	errPathText = errors.New("api: path is not UTF-8")
)

// find returns the endpoints of an escaped path below the API and its variables,
// decoded once (section 0.1).
func (t *router) find(path string) (*endpoints, map[string]string, error) {
	if found := t.plain[path]; found != nil {
		return found, nil, nil
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for _, candidate := range t.paths {
		if raw, ok := candidate.match(segments); ok {
			names, err := decode(raw)
			return candidate, names, err
		}
	}
	return nil, nil, errNoRoute
}

// match compares segment by segment and returns the variables, still escaped.
func (p *endpoints) match(segments []string) (map[string]string, bool) {
	if len(segments) != len(p.segments) {
		return nil, false
	}
	var names map[string]string
	for i, want := range p.segments {
		variable, is := strings.CutPrefix(want, "{")
		if !is {
			if segments[i] != want {
				return nil, false
			}
			continue
		}
		variable = strings.TrimSuffix(variable, "}")
		if segments[i] == "" && !mayBeEmpty(variable) {
			return nil, false
		}
		if names == nil {
			names = make(map[string]string, 2)
		}
		names[variable] = segments[i]
	}
	return names, true
}

// mayBeEmpty says which variables an empty segment is a value of: the default
// server has no name, and a token that is missing is one that is not found.
func mayBeEmpty(variable string) bool { return variable == varServer || variable == varToken }

func decode(raw map[string]string) (map[string]string, error) {
	length := 0
	for name, escaped := range raw {
		plain, err := url.PathUnescape(escaped)
		if err != nil || !utf8.ValidString(plain) {
			return nil, errPathText
		}
		raw[name] = plain
		length += len(store.Join(plain))
	}
	if length > maxNames {
		return nil, errNoRoute
	}
	return raw, nil
}

// has says whether a variable is part of the path.
func (p *endpoints) has(variable string) bool {
	return slices.Contains(p.segments, "{"+variable+"}")
}

// methods are those of the path, for Allow.
func (p *endpoints) methods() string {
	known := slices.Collect(maps.Keys(p.byMethod))
	if !slices.Contains(known, http.MethodOptions) {
		known = append(known, http.MethodOptions)
	}
	slices.Sort(known)
	return strings.Join(known, ", ")
}

// The variables of paths.
const (
	varUser    = "user"
	varServer  = "server"
	varToken   = "token"
	varGroup   = "group"
	varService = "service"
	varCookie  = "cookie"
)
