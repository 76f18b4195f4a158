package conformance_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// endpoint is an entry of testdata/endpoints.txt, where its words are explained.
type endpoint struct {
	at, method, path string
	before, restore  []step
	right, other     []string
	bodies           []string
	exactly          bool
}

func (e endpoint) String() string { return e.method + " " + e.path }

// wrongBodies are wrong for every endpoint that takes a body, or should be.
var wrongBodies = []string{`{`, `[1]`, `"text"`, `null`, `7`, `{"unknown": 1}`, `{"a": 1} x`, "\xff\xfe"}

// callers of each endpoint. Those who are to be refused come first, so that
// they meet what the others change.
func (e endpoint) callers() []string {
	refused := []string{
		"nobody", "stranger", // no credentials, wrong ones
		"cookie:emmy", "page:emmy", // a user without rights, without and with the proof of XSRF
		"[]", "[read:metrics]", // no scopes, wrong ones
	}
	allowed := []string{"cookie:admin", "page:admin", "admin"}
	return slices.Concat(refused, e.other, e.right, allowed)
}

// steps are the product of callers and bodies.
func (e endpoint) steps() []step {
	var steps []step
	for _, caller := range e.callers() {
		s := step{at: e.at, caller: caller, method: e.method, path: e.path}
		if !e.exactly {
			steps = append(steps, s)
		}
		bodies := e.bodies
		if len(bodies) > 0 && !e.exactly {
			bodies = slices.Concat(bodies, wrongBodies)
		}
		for _, body := range bodies {
			s.body = &body
			steps = append(steps, s)
		}
	}
	return steps
}

func readEndpoints(t *testing.T) []endpoint {
	t.Helper()
	file := filepath.Join("testdata", "endpoints.txt")
	var list []endpoint
	for number, line := range readLines(t, file) {
		at := fmt.Sprintf("endpoints.txt:%d", number+1)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case line[0] != '\t':
			method, path := cut(line)
			if !slices.Contains(methods, method) {
				t.Fatalf("%s: %q is no method", at, method)
			}
			list = append(list, endpoint{at: at, method: method, path: path})
		default:
			if err := list[len(list)-1].add(strings.TrimSpace(line), at); err != nil {
				t.Fatalf("%s: %v", at, err)
			}
		}
	}
	return list
}

func (e *endpoint) add(line, at string) error {
	word, rest := cut(line)
	var err error
	var played step
	switch word {
	case "before":
		played, err = parseStep(rest, at)
		e.before = append(e.before, played)
	case "restore":
		played, err = parseStep(rest, at)
		e.restore = append(e.restore, played)
	case "right":
		e.right = append(e.right, "["+rest+"]")
	case "other":
		e.other = append(e.other, "["+rest+"]")
	case "body":
		e.bodies = append(e.bodies, rest)
	case "exactly":
		e.exactly = true
	default:
		err = fmt.Errorf("%q is none of before, restore, right, other, body, exactly", word)
	}
	return err
}

// try plays an endpoint with all its callers and bodies.
func (p *pair) try(t *testing.T, rules *rules, e endpoint) {
	t.Helper()
	play := func(s step) bool {
		t.Helper()
		p.forget()
		return p.play(t, rules, s).succeeded()
	}
	for _, s := range e.before {
		play(s)
	}
	for _, s := range e.steps() {
		if !play(s) {
			continue
		}
		for _, s := range e.restore {
			play(s)
		}
	}
}
