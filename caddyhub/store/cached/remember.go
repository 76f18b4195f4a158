package cached

import (
	"context"
	"iter"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/internal/overlay"
)

// validity is what the outcome of one View over memory rests on. It holds while
// all entries that the View has read are still in memory: together they were one
// state, and none has changed since.
type validity struct {
	store *Store
	marks []*mark
	// until is when the first of the records expires; zero for never.
	until time.Time
}

func (v *validity) rest(e entry) {
	v.marks = append(v.marks, e.mark)
	expires := e.record.Expires
	if !e.absent && !expires.IsZero() && (v.until.IsZero() || expires.Before(v.until)) {
		v.until = expires
	}
}

// Valid implements store.Validity.
func (v *validity) Valid() bool {
	now := v.store.now()
	if !v.store.trusted(now) {
		return false
	}
	if !v.until.IsZero() && overlay.Expired(overlay.Milliseconds(v.until), now) {
		return false
	}
	for _, mark := range v.marks {
		if mark.struck.Load() {
			return false
		}
	}
	return true
}

// ViewRemembered implements store.Remembering. What had to be read from the
// store below is in memory for the next time, and only then good for longer.
func (s *Store) ViewRemembered(ctx context.Context, read func(store.Reader) error) (store.Validity, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	memory := &memoryReader{store: s, now: s.now(), validity: &validity{store: s}}
	fromMemory, err := s.view(ctx, read, memory)
	if err != nil || !fromMemory {
		return nil, err
	}
	return memory.validity, nil
}

// Watch implements store.Watched.
func (s *Store) Watch(changed func(keys []store.Key)) (stop func()) {
	watcher := &changed
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[watcher] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, watcher)
	}
}

// tellWatchers is called when memory holds none of the keys any more. A nil
// sequence stands for all keys.
func (s *Store) tellWatchers(changed iter.Seq[store.Key]) {
	var keys []store.Key
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.watchers) == 0 {
		return
	}
	if changed != nil {
		for key := range changed {
			keys = append(keys, key)
		}
		if len(keys) == 0 {
			return
		}
	}
	for watcher := range s.watchers {
		(*watcher)(keys)
	}
}

// Trusted implements store.Watched.
func (s *Store) Trusted() bool { return s.trusted(s.now()) }

// trusted says whether memory may answer at a time.
func (s *Store) trusted(now time.Time) bool {
	if s.closed.Load() {
		return false
	}
	lost := s.lost.Load()
	return lost == nil || now.Sub(*lost) < s.grace
}
