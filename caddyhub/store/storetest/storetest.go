// Package storetest holds every store.Store to the promises of package store.
//
// A store passes when Run passes. The suite uses nothing but the interface, so
// it also holds decorators, and it runs its hard parts (many writers, many
// records, a feed that is told of everything) on the real thing.
//
// Fragile is for tests of what is built on a store.
package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Open opens a fresh, empty store that takes the time from clock, sweeps
// expired records at least every second and ends when the test does. Run
// closes it.
type Open func(t *testing.T, clock *Clock) store.Store

// patience bounds every wait of the suite for something that must happen.
const patience = 10 * time.Second

// Run runs the whole suite. Each part gets its own store.
func Run(t *testing.T, open Open) {
	parts := []struct {
		name string
		run  func(t *testing.T, s store.Store, clock *Clock)
	}{
		{"Records", testRecords},
		{"Versions", testVersions},
		{"OwnWrites", testOwnWrites},
		{"OwnWritesInLists", testOwnWritesInLists},
		{"Several", testSeveral},
		{"Rollback", testRollback},
		{"Panic", testPanic},
		{"Limits", testLimits},
		{"Lists", testLists},
		{"HostileKeys", testHostileKeys},
		{"ManyRecords", testManyRecords},
		{"Types", testTypes},
		{"Model", testModel},
		{"Counters", testCounters},
		{"Transfers", testTransfers},
		{"CountedList", testCountedList},
		{"WriteSkew", testWriteSkew},
		{"Expiry", testExpiry},
		{"ExpiryTold", testExpiryTold},
		{"ExpiryMoved", testExpiryMoved},
		{"FeedOrder", testFeedOrder},
		{"FeedComplete", testFeedComplete},
		{"FeedPresent", testFeedPresent},
		{"FeedEnds", testFeedEnds},
		{"Contexts", testContexts},
		{"Closed", testClosed},
	}
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			clock := NewClock()
			s := open(t, clock)
			t.Cleanup(func() {
				if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
					t.Errorf("Close: %v", err)
				}
			})
			part.run(t, s, clock)
		})
	}
}

// Clock is a clock that only moves when it is told to.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands at the beginning of 2026.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// Now is the time on the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// put writes one record.
func put(t testing.TB, s store.Store, key store.Key, value string, expires time.Time) {
	t.Helper()
	update(t, s, func(w store.Writer) error { return w.Put(key, []byte(value), expires) })
}

func remove(t testing.TB, s store.Store, key store.Key) {
	t.Helper()
	update(t, s, func(w store.Writer) error { return w.Delete(key) })
}

func update(t testing.TB, s store.Store, write func(store.Writer) error) {
	t.Helper()
	if err := s.Update(t.Context(), write); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// get reads one record in a View of its own; found is false when it is absent.
func get(t testing.TB, s store.Store, key store.Key) (record store.Record, found bool) {
	t.Helper()
	err := s.View(t.Context(), func(r store.Reader) (err error) {
		record, err = r.Get(key)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("View: %v", err)
	}
	return record, err == nil
}

// list reads one page in a View of its own.
func list(t testing.TB, s store.Store, kind string, page store.Page) (records []store.Record) {
	t.Helper()
	err := s.View(t.Context(), func(r store.Reader) (err error) {
		records, err = r.List(kind, page)
		return err
	})
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return records
}

func ids(records []store.Record) []string {
	ids := make([]string, len(records))
	for i, record := range records {
		ids[i] = record.Key.ID
	}
	return ids
}

// limited is the context of the test with the patience of the suite.
func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
