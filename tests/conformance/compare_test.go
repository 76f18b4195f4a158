package conformance_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// difference is one thing that the hubs answered differently.
type difference struct {
	// part is "status", "header NAME", or "body" with a pointer into the JSON.
	part           string
	original, ours string
}

func (d difference) String() string {
	return fmt.Sprintf("%s: JupyterHub %s, caddyhub %s", d.part, d.original, d.ours)
}

// absent stands for what is not there.
const absent = "absent"

// pair is the two hubs.
type pair struct {
	original, ours *side
	// played counts the requests that each was sent.
	played int
}

func (p *pair) sides() []*side { return []*side{p.original, p.ours} }

// forget begins a new story.
func (p *pair) forget() {
	p.original.forget()
	p.ours.forget()
}

// play sends a step to both hubs at once and returns what differs, and whether
// it succeeded anywhere.
func (p *pair) play(t testing.TB, step step) ([]difference, bool) {
	t.Helper()
	p.played++
	var answers [2]answer
	var errs [2]error
	var wait sync.WaitGroup
	for i, side := range p.sides() {
		wait.Go(func() { answers[i], errs[i] = side.answer(step) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatalf("%s: %s: %v", step.at, step, err)
		}
	}
	return p.compare(answers[0], answers[1]), min(answers[0].status, answers[1].status) < http.StatusBadRequest
}

const (
	// awaitTimeout is how long a step with "await" asks again.
	awaitTimeout = 20 * time.Second
	awaitPause   = 20 * time.Millisecond
)

// answer sends a step until its answer is the one it waits for, and saves what
// the step wants saved.
func (s *side) answer(step step) (answer, error) {
	for deadline := time.Now().Add(awaitTimeout); ; time.Sleep(awaitPause) {
		got, err := s.send(step)
		if err != nil {
			return got, err
		}
		if step.await != nil && pointed(decode(got.body), step.await.pointer) != step.await.value {
			if time.Now().After(deadline) {
				return got, fmt.Errorf("%s: %s is not %s: %s", s.name, step.await.pointer, step.await.value, got.body)
			}
			continue
		}
		for name, pointer := range step.save {
			s.values[name] = pointed(decode(got.body), pointer)
		}
		return got, nil
	}
}

// pointed is the value at a JSON pointer, as text; "absent" if there is none.
func pointed(value any, pointer string) string {
	for segment := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch v := value.(type) {
		case map[string]any:
			inner, has := v[segment]
			if !has {
				return absent
			}
			value = inner
		case []any:
			i, err := strconv.Atoi(segment)
			if err != nil || i < 0 || i >= len(v) {
				return absent
			}
			value = v[i]
		default:
			return absent
		}
	}
	if text, is := value.(string); is {
		return text
	}
	return encoded(value)
}

func encoded(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (p *pair) compare(original, ours answer) []difference {
	var found []difference
	if original.status != ours.status {
		found = append(found, difference{"status", strconv.Itoa(original.status), strconv.Itoa(ours.status)})
	}
	theirs, mine := p.original.labels.headers(original), p.ours.labels.headers(ours)
	names := slices.Concat(slices.Collect(maps.Keys(theirs)), slices.Collect(maps.Keys(mine)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		a, has := theirs[name]
		b, have := mine[name]
		if !has {
			a = absent
		}
		if !have {
			b = absent
		}
		if a != b {
			found = append(found, difference{"header " + name, a, b})
		}
	}
	return append(found, compareJSON("body", p.original.labels.content(original), p.ours.labels.content(ours))...)
}

// compareJSON goes into objects and into lists of one length.
func compareJSON(part string, original, ours any) []difference {
	var found []difference
	switch a := original.(type) {
	case map[string]any:
		b, is := ours.(map[string]any)
		if !is {
			break
		}
		keys := slices.Concat(slices.Collect(maps.Keys(a)), slices.Collect(maps.Keys(b)))
		slices.Sort(keys)
		for _, key := range slices.Compact(keys) {
			at := part + "/" + key
			va, has := a[key]
			vb, have := b[key]
			switch {
			case !has:
				found = append(found, difference{at, absent, encoded(vb)})
			case !have:
				found = append(found, difference{at, encoded(va), absent})
			default:
				found = append(found, compareJSON(at, va, vb)...)
			}
		}
		return found
	case []any:
		b, is := ours.([]any)
		if !is || len(a) != len(b) {
			break
		}
		for i := range a {
			found = append(found, compareJSON(part+"/"+strconv.Itoa(i), a[i], b[i])...)
		}
		return found
	}
	if !reflect.DeepEqual(original, ours) {
		found = append(found, difference{part, encoded(original), encoded(ours)})
	}
	return found
}
