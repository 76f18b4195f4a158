package telemetry

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

// feeding is a store whose feed a test can break.
type feeding struct {
	store.Store
	mu     sync.Mutex
	broken error
	missed bool
}

func (f *feeding) Follow(ctx context.Context) (store.Feed, error) {
	feed, err := f.Store.Follow(ctx)
	return breakable{feed, f}, err
}

func (f *feeding) breaks(with error, missed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken, f.missed = with, missed
}

// breakable loses what is told while it is broken, and says so afterwards.
type breakable struct {
	store.Feed
	of *feeding
}

func (b breakable) Next(ctx context.Context) (store.Batch, error) {
	// The feed promises to be heard of every second only while it is away.
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	batch, err := b.Feed.Next(ctx)
	b.of.mu.Lock()
	defer b.of.mu.Unlock()
	switch {
	case b.of.broken != nil:
		return store.Batch{}, b.of.broken
	case err != nil && ctx.Err() != nil && context.Cause(ctx) == context.DeadlineExceeded:
		batch, err = store.Batch{}, nil
	}
	if err == nil && b.of.missed {
		b.of.missed = false
		return store.Batch{Missed: true}, nil
	}
	return batch, err
}

func newStore(t *testing.T) *feeding {
	t.Helper()
	opened, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return &feeding{Store: opened}
}

// write puts and deletes users by number.
func (f *feeding) write(t *testing.T, put, deleted int) {
	t.Helper()
	err := f.Update(t.Context(), func(w store.Writer) error {
		for i := range put {
			for _, kind := range []string{"user", "other"} {
				if err := w.Put(store.Key{Kind: kind, ID: fmt.Sprintf("%05d", i)}, []byte("{}"), time.Time{}); err != nil {
					return err
				}
			}
		}
		for i := range deleted {
			if err := w.Delete(store.Key{Kind: "user", ID: fmt.Sprintf("%05d", i)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a census until the test ends.
func run(t *testing.T, c *Census, from store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx, from) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// TestCensus: the numbers are right from the first, follow every change, and are
// right again after changes that nobody told.
func TestCensus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t)
		s.write(t, 2500, 0)
		var blind atomic.Int32
		c := NewCensus(func() { blind.Add(1) }, "user")
		if c.InTouch() || c.Count("user") != 0 {
			t.Error("counts before it runs")
		}
		expect := func(when string, users int, inTouch bool) {
			t.Helper()
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if c.Count("user") != users || c.InTouch() != inTouch || c.Count("other") != 0 {
				t.Errorf("%s: %d users, in touch %v; want %d, %v", when, c.Count("user"), c.InTouch(), users, inTouch)
			}
		}
		run(t, c, s)
		expect("at first", 2500, true)
		s.write(t, 2501, 0)
		expect("one more, and all others written again", 2501, true)
		s.write(t, 0, 10)
		expect("deleted", 2491, true)
		s.write(t, 0, 10)
		expect("deleted again", 2491, true)
		if blind.Load() != 0 {
			t.Error("was blind")
		}

		s.breaks(store.ErrUnavailable, true)
		s.write(t, 0, 100)
		expect("out of reach", 2491, false)
		if blind.Load() < 2 {
			t.Errorf("told %d times that it is blind", blind.Load())
		}
		s.breaks(nil, true)
		expect("back", 2401, true)
		s.breaks(context.DeadlineExceeded, false)
		s.write(t, 0, 200)
		time.Sleep(2 * time.Second)
		s.breaks(nil, false)
		expect("the feed had to be opened anew", 2301, true)
	})
}

// TestCensusEnds: with the store ends who follows it.
func TestCensusEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t)
		ended := make(chan error, 1)
		c := NewCensus(nil, "user")
		go func() { ended <- c.Run(t.Context(), s) }()
		synctest.Wait()
		_ = s.Close()
		if err := <-ended; !errors.Is(err, store.ErrClosed) {
			t.Errorf("ended with %v", err)
		}
	})
}
