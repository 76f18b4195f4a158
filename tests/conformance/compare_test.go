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
	// pending are steps in the background.
	pending []*exchanged
}

// exchanged is a step with what both hubs answer to it, once ready is closed.
type exchanged struct {
	step    step
	answers [2]answer
	errs    [2]error
	ready   chan struct{}
}

func (p *pair) sides() []*side { return []*side{p.original, p.ours} }

// forget begins a new story.
func (p *pair) forget() {
	p.original.forget()
	p.ours.forget()
}

// send sends a step to both hubs at once.
func (p *pair) send(step step) *exchanged {
	p.played++
	sent := &exchanged{step: step, ready: make(chan struct{})}
	var wait sync.WaitGroup
	for i, side := range p.sides() {
		wait.Go(func() { sent.answers[i], sent.errs[i] = side.answer(step) })
	}
	go func() {
		wait.Wait()
		close(sent.ready)
	}()
	return sent
}

// await waits for the answers to a step and returns what differs.
func (p *pair) await(t testing.TB, sent *exchanged) []difference {
	t.Helper()
	<-sent.ready
	for _, err := range sent.errs {
		if err != nil {
			t.Fatalf("%s: %s: %v", sent.step.at, sent.step, err)
		}
	}
	return p.compare(sent.answers[0], sent.answers[1])
}

// succeeded says whether a step may have changed something somewhere.
func (e *exchanged) succeeded() bool {
	return min(e.answers[0].status, e.answers[1].status) < http.StatusBadRequest
}

// play plays a step, and fails the test if the answers differ where no rule
// accepts it.
func (p *pair) play(t testing.TB, rules *rules, step step) *exchanged {
	t.Helper()
	if step.join {
		for _, sent := range p.pending {
			rules.check(t, sent.step, p.await(t, sent))
		}
		p.pending = nil
		return nil
	}
	sent := p.send(step)
	if step.background {
		p.pending = append(p.pending, sent)
		return sent
	}
	rules.check(t, step, p.await(t, sent))
	return sent
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
		if step.await != nil && !step.await.holds(decode(got.body)) {
			if time.Now().After(deadline) {
				return got, fmt.Errorf("%s: %s is not %s: %s", s.name, step.await.pointer, step.await.value, got.body)
			}
			continue
		}
		s.lock.Lock()
		defer s.lock.Unlock()
		for name, pointer := range step.save {
			s.values[name] = pointed(decode(got.body), pointer)
		}
		return got, nil
	}
}

func (e expectation) holds(value any) bool {
	found := pointed(value, e.pointer)
	return found == e.value || e.value == "set" && found != "null" && found != absent
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
