package cached_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/cached"
)

func find(r store.Reader, id string) (value string, found bool, err error) {
	record, err := r.Get(item(id))
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	return string(record.Value), err == nil, err
}

// expect reads and compares, and says whether memory must have answered.
func (l *layered) expect(want string, fromMemory bool, ids ...string) {
	l.t.Helper()
	if got, asked := l.read(ids...); got != want || asked == fromMemory {
		l.t.Errorf("read %v: %q, asked the store below: %v; want %q, %v", ids, got, asked, want, !fromMemory)
	}
}

func TestHotReadsDoNoIO(t *testing.T) {
	l := newLayered(t, cached.Options{})
	put(t, l, "1", "a", "b")
	l.catchUp()
	l.expect("11-", false, "a", "b", "absent")
	l.expect("1", true, "a")
	l.expect("-", true, "absent")
	l.expect("1-1", true, "b", "absent", "a")
	l.under.away.Store(true)
	l.expect("11-", true, "a", "b", "absent")
}

func TestChangesThrowOut(t *testing.T) {
	l := newLayered(t, cached.Options{})
	put(t, l, "1", "a", "b")
	l.catchUp()
	l.expect("11-", false, "a", "b", "c")
	put(t, l.under.Store, "2", "a", "c") // another node
	l.expect("11-", true, "a", "b", "c") // one state, though late
	l.catchUp()
	l.expect("212", false, "a", "b", "c")
	l.expect("212", true, "a", "b", "c")
}

func TestOwnUpdateIsSeenAtOnce(t *testing.T) {
	l := newLayered(t, cached.Options{})
	put(t, l, "1", "a", "b")
	l.catchUp()
	l.expect("11", false, "a", "b")
	put(t, l, "2", "a")
	l.expect("2", false, "a")
	l.expect("2", true, "a")
	err := l.Update(t.Context(), func(w store.Writer) error {
		if got, _, err := find(w, "a"); got != "2" || err != nil {
			t.Errorf("an Update reads %q, %v", got, err)
		}
		return w.Delete(item("a"))
	})
	if err != nil {
		t.Fatal(err)
	}
	l.expect("-", false, "a")
}

// TestViewIsOneState has one record in memory from before a commit and one from
// after it, while the feed has not told the commit yet.
func TestViewIsOneState(t *testing.T) {
	l := newLayered(t, cached.Options{})
	put(t, l, "1", "a", "b")
	l.catchUp()
	l.expect("1", false, "a")
	put(t, l.under.Store, "2", "a", "b", "c")
	l.expect("2", false, "b") // younger than the feed
	l.expect("1", true, "a")
	l.expect("22", false, "b", "a")
	l.expect("22", false, "a", "b")

	// The same with the knowledge that a record is absent.
	l.catchUp()
	l.expect("2-", false, "a", "x")
	err := l.under.Store.Update(t.Context(), func(w store.Writer) error {
		return errors.Join(w.Put(item("a"), []byte("3"), time.Time{}), w.Delete(item("c")))
	})
	if err != nil {
		t.Fatal(err)
	}
	l.expect("-", false, "c")
	l.expect("3-", false, "a", "c")
	l.catchUp()
	l.expect("3-", false, "a", "c")
	l.expect("-3", true, "c", "a")
}

// TestFillLosesAgainstChange lets a change be told after the store below was
// read and before the answer is kept.
func TestFillLosesAgainstChange(t *testing.T) {
	for name, change := range map[string]func(l *layered){
		"of another node": func(l *layered) { put(l.t, l.under.Store, "2", "a"); l.catchUp() },
		"of our own":      func(l *layered) { put(l.t, l, "2", "a") },
		"missed":          func(l *layered) { put(l.t, l.under.Store, "2", "a"); l.tell(store.Batch{Missed: true}, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLayered(t, cached.Options{})
			put(t, l, "1", "a")
			l.catchUp()
			during := func() { change(l) }
			l.under.during.Store(&during)
			l.expect("1", false, "a")
			l.expect("2", false, "a")
		})
	}
}

func TestExpiryInMemory(t *testing.T) {
	l := newLayered(t, cached.Options{})
	err := l.Update(t.Context(), func(w store.Writer) error {
		return w.Put(item("a"), []byte("1"), l.clock.Now().Add(time.Minute))
	})
	if err != nil {
		t.Fatal(err)
	}
	l.expect("1", false, "a")
	l.clock.Advance(time.Minute - time.Millisecond)
	l.expect("1", true, "a")
	l.clock.Advance(time.Millisecond)
	l.expect("-", true, "a")
}

func TestGrace(t *testing.T) {
	l := newLayered(t, cached.Options{Grace: 10 * time.Second})
	put(t, l, "1", "a")
	l.catchUp()
	l.expect("1", false, "a")
	if since, stale := l.Stale(); stale || !since.IsZero() || !l.Health().InTouch || l.Health().Records != 1 {
		t.Errorf("in touch: stale %v since %v, %+v", stale, since, l.Health())
	}
	l.under.away.Store(true)
	l.tell(store.Batch{}, store.ErrUnavailable)
	lost := l.clock.Now()
	if since, stale := l.Stale(); !stale || since.After(lost) || since.Before(lost.Add(-time.Second)) {
		t.Errorf("out of touch: stale %v since %v, at %v", stale, since, lost)
	}
	l.expect("1", true, "a")
	if _, _, err := l.tryRead("b"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a record that is not in memory: %v", err)
	}
	l.clock.Advance(8 * time.Second)
	l.tell(store.Batch{}, store.ErrUnavailable)
	l.expect("1", true, "a")
	l.clock.Advance(2 * time.Second)
	if _, _, err := l.tryRead("a"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("after the grace: %v", err)
	}
	l.under.away.Store(false)
	l.expect("1", false, "a") // the store is back, the feed not yet
	l.tell(store.Batch{}, nil)
	l.expect("1", true, "a")
	if _, stale := l.Stale(); stale {
		t.Error("stale after touch was found")
	}
}

