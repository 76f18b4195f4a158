package conformance_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// step is one request of a script, as it is written: with variables.
//
// Scripts are the files in testdata/stories. A line is
//
//	CALLER METHOD PATH [BODY]
//
// and lines below it that are indented add to it:
//
//	Header-Name: value        a header; "-" leaves out one that would be sent
//	body "text"               a body as a quoted Go string
//	repeat 1000 "text"        a body of so many times the text
//	save NAME /POINTER        keep a value of the answer's JSON as ${NAME}
//	await /POINTER VALUE      ask again until the answer has the value, "set" for
//	                          any but null
//
// "== TITLE" begins a story, "#" a comment. "background" before a line sends it
// and goes on; "join" compares the answers to what is in the background. A body is sent as application/json
// if no header says otherwise. Callers are described at send.
type step struct {
	at     string
	caller string
	method string
	path   string
	body   *string
	header [][2]string
	save   map[string]string
	await  *expectation
	// background steps do not wait for their answer, the step that joins does.
	background, join bool
}

type expectation struct{ pointer, value string }

// story is a script that stands on its own.
type story struct {
	name  string
	steps []step
}

func (s step) String() string {
	text := s.caller + " " + s.method + " " + s.path
	if s.body != nil {
		text += " " + strings.ToValidUTF8((*s.body)[:min(len(*s.body), 300)], "\ufffd")
	}
	for _, h := range s.header {
		text += "\n    " + h[0] + ": " + h[1]
	}
	return text
}

// readStories reads every file of testdata/stories.
func readStories(t *testing.T) []story {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "stories", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	var stories []story
	for _, file := range files {
		lines := readLines(t, file)
		for number, line := range lines {
			at := fmt.Sprintf("%s:%d", filepath.Base(file), number+1)
			if title, is := strings.CutPrefix(line, "== "); is {
				stories = append(stories, story{name: strings.TrimSuffix(filepath.Base(file), ".txt") + ": " + title})
				continue
			}
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if len(stories) == 0 {
				t.Fatalf("%s: a step before the first story", at)
			}
			current := &stories[len(stories)-1]
			current.steps, err = addLine(current.steps, line, at)
			if err != nil {
				t.Fatalf("%s: %v", at, err)
			}
		}
	}
	return stories
}

func readLines(t *testing.T, file string) []string {
	t.Helper()
	opened, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	var lines []string
	for scanner := bufio.NewScanner(opened); scanner.Scan(); {
		lines = append(lines, strings.TrimRight(scanner.Text(), " "))
	}
	return lines
}

func addLine(steps []step, line, at string) ([]step, error) {
	if line[0] == ' ' || line[0] == '\t' {
		if len(steps) == 0 {
			return nil, fmt.Errorf("nothing to add to")
		}
		return steps, steps[len(steps)-1].add(strings.TrimSpace(line))
	}
	added, err := parseStep(line, at)
	return append(steps, added), err
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

func parseStep(line, at string) (step, error) {
	if line == "join" {
		return step{at: at, join: true}, nil
	}
	line, background := strings.CutPrefix(line, "background ")
	caller, rest := cut(line)
	method, rest := cut(rest)
	path, body := cut(rest)
	s := step{at: at, caller: caller, method: method, path: path, background: background}
	if body != "" {
		s.body = &body
	}
	if !slices.Contains(methods, method) || path == "" {
		return s, fmt.Errorf("want CALLER METHOD PATH [BODY], got %q", line)
	}
	return s, nil
}

// cut splits at the first run of spaces.
func cut(line string) (string, string) {
	first, rest, _ := strings.Cut(line, " ")
	return first, strings.TrimLeft(rest, " ")
}

// add is an indented line.
func (s *step) add(line string) error {
	word, rest := cut(line)
	switch {
	case word == "body":
		text, err := strconv.Unquote(rest)
		s.body = &text
		return err
	case word == "repeat":
		count, quoted := cut(rest)
		times, err := strconv.Atoi(count)
		if err != nil {
			return err
		}
		text, err := strconv.Unquote(quoted)
		text = strings.Repeat(text, times)
		s.body = &text
		return err
	case word == "save":
		name, pointer := cut(rest)
		if s.save == nil {
			s.save = make(map[string]string)
		}
		s.save[name] = pointer
		return nil
	case word == "await":
		pointer, value := cut(rest)
		s.await = &expectation{pointer, value}
		return nil
	case strings.HasSuffix(word, ":"):
		s.header = append(s.header, [2]string{strings.TrimSuffix(word, ":"), rest})
		return nil
	}
	return fmt.Errorf("%q is no header and none of body, repeat, save, await", line)
}
