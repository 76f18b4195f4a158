package edge

import (
	"sync"
	"time"
)

// errands are jobs that requests set off and do not wait for: at most one at a
// time for each key, at most limit in all, and after one has ended its key rests.
// What does not fit is left out; a later request brings it again.
type errands struct {
	limit int
	rest  time.Duration
	now   func() time.Time

	mu      sync.Mutex
	running int
	// until is when a key may be taken up again; zero while its job runs.
	until map[string]time.Time
}

func newErrands(limit int, rest time.Duration, now func() time.Time) *errands {
	return &errands{limit: limit, rest: rest, now: now, until: make(map[string]time.Time)}
}

// start runs a job in the background, or leaves it out and returns false.
func (e *errands) start(key string, job func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running >= e.limit {
		return false
	}
	if until, known := e.until[key]; known && (until.IsZero() || e.now().Before(until)) {
		return false
	}
	e.running++
	e.until[key] = time.Time{}
	go func() {
		defer e.ended(key)
		job()
	}()
	return true
}

func (e *errands) ended(key string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running--
	now := e.now()
	e.until[key] = now.Add(e.rest)
	for key, until := range e.until {
		if !until.IsZero() && !now.Before(until) {
			delete(e.until, key)
		}
	}
}
