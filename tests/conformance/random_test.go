package conformance_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// seedVariable is the environment variable with the seed of the sequences, to
	// repeat those of a run or to try others.
	seedVariable = "CADDYHUB_TEST_SEED"
	defaultSeed  = 20261122

	sequences      = 60
	sequenceLength = 50

	// maxFailures is how many sequences may differ before the others are left.
	maxFailures = 4

	// shrinkTime bounds the search for a shorter sequence that still shows a
	// difference.
	shrinkTime = 8 * time.Second
)

// seed is what the sequences are made of.
func seed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv(seedVariable)
	if text == "" {
		return defaultSeed
	}
	number, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", seedVariable, err)
	}
	return number
}

// wander plays random sequences. All of them begin in the same state, so that a
// shorter one can be looked for.
func (p *pair) wander(t *testing.T, rules *rules) {
	seed := seed(t)
	t.Logf("%s=%d", seedVariable, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	failed := 0
	for range sequences {
		var steps []step
		for range sequenceLength {
			steps = append(steps, randomStep(t, random))
		}
		if at, found := p.playSequence(t, rules, steps); found != nil {
			short, found := p.shrink(t, rules, steps[:at+1], found)
			t.Errorf("after %d of %d requests that lead there:\n%s%s", len(short), at+1, script(short), describe(found))
			if failed++; failed == maxFailures {
				return
			}
		}
	}
}

// playSequence plays a sequence up to the first difference that no rule accepts.
func (p *pair) playSequence(t *testing.T, rules *rules, steps []step) (at int, found []difference) {
	t.Helper()
	p.reset(t)
	for at, s := range steps {
		if left := rules.unexplained(s, p.await(t, p.send(s))); len(left) > 0 {
			return at, left
		}
	}
	return 0, nil
}

// reset makes the state in which every sequence begins.
func (p *pair) reset(t *testing.T) {
	t.Helper()
	p.forget()
	for _, side := range p.sides() {
		// A hub may give the id of what is deleted to what is made next.
		side.labels.alike = true
	}
	for _, line := range beginning {
		s, err := parseStep(line, "beginning")
		if err != nil {
			t.Fatal(err)
		}
		p.await(t, p.send(s))
	}
}

// shrink looks for a shorter sequence whose last step shows a difference in the
// same part, by leaving out more and more of it.
func (p *pair) shrink(t *testing.T, rules *rules, steps []step, found []difference) ([]step, []difference) {
	t.Helper()
	deadline := time.Now().Add(shrinkTime)
	last := len(steps) - 1
	before, failing := steps[:last:last], steps[last]
	for size := len(before); size > 0; size /= 2 {
		for from := 0; from < len(before) && time.Now().Before(deadline); {
			fewer := append(append([]step{}, before[:from]...), before[min(from+size, len(before)):]...)
			at, left := p.playSequence(t, rules, append(fewer, failing))
			if at != len(fewer) || left == nil || left[0].part != found[0].part {
				from += size
				continue
			}
			before, found = fewer, left
		}
	}
	return append(before, failing), found
}

// script is a sequence as a story could have it.
func script(steps []step) string {
	var text strings.Builder
	for _, s := range steps {
		text.WriteString("  " + s.String() + "\n")
		for name, pointer := range s.save {
			text.WriteString("      save " + name + " " + pointer + "\n")
		}
	}
	return strings.TrimSuffix(text.String(), "\n")
}
