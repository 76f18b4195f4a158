// Package conformance_test plays the same requests to JupyterHub and to caddyhub
// and compares the answers. What differs must be accepted by a rule, and each
// rule names the row of DIFFERENCES.md that gives the reason.
package conformance_test

import (
	"flag"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

func TestMain(m *testing.M) { hubtest.Main(m) }

// TestConformance plays the stories, then every endpoint with every caller and
// body, then random sequences.
func TestConformance(t *testing.T) {
	t.Parallel()
	stories := readStories(t)
	w := readWorld(t)
	callers := []string{"[tokens]"}
	for _, story := range stories {
		for _, step := range story.steps {
			callers = append(callers, step.caller)
		}
	}
	callers = append(callers, callersOfSequences...)
	endpoints := readEndpoints(t)
	for _, endpoint := range endpoints {
		callers = append(callers, endpoint.callers()...)
	}
	w.employ(callers)
	original, ours := w.start(t)
	hubs := &pair{original: newSide("JupyterHub", original.URL), ours: newSide("caddyhub", ours.URL)}
	for _, side := range hubs.sides() {
		side.employ(t, "admin", "ada", "grace", "emmy")
	}
	rules := newRules(accepted)
	whole := true
	for _, story := range stories {
		whole = t.Run(story.name, func(t *testing.T) {
			hubs.tell(t, rules, story)
		}) && whole
	}
	for _, endpoint := range endpoints {
		whole = t.Run(endpoint.String(), func(t *testing.T) {
			hubs.try(t, rules, endpoint)
		}) && whole
	}
	whole = t.Run("random sequences", func(t *testing.T) { hubs.wander(t, rules) }) && whole
	t.Logf("%d requests", hubs.played)
	if whole && flag.Lookup("test.run").Value.String() == "" {
		rules.checkUsed(t)
	}
}

// tell plays a story. Its steps build on each other, but a difference in one
// does not keep the others from being compared.
func (p *pair) tell(t *testing.T, rules *rules, story story) {
	t.Helper()
	p.forget()
	for _, step := range story.steps {
		p.play(t, rules, step)
	}
}
