package cached

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	// silence is how long a feed may be out of touch before it says so; see
	// store.Feed.
	silence = time.Second
	// pause is the pause before another try to open a feed.
	pause = 200 * time.Millisecond
	// positionTimeout bounds the reading of the position after a gap.
	positionTimeout = time.Second
)

// followAlways opens the feed of the store below and listens until ctx ends.
func (s *Store) followAlways(ctx context.Context) {
	var feed store.Feed
	for feed == nil {
		opened, err := s.under.Follow(ctx)
		if err == nil {
			feed = opened
			break
		}
		s.lose(err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
			s.feeds.Close()
			s.opened()
			return
		}
	}
	defer func() { _ = feed.Close() }() // only ends it; nothing is lost
	s.restart(ctx)
	s.find()
	s.opened()
	s.listen(ctx, feed)
}

// opened lets Follow go on.
func (s *Store) opened() { close(s.ready) }

func (s *Store) listen(ctx context.Context, feed store.Feed) {
	for {
		batch, err := feed.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, store.ErrClosed):
			s.lose(err)
			s.feeds.Close()
			return
		case err != nil:
			s.lose(err)
			continue
		}
		if batch.Missed {
			s.logger.Warn("changes of the store were missed, memory is dropped")
			s.restart(ctx)
			s.feeds.Miss()
		}
		s.apply(batch.Changes)
		s.find()
	}
}

// restart drops everything and begins anew at the present. Only what is read
// after the position was may be kept, so memory is emptied before and after.
func (s *Store) restart(ctx context.Context) {
	s.drop(0)
	ctx, cancel := context.WithTimeout(ctx, positionTimeout)
	defer cancel()
	var position uint64
	err := s.under.View(ctx, func(r store.Reader) error {
		_, err := r.Get(store.Key{Kind: "position", ID: "x"}) // any read does
		if positioned, ok := r.(store.Positioned); ok {
			position = positioned.Position()
		}
		return err
	})
	// Without the position the first change tells it.
	if err == nil || errors.Is(err, store.ErrNotFound) {
		s.drop(position)
	}
	s.tellWatchers(nil)
}

func (s *Store) drop(position uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records.clear()
	for f := range s.fills {
		f.all = true
	}
	s.position = position
	s.followed = true
}

// apply throws out what has changed, and only then tells the followers, so that
// they do not find the old record here. Records of one commit go together.
func (s *Store) apply(changes []store.Change) {
	if len(changes) == 0 {
		return
	}
	s.mu.Lock()
	for _, change := range changes {
		s.spoil(change.Key)
		s.position = max(s.position, change.Version)
	}
	s.mu.Unlock()
	s.tellWatchers(func(yield func(store.Key) bool) {
		for _, change := range changes {
			if !yield(change.Key) {
				return
			}
		}
	})
	s.feeds.Publish(changes)
}

// forget throws out what an Update of this Store may have written.
func (s *Store) forget(keys map[store.Key]struct{}) {
	s.mu.Lock()
	for key := range keys {
		s.spoil(key)
	}
	s.mu.Unlock()
	s.tellWatchers(maps.Keys(keys))
}

func (s *Store) spoil(key store.Key) {
	s.records.remove(key)
	for f := range s.fills {
		f.spoiled[key] = struct{}{}
	}
}

func (s *Store) lose(reason error) {
	s.mu.Lock()
	first := s.lost.Load() == nil
	if first {
		lost := s.now().Add(-silence)
		s.lost.Store(&lost)
	}
	s.mu.Unlock()
	if first {
		s.logger.Warn("lost touch with the store", "error", reason)
	}
	s.feeds.Touch(reason)
}

func (s *Store) find() {
	s.mu.Lock()
	since := s.lost.Swap(nil)
	s.mu.Unlock()
	if since != nil {
		s.logger.Info("in touch with the store", "lost", *since)
	}
	s.feeds.Touch(nil)
}
