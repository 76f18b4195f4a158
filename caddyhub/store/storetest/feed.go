package storetest

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func follow(t *testing.T, s store.Store) store.Feed {
	t.Helper()
	feed, err := s.Follow(t.Context())
	if err != nil {
		t.Fatalf("Follow: %v", err)
	}
	t.Cleanup(func() { _ = feed.Close() }) // the store may have ended it before
	return feed
}

// nextBatch waits for a batch with changes; one that missed some is an error.
func nextBatch(t *testing.T, feed store.Feed) store.Batch {
	t.Helper()
	ctx := limited(t)
	for {
		batch, err := feed.Next(ctx)
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		if batch.Missed {
			t.Fatal("the feed missed changes")
		}
		if len(batch.Changes) > 0 {
			return batch
		}
	}
}

func testFeedOrder(t *testing.T, s store.Store, _ *Clock) {
	a, b := store.Key{Kind: "user", ID: "a"}, store.Key{Kind: "user", ID: "b:\x00\n"}
	feed := follow(t, s)
	update(t, s, func(w store.Writer) error {
		return errors.Join(w.Put(b, nil, never), w.Put(a, nil, never), w.Put(b, nil, never))
	})
	remove(t, s, a)
	remove(t, s, a) // absent: no change
	update(t, s, func(store.Writer) error { return nil })
	_ = s.Update(t.Context(), func(w store.Writer) error { return errors.Join(w.Put(a, nil, never), errors.New("no")) })
	put(t, s, b, "", never)

	want := []store.Change{{Key: b}, {Key: a}, {Key: a, Deleted: true}, {Key: b}}
	var got []store.Change
	for len(got) < len(want) {
		got = append(got, nextBatch(t, feed).Changes...)
	}
	if got[0].Version != got[1].Version || got[1].Version >= got[2].Version || got[2].Version >= got[3].Version {
		t.Errorf("versions do not follow the commits: %v", got)
	}
	if record, _ := get(t, s, b); record.Version != got[len(got)-1].Version {
		t.Errorf("record has version %d, the feed said %d", record.Version, got[len(got)-1].Version)
	}
	for i := range got {
		got[i].Version = 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// testFeedComplete mirrors a store from its feed while many write and others
// only follow, and compares the mirror with the store at the end.
func testFeedComplete(t *testing.T, s store.Store, _ *Clock) {
	const rounds = 10
	feed := follow(t, s)
	last := store.Key{Kind: "end", ID: "end"}
	versions := make(map[store.Key]uint64)
	mirrored := make(chan int)
	go func() {
		defer close(mirrored)
		told, previous := 0, uint64(0)
		for versions[last] == 0 {
			batch, err := feed.Next(t.Context())
			if err != nil || batch.Missed {
				t.Errorf("Next: %+v, %v", batch, err)
				return
			}
			for _, change := range batch.Changes {
				if change.Version < previous {
					t.Errorf("version %d after %d", change.Version, previous)
				}
				previous = change.Version
				versions[change.Key] = change.Version
				if change.Deleted {
					delete(versions, change.Key)
				}
			}
			told += len(batch.Changes)
		}
		mirrored <- told
	}()
	var written atomic.Int64
	together(func(writer int) {
		for round := range rounds {
			key := store.Key{Kind: "item", ID: strconv.Itoa((writer*rounds + round) % 100)}
			err := persist(t.Context(), s, func(w store.Writer) error { return w.Put(key, nil, never) })
			if err != nil {
				t.Error(err)
			}
			written.Add(1)
		}
	})
	put(t, s, last, "", never)
	if told := <-mirrored; told != int(written.Load())+1 {
		t.Errorf("told %d changes of %d", told, written.Load()+1)
	}
	for _, record := range list(t, s, "item", store.Page{}) {
		if versions[record.Key] != record.Version {
			t.Errorf("%v has version %d, the feed said %d", record.Key, record.Version, versions[record.Key])
		}
	}
}

// testFeedPresent loads after following: nothing may fall in between.
func testFeedPresent(t *testing.T, s store.Store, _ *Clock) {
	key := store.Key{Kind: "user", ID: "ada"}
	put(t, s, key, "0", never)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.Update(t.Context(), func(w store.Writer) error { return putNumber(w, key, i) }); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 5 {
		feed := follow(t, s)
		record, _ := get(t, s, key)
		for i, version := 0, record.Version; i < 3; {
			for _, change := range nextBatch(t, feed).Changes {
				if change.Version > version && change.Version != version+1 {
					t.Errorf("after version %d the feed tells %d", version, change.Version)
				}
				version = max(version, change.Version)
				i++
			}
		}
		_ = feed.Close()
	}
	close(stop)
	<-done
}

func testFeedEnds(t *testing.T, s store.Store, _ *Clock) {
	feed := follow(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := feed.Next(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Next of a cancelled context: %v", err)
	}
	put(t, s, store.Key{Kind: "user", ID: "ada"}, "", never)
	if got := nextBatch(t, feed).Changes; len(got) != 1 {
		t.Errorf("after a cancelled Next: %v", got)
	}
	awaitClosed(t, feed, feed.Close)
	awaitClosed(t, follow(t, s), s.Close)
}

// awaitClosed ends a feed under a waiting Next.
func awaitClosed(t *testing.T, feed store.Feed, end func() error) {
	t.Helper()
	ended := make(chan error)
	started := make(chan struct{})
	go func() {
		close(started)
		for {
			if batch, err := feed.Next(t.Context()); err != nil || len(batch.Changes) > 0 {
				ended <- err
				return
			}
		}
	}()
	<-started
	if err := end(); err != nil {
		t.Errorf("Close: %v", err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("a waiting Next returned %v", err)
		}
	case <-time.After(patience):
		t.Error("Next still waits after Close")
	}
}
