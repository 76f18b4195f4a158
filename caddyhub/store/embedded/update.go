package embedded

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/internal/overlay"
)

// group is one bbolt transaction shared by the Updates that came while it was
// open. They run in it one after the other; the first of them, the leader,
// queues up again behind all who are waiting, and commits when its turn comes.
type group struct {
	tx      *bbolt.Tx
	commits [][]store.Change
	broken  error // why the transaction cannot be committed
	done    chan struct{}
	err     error // the outcome, once done is closed
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, write func(store.Writer) error) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	if s.group != nil {
		return s.join(ctx, write)
	}
	return s.lead(ctx, write)
}

// take waits for the turn.
func (s *Store) take(ctx context.Context) error {
	if err := overlay.ContextError(ctx); err != nil {
		return err
	}
	s.waiting.Add(1)
	err := s.turn.Acquire(ctx, 1)
	s.waiting.Add(-1)
	if err != nil {
		return overlay.ContextError(ctx)
	}
	return nil
}

// join runs write in the group of another Update and waits for its commit.
func (s *Store) join(ctx context.Context, write func(store.Writer) error) error {
	g := s.group
	err := func() error {
		defer s.turn.Release(1)
		return s.run(ctx, g, write)
	}()
	// What an error says may rest on writes of the group, so it waits too.
	select {
	case <-g.done:
	case <-ctx.Done():
		return overlay.ContextError(ctx)
	}
	if g.err != nil {
		return g.err
	}
	return err
}

// lead opens a group, lets all who wait take part, and commits.
func (s *Store) lead(ctx context.Context, write func(store.Writer) error) error {
	defer s.turn.Release(1)
	tx, err := s.begin(true)
	if err != nil {
		return err
	}
	g := &group{tx: tx, done: make(chan struct{})}
	s.group = g
	// Also when write panics or ends its goroutine, the group is finished.
	defer s.finish(g)
	if err = s.run(ctx, g, write); err != nil && g.broken == nil {
		return err // nobody has joined yet and nothing is written
	}
	if s.waiting.Load() > 0 {
		s.turn.Release(1)
		// Without a deadline, so it cannot fail: those who join depend on it.
		_ = s.turn.Acquire(context.Background(), 1)
	}
	s.finish(g)
	return g.err
}

// run runs write over the group's transaction and applies what it wrote.
func (s *Store) run(ctx context.Context, g *group, write func(store.Writer) error) error {
	r := newReader(ctx, g.tx, s.now())
	defer r.end()
	w := overlay.New(r, r.now)
	if err := write(w); err != nil {
		return err
	}
	if err := overlay.ContextError(ctx); err != nil {
		return err
	}
	changes, err := apply(g.tx, w.Writes())
	if err != nil {
		g.broken = fmt.Errorf("%w: write: %w", store.ErrUnavailable, err)
		return g.broken
	}
	if len(changes) > 0 {
		g.commits = append(g.commits, changes)
	}
	return nil
}

// finish commits a group and tells the feeds. A second call does nothing.
func (s *Store) finish(g *group) {
	if s.group != g {
		return
	}
	s.group = nil
	defer close(g.done)
	if g.broken != nil || len(g.commits) == 0 {
		g.err = g.broken
		_ = g.tx.Rollback() // only forgets what was in memory
		return
	}
	if err := g.tx.Commit(); err != nil {
		g.err = fmt.Errorf("%w: commit: %w", store.ErrUnavailable, err)
		s.logger.Error("commit to the embedded store failed", "error", err)
		return
	}
	for _, changes := range g.commits {
		s.feeds.Publish(changes)
	}
}

// fill is how much of a page is used when it is split. Half of it, as bbolt does,
// leaves all pages half empty when records come in the order of their ids; much more
// leaves them so when they come in any other order. With this the file, and what of
// it is in memory after all of it was read, is a third larger than its records
// either way.
const fill = 0.7

// apply makes the writes of one Update in the transaction, under one version.
func apply(tx *bbolt.Tx, writes []overlay.Write) ([]store.Change, error) {
	records, expiry := tx.Bucket(recordBucket), tx.Bucket(expiryBucket)
	records.FillPercent = fill
	var changes []store.Change
	version := records.Sequence() + 1
	for _, write := range writes {
		key := recordKey(write.Key)
		old := records.Get(key)
		if write.Deleted && old == nil {
			continue
		}
		if err := forget(expiry, key, old); err != nil {
			return nil, err
		}
		if err := set(records, expiry, key, version, write); err != nil {
			return nil, err
		}
		changes = append(changes, store.Change{Key: write.Key, Deleted: write.Deleted, Version: version})
	}
	if len(changes) == 0 {
		return nil, nil
	}
	return changes, records.SetSequence(version)
}

// forget removes a stored record from the index of expiries.
func forget(expiry *bbolt.Bucket, key, old []byte) error {
	if old == nil {
		return nil
	}
	_, expires, _, err := split(old)
	if err != nil || expires == 0 {
		return err
	}
	return expiry.Delete(expiryKey(expires, key))
}

func set(records, expiry *bbolt.Bucket, key []byte, version uint64, write overlay.Write) error {
	if write.Deleted {
		return records.Delete(key)
	}
	if write.Expires != 0 {
		if err := expiry.Put(expiryKey(write.Expires, key), nil); err != nil {
			return err
		}
	}
	return records.Put(key, join(version, write.Expires, write.Value))
}
