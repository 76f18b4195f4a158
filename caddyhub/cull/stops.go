package cull

import (
	"sync"
	"time"
)

// stops are the servers that one pass has stopped. A stop counts as activity of
// the user (JupyterHub's last_activity), but one of the culler's is no sign that
// somebody is there.
type stops struct {
	mu sync.Mutex
	of map[string]stop
}

// stop is when a user was last active before and after servers of theirs were
// stopped.
type stop struct{ before, after time.Time }

// add notes a stop. Of several, what was before the first counts.
func (s *stops) add(user string, one stop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, found := s.of[user]; found && first.before.Before(one.before) {
		one.before = first.before
	}
	s.of[user] = one
}

// without is when a user was last active, apart from these stops.
func (s *stops) without(user string, last time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, found := s.of[user]; found && !last.After(one.after) {
		return one.before
	}
	return last
}
