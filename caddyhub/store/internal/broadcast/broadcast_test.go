package broadcast

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func commit(id string, size int) []store.Change {
	changes := make([]store.Change, size)
	for i := range changes {
		changes[i].Key = store.Key{Kind: "item", ID: id}
	}
	return changes
}

func follow(t *testing.T, b *Broadcast) *Feed {
	t.Helper()
	feed, err := b.Follow()
	if err != nil {
		t.Fatal(err)
	}
	return feed
}

func next(t *testing.T, feed *Feed) store.Batch {
	t.Helper()
	batch, err := feed.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestBatchesHoldWholeCommits(t *testing.T) {
	b := New(100_000)
	feed := follow(t, b)
	sizes := []int{1, batchSize - 2, 2, 3 * batchSize, 1}
	for i, size := range sizes {
		b.Publish(commit(strconv.Itoa(i), size))
	}
	for i, want := range []int{batchSize - 1, 2, 3 * batchSize, 1} {
		if got := len(next(t, feed).Changes); got != want {
			t.Errorf("batch %d has %d changes, want %d", i, got, want)
		}
	}
}

func TestSlowFeedMissesAndFastOneDoesNot(t *testing.T) {
	b := New(10)
	slow, fast := follow(t, b), follow(t, b)
	for i := range 50 {
		b.Publish(commit(strconv.Itoa(i), 1))
		if batch := next(t, fast); batch.Missed || batch.Changes[0].Key.ID != strconv.Itoa(i) {
			t.Fatalf("the fast one after commit %d: %+v", i, batch)
		}
	}
	if batch := next(t, slow); !batch.Missed || len(batch.Changes) > 0 {
		t.Errorf("the slow one: %+v", batch)
	}
	b.Miss()
	for _, feed := range []*Feed{slow, fast} {
		if batch := next(t, feed); !batch.Missed {
			t.Errorf("after Miss: %+v", batch)
		}
	}
	late := follow(t, b)
	b.Publish(commit("last", 1))
	for _, feed := range []*Feed{slow, fast, late} {
		if batch := next(t, feed); batch.Missed || batch.Changes[0].Key.ID != "last" {
			t.Errorf("after the gap: %+v", batch)
		}
	}
}

func TestTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(10)
		feed := follow(t, b)
		b.Publish(commit("known", 1))
		b.Touch(errors.New("gone"))
		if batch := next(t, feed); len(batch.Changes) != 1 {
			t.Errorf("known before touch was lost: %+v", batch)
		}
		for i := range 3 {
			begin := time.Now()
			if _, err := feed.Next(t.Context()); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("out of touch: %v", err)
			}
			if took := time.Since(begin); took >= time.Second || (i > 0) != (took > 0) {
				t.Errorf("call %d took %v", i, took)
			}
		}
		go func() {
			time.Sleep(pause / 2)
			b.Touch(nil)
		}()
		begin := time.Now()
		if batch := next(t, feed); batch.Missed || len(batch.Changes) > 0 || time.Since(begin) != pause/2 {
			t.Errorf("in touch again: %+v after %v", batch, time.Since(begin))
		}
	})
}

func TestNextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(10)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := follow(t, b).Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the deadline: %v", err)
		}
		closed := follow(t, b)
		time.AfterFunc(time.Second, func() { _ = closed.Close() })
		if _, err := closed.Next(t.Context()); !errors.Is(err, store.ErrClosed) {
			t.Errorf("a closed feed: %v", err)
		}
		other := follow(t, b)
		time.AfterFunc(time.Second, b.Close)
		if _, err := other.Next(t.Context()); !errors.Is(err, store.ErrClosed) {
			t.Errorf("a closed source: %v", err)
		}
		if _, err := b.Follow(); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Follow of a closed source: %v", err)
		}
	})
}

// TestNothingIsKeptThatAllHaveTold: changes stay in memory for as long as an open feed
// has still to tell them.
func TestNothingIsKeptThatAllHaveTold(t *testing.T) {
	b := New(100)
	held := func(when string, want int) {
		t.Helper()
		kept := 0
		for _, commit := range b.commits {
			kept += len(commit)
		}
		if b.held != want || kept != want {
			t.Errorf("%s: %d changes are kept, %d counted, want %d", when, kept, b.held, want)
		}
	}
	b.Publish(commit("nobody listens", 5))
	held("without a feed", 0)
	slow, fast := follow(t, b), follow(t, b)
	b.Publish(commit("a", 3))
	b.Publish(commit("b", 2))
	next(t, fast)
	held("one has told nothing yet", 5)
	if batch := next(t, slow); batch.Missed || len(batch.Changes) != 5 {
		t.Errorf("the slow one: %+v", batch)
	}
	held("all have told everything", 0)
	b.Publish(commit("c", 4))
	next(t, fast)
	if err := slow.Close(); err != nil {
		t.Fatal(err)
	}
	held("the slow one is closed", 0)
	b.Publish(commit("d", 1))
	if batch := next(t, fast); batch.Missed || batch.Changes[0].Key.ID != "d" {
		t.Errorf("the fast one: %+v", batch)
	}
	missing := follow(t, b)
	b.Publish(commit("e", 90))
	b.Publish(commit("f", 90))
	next(t, fast)
	held("both have missed some", 0)
	if batch := next(t, missing); !batch.Missed {
		t.Errorf("the one that missed some: %+v", batch)
	}
	b.Publish(commit("g", 1))
	if batch := next(t, missing); batch.Missed || batch.Changes[0].Key.ID != "g" {
		t.Errorf("after it has missed some: %+v", batch)
	}
}
