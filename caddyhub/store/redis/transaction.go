package redis

import (
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/internal/overlay"
)

const (
	// maxRuns is how often a transaction is run before it gives up. All but
	// the first run of a node take turns, so a second one seldom fails.
	maxRuns = 50
	// maxPause is the longest pause before another run.
	maxPause = 30 * time.Millisecond
)

// View implements store.Store.
func (s *Store) View(ctx context.Context, read func(store.Reader) error) error {
	return s.repeat(ctx, func(r *reader) ([]overlay.Write, error) { return nil, read(r) })
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, write func(store.Writer) error) error {
	return s.repeat(ctx, func(r *reader) ([]overlay.Write, error) {
		w := overlay.New(r, r.now)
		err := write(w)
		return w.Writes(), err
	})
}

// repeat runs a closure until what it has read and written goes together.
func (s *Store) repeat(ctx context.Context, run func(*reader) ([]overlay.Write, error)) error {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	waiting := false
	defer func() {
		if waiting {
			s.again.Release(1)
		}
	}()
	for runs := range maxRuns {
		done, err := s.once(ctx, run)
		if done {
			return err
		}
		if !waiting {
			if err := s.again.Acquire(ctx, 1); err != nil {
				return s.failure(ctx, err)
			}
			waiting = true
		}
		if err := s.pause(ctx, runs); err != nil {
			return err
		}
	}
	return store.ErrConflict
}

// once runs the closure once. done is false when it must run again.
func (s *Store) once(ctx context.Context, run func(*reader) ([]overlay.Write, error)) (done bool, err error) {
	if err := s.open(ctx); err != nil {
		return true, err
	}
	r := s.newReader(ctx)
	defer func() { r.ended = true }()
	writes, err := run(r)
	if r.changed {
		return false, nil
	}
	if failed := ctx.Err(); failed != nil {
		return true, s.failure(ctx, failed)
	}
	if err != nil {
		// Also an error must rest on one state, except that of a lost connection.
		if errors.Is(err, store.ErrUnavailable) || !r.moved {
			return true, err
		}
		writes = nil
	}
	if len(writes) == 0 && !r.moved {
		return true, err
	}
	same, failed := s.commit(ctx, r, writes)
	if failed != nil {
		return true, failed
	}
	return same, err
}

// commit checks what was read and writes. It returns false when something has
// changed. The random id makes a second try of the same commit harmless.
func (s *Store) commit(ctx context.Context, r *reader, writes []overlay.Write) (bool, error) {
	args := make([]any, 0, 5+2*len(r.records)+6*len(r.lists)+5*len(writes))
	args = append(args, rand.Text(), s.backlog, len(r.records))
	for name, seen := range r.records {
		args = append(args, name, seen.version)
	}
	args = append(args, len(r.lists))
	for _, l := range r.lists {
		args = append(args, l.kind, l.lowest, l.highest, l.limit, l.members, l.hash)
	}
	args = append(args, len(writes))
	for _, write := range writes {
		operation := "w"
		if write.Deleted {
			operation = "d"
		}
		args = append(args, operation, write.Key.Kind, write.Key.ID, write.Expires, write.Value)
	}
	answer, err := s.call(ctx, commitScript, args...)
	if err != nil {
		return false, err
	}
	if len(answer) == 0 {
		return false, errors.Join(store.ErrUnavailable, errAnswer)
	}
	return answer[0] == int64(1), nil
}

// pause waits a little, longer after every run and by chance.
func (s *Store) pause(ctx context.Context, runs int) error {
	longest := min(time.Millisecond<<min(runs, 10), maxPause)
	timer := time.NewTimer(mathrand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	return s.failure(ctx, context.Cause(ctx))
}