func TestMissedDropsEverything(t *testing.T) {
	l := newLayered(t, cached.Options{})
	put(t, l, "1", "a", "b")
	l.catchUp()
	l.expect("11", false, "a", "b")
	feed, err := l.Follow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	put(t, l.under.Store, "2", "a", "b")
	l.tell(store.Batch{Missed: true}, nil)
	if batch, err := feed.Next(t.Context()); err != nil || !batch.Missed {
		t.Errorf("a follower is told %+v, %v", batch, err)
	}
	l.expect("22", false, "a", "b")
	l.expect("22", true, "a", "b")
}

func TestMemoryIsBounded(t *testing.T) {
	l := newLayered(t, cached.Options{MaxRecords: 3})
	put(t, l, "1", "a", "b", "c", "d")
	l.catchUp()
	for _, id := range []string{"a", "b", "c"} {
		l.expect("1", false, id)
	}
	l.expect("1", true, "a") // used again: b is now the oldest
	l.expect("1", false, "d")
	l.expect("111", true, "a", "c", "d")
	l.expect("1", false, "b")
	if got := l.Health().Records; got != 3 {
		t.Errorf("%d records in memory", got)
	}

	l = newLayered(t, cached.Options{MaxBytes: 10_000})
	for i := range 100 {
		put(t, l, string(make([]byte, 4000)), fmt.Sprint(i))
		l.read(fmt.Sprint(i))
	}
	if got := l.Health().Records; got != 2 {
		t.Errorf("%d records of 4000 bytes in 10 000 bytes", got)
	}
}

// TestFollowersShareOneFeed gives every follower every change, and the news of
// lost and found touch.
func TestFollowersShareOneFeed(t *testing.T) {
	l := newLayered(t, cached.Options{})
	const followers = 20
	steps := make(chan struct{})
	var group, reported sync.WaitGroup
	reported.Add(followers)
	for range followers {
		feed, err := l.Follow(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			defer feed.Close()
			batch, err := feed.Next(t.Context())
			if err != nil || len(batch.Changes) != 2 {
				t.Errorf("change: %+v, %v", batch, err)
			}
			if _, err = feed.Next(t.Context()); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("lost touch: %v", err)
			}
			reported.Done()
			<-steps
			if batch, err = feed.Next(t.Context()); err != nil || batch.Missed || len(batch.Changes) > 0 {
				t.Errorf("found touch: %+v, %v", batch, err)
			}
		})
	}
	put(t, l, "1", "a", "b")
	l.catchUp()
	l.tell(store.Batch{}, store.ErrUnavailable)
	reported.Wait()
	l.tell(store.Batch{}, nil)
	close(steps)
	group.Wait()
}

// TestFollowWithoutTouch waits for the store below within its deadline.
func TestFollowWithoutTouch(t *testing.T) {
	s := cached.New(unreachable{}, cached.Options{})
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Follow(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Follow: %v", err)
	}
	if s.Health().InTouch {
		t.Error("in touch with a store that nobody reaches")
	}
	err := s.View(t.Context(), func(r store.Reader) error { _, err := r.Get(item("a")); return err })
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("View: %v", err)
	}
}

// unreachable is a store that is away.
type unreachable struct{}

func (unreachable) View(context.Context, func(store.Reader) error) error { return store.ErrUnavailable }
func (unreachable) Update(context.Context, func(store.Writer) error) error {
	return store.ErrUnavailable
}
func (unreachable) Follow(context.Context) (store.Feed, error) { return nil, store.ErrUnavailable }
func (unreachable) Close() error                               { return nil }

func BenchmarkCached(b *testing.B) {
	s := cached.New(openEmbedded(b, time.Now), cached.Options{})
	defer s.Close()
	err := s.Update(b.Context(), func(w store.Writer) error { return w.Put(item("a"), make([]byte, 300), time.Time{}) })
	if err != nil {
		b.Fatal(err)
	}
	read := func(r store.Reader) error { _, err := r.Get(item("a")); return err }
	b.Run("Get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.View(b.Context(), read); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("GetInParallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := s.View(b.Context(), read); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// TestMissedWhileAway drops everything also when the store below cannot be
// asked where it stands.
func TestMissedWhileAway(t *testing.T) {
	l := newLayered(t, cached.Options{})
	put(t, l, "1", "a", "b")
	l.catchUp()
	l.expect("11", false, "a", "b")
	l.under.away.Store(true)
	l.tell(store.Batch{Missed: true}, nil)
	if got, _, err := l.tryRead("a"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("read %q, %v", got, err)
	}
	l.under.away.Store(false)
	l.expect("11", false, "a", "b")
	put(t, l.under.Store, "2", "a") // its version tells the position
	l.catchUp()
	l.expect("21", false, "a", "b")
	l.expect("21", true, "a", "b")
}

// manyErrors is an error that cannot be compared.
type manyErrors []error

func (manyErrors) Error() string { return "many" }

func TestErrorsOfClosuresAreReturnedAsTheyAre(t *testing.T) {
	l := newLayered(t, cached.Options{})
	for _, want := range []error{errors.New("refused"), manyErrors{nil}, store.ErrUnavailable} {
		for _, id := range []string{"a", "a", "b"} {
			err := l.View(t.Context(), func(r store.Reader) error {
				if _, _, err := find(r, id); err != nil {
					return err
				}
				return want
			})
			if fmt.Sprintf("%T %v", err, err) != fmt.Sprintf("%T %v", want, want) {
				t.Errorf("error %T %v, want %T %v", err, err, want, want)
			}
		}
	}
}
