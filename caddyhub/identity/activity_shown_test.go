package identity

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// past reads the state of a store from before anybody was active.
var past = failing{err: store.ErrNotFound}

// during is a store that calls hook inside each of its transactions.
type during struct {
	store.Store
	hook func()
}

func (d during) Update(ctx context.Context, write func(store.Writer) error) error {
	return d.Store.Update(ctx, func(w store.Writer) error {
		err := write(w)
		d.hook()
		return err
	})
}

// Who reads a state of the store that the flush has not reached yet sees what was
// touched nevertheless: while it is being written, and for a while after.
func TestShownWhateverStateIsRead(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	activity, ada, at := f.Activity(), ActivityOfUser("ada"), f.clock.Now().UTC()
	check := func(when string) {
		t.Helper()
		last, err := activity.Last(past, ada)
		all, errAll := activity.ofUsers(nobody{})
		if err != nil || errAll != nil {
			t.Fatal(err, errAll)
		}
		got := []time.Time{last, activity.Newer(ada, time.Time{}), all["ada"]}
		if diff := cmp.Diff([]time.Time{at, at, at}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	activity.store = during{f.store, func() { check("while it is written") }}
	activity.Touch(ada, at)
	check("touched")
	for range 3 {
		if err := activity.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("written")
	}
	for _, pause := range []time.Duration{FlushInterval - 1, 1} {
		f.clock.Advance(pause)
		if err := activity.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		check(fmt.Sprint("written, a while later: ", pause))
	}
	f.clock.Advance(FlushInterval)
	if err := activity.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(activity.written)+len(activity.before)+len(activity.pending) > 0 {
		t.Error("what was written long ago is still held in memory")
	}
}

// nobody is the past for lists.
type nobody struct{ failing }

func (nobody) List(string, store.Page) ([]store.Record, error) { return nil, nil }

// What is deleted while it is being written is not shown for what is made next
// under its name.
func TestDeletedWhileWritten(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	activity, ada := f.Activity(), ActivityOfUser("ada")
	activity.store = during{f.store, func() {
		if err := activity.Delete(discard{}, ada); err != nil {
			t.Error(err)
		}
	}}
	activity.Touch(ada, f.clock.Now())
	if err := activity.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last := activity.Newer(ada, time.Time{}); !last.IsZero() {
		t.Errorf("the next one was active at %v", last)
	}
}

// discard writes nowhere.
type discard struct{ store.Writer }

func (discard) Delete(store.Key) error { return nil }

// Touches, flushes and readers at once: a moment that was touched before a reader
// begins is never missing.
func TestNeverBackward(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.newUser(t, "ada")
		activity, ada, start := f.Activity(), ActivityOfUser("ada"), f.clock.Now()
		activity.Touch(ada, start)
		var touched atomic.Int64
		var running sync.WaitGroup
		done := make(chan struct{})
		running.Go(func() {
			for i := range int64(100) {
				activity.Touch(ada, start.Add(time.Duration(i)*time.Second))
				touched.Store(i)
				if err := activity.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			}
			close(done)
		})
		for range 3 {
			running.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					atLeast := start.Add(time.Duration(touched.Load()) * time.Second)
					if last := f.last(t, activity, ada); last.Before(atLeast) {
						t.Errorf("active at %v, %v was touched before", last, atLeast)
						return
					}
				}
			})
		}
		running.Wait()
	})
}
