package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func testExpiry(t *testing.T, s store.Store, clock *Clock) {
	key := store.Key{Kind: "session", ID: "a"}
	expires := clock.Now().Add(time.Hour)
	put(t, s, key, "x", expires)
	put(t, s, store.Key{Kind: "session", ID: "b"}, "x", never)
	record, found := get(t, s, key)
	if !found || !record.Expires.Equal(expires) {
		t.Fatalf("before its time: found %v, expires %v, want %v", found, record.Expires, expires)
	}
	clock.Advance(time.Hour - time.Millisecond)
	if _, found := get(t, s, key); !found {
		t.Fatal("expired a millisecond early")
	}
	clock.Advance(time.Millisecond)
	if _, found := get(t, s, key); found {
		t.Error("found at the instant of its expiry")
	}
	if diff := cmp.Diff([]string{"b"}, ids(list(t, s, "session", store.Page{}))); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	update(t, s, func(w store.Writer) error {
		if _, err := w.Get(key); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an Update finds it: %v", err)
		}
		return nil
	})
	put(t, s, key, "again", clock.Now().Add(time.Hour))
	if record, found := get(t, s, key); !found || string(record.Value) != "again" {
		t.Errorf("written again: found %v, %q", found, record.Value)
	}
	put(t, s, store.Key{Kind: "session", ID: "late"}, "", clock.Now().Add(-time.Second))
	if _, found := get(t, s, store.Key{Kind: "session", ID: "late"}); found {
		t.Error("found though it had expired before it was written")
	}
}

// testExpiryTold lets many records expire at once, between others that stay,
// and waits until the feed has told each of them.
func testExpiryTold(t *testing.T, s store.Store, clock *Clock) {
	const records = 1500
	feed := follow(t, s)
	want := make(map[store.Key]bool)
	update(t, s, func(w store.Writer) error {
		for i := range records {
			key := store.Key{Kind: "session", ID: fmt.Sprintf("%04d", i)}
			if i == 700 || i == 1400 {
				if err := w.Put(key, nil, never); err != nil {
					return err
				}
				continue
			}
			want[key] = true
			if err := w.Put(key, nil, clock.Now().Add(time.Duration(i)*time.Millisecond+time.Hour)); err != nil {
				return err
			}
		}
		return nil
	})
	clock.Advance(2 * time.Hour)
	if got := ids(list(t, s, "session", store.Page{Limit: 10})); !slices.Equal(got, []string{"0700", "1400"}) {
		t.Errorf("list after expiry: %v", got)
	}
	for len(want) > 0 {
		for _, change := range nextBatch(t, feed).Changes {
			if change.Deleted && !want[change.Key] {
				t.Errorf("told the deletion of %v", change.Key)
			}
			if change.Deleted {
				delete(want, change.Key)
			}
		}
	}
}

// testExpiryMoved writes records again with another expiry: only the last counts.
func testExpiryMoved(t *testing.T, s store.Store, clock *Clock) {
	feed := follow(t, s)
	id := func(id string) store.Key { return store.Key{Kind: "session", ID: id} }
	soon, late := clock.Now().Add(time.Minute), clock.Now().Add(time.Hour)
	for _, expires := range []time.Time{soon, late} {
		put(t, s, id("prolonged"), "", expires)
	}
	put(t, s, id("kept"), "", soon)
	put(t, s, id("kept"), "", never)
	put(t, s, id("shortened"), "", late)
	put(t, s, id("shortened"), "", soon)
	clock.Advance(2 * time.Minute)
	if diff := cmp.Diff([]string{"kept", "prolonged"}, ids(list(t, s, "session", store.Page{}))); diff != "" {
		t.Errorf("after the first expiry (-want +got):\n%s", diff)
	}
	if got := nextDeletion(t, feed); got != id("shortened") {
		t.Errorf("told the deletion of %v", got)
	}
	clock.Advance(2 * time.Hour)
	if got := nextDeletion(t, feed); got != id("prolonged") {
		t.Errorf("told the deletion of %v", got)
	}
	if _, found := get(t, s, id("kept")); !found {
		t.Error("a record without expiry is gone")
	}
}

func nextDeletion(t *testing.T, feed store.Feed) store.Key {
	for {
		for _, change := range nextBatch(t, feed).Changes {
			if change.Deleted {
				return change.Key
			}
		}
	}
}
