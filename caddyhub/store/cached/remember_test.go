package cached_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/cached"
)

// remember reads records until their outcome can be kept.
func (l *layered) remember(ids ...string) store.Validity {
	l.t.Helper()
	for range 2 {
		validity, err := l.ViewRemembered(l.t.Context(), func(r store.Reader) error {
			for _, id := range ids {
				if _, _, err := find(r, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			l.t.Fatal(err)
		}
		if validity != nil {
			return validity
		}
	}
	l.t.Fatalf("the outcome of %v cannot be kept", ids)
	return nil
}

func TestRememberedUntilARecordChanges(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(l *layered)
		holds  bool
	}{
		{"nothing", func(*layered) {}, true},
		{"own write", func(l *layered) { put(l.t, l, "2", "b") }, false},
		{"own write of another", func(l *layered) { put(l.t, l, "2", "c") }, true},
		{"own creation", func(l *layered) { put(l.t, l, "2", "absent") }, false},
		{"failed own write", func(l *layered) {
			_ = l.Update(l.t.Context(), func(w store.Writer) error {
				return errors.Join(w.Put(item("a"), nil, time.Time{}), errors.New("no"))
			})
		}, false}, // whether it was committed cannot always be known
		{"another node before the feed", func(l *layered) { put(l.t, l.under.Store, "2", "a") }, true},
		{"another node", func(l *layered) { put(l.t, l.under.Store, "2", "a"); l.catchUp() }, false},
		{"missed changes", func(l *layered) { l.tell(store.Batch{Missed: true}, nil) }, false},
		{"out of touch within the grace", func(l *layered) { l.tell(store.Batch{}, store.ErrUnavailable) }, true},
		{"out of touch after the grace", func(l *layered) {
			l.tell(store.Batch{}, store.ErrUnavailable)
			l.clock.Advance(20 * time.Second)
		}, false},
		{"back in touch", func(l *layered) {
			l.tell(store.Batch{}, store.ErrUnavailable)
			l.clock.Advance(time.Hour)
			l.tell(store.Batch{}, nil)
		}, true},
		{"closed", func(l *layered) { _ = l.Close() }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLayered(t, cached.Options{Grace: 20 * time.Second})
			put(t, l, "1", "a", "b")
			l.catchUp()
			validity := l.remember("a", "absent", "b")
			test.change(l)
			if validity.Valid() != test.holds {
				t.Errorf("valid: %v", validity.Valid())
			}
		})
	}
}

func TestRememberedUntilExpiry(t *testing.T) {
	l := newLayered(t, cached.Options{})
	err := l.Update(t.Context(), func(w store.Writer) error {
		return errors.Join(w.Put(item("a"), nil, l.clock.Now().Add(time.Hour)), w.Put(item("b"), nil, l.clock.Now().Add(time.Minute)))
	})
	if err != nil {
		t.Fatal(err)
	}
	l.catchUp()
	validity := l.remember("a", "b")
	l.clock.Advance(time.Minute - time.Second)
	if !validity.Valid() {
		t.Error("not valid before the first record expires")
	}
	l.clock.Advance(time.Second)
	if validity.Valid() {
		t.Error("valid when a record has expired")
	}
}

func TestRememberedUntilThrownOut(t *testing.T) {
	l := newLayered(t, cached.Options{MaxRecords: 2})
	validity := l.remember("a", "b")
	l.remember("c")
	if validity.Valid() {
		t.Error("valid although changes of a record are not noticed any more")
	}
}

func TestFailureIsNotRemembered(t *testing.T) {
	l := newLayered(t, cached.Options{})
	failed := errors.New("failed")
	validity, err := l.ViewRemembered(t.Context(), func(store.Reader) error { return failed })
	if validity != nil || !errors.Is(err, failed) {
		t.Errorf("%v, %v", validity, err)
	}
	// A list is read from the store below and its changes are not noticed.
	validity, err = l.ViewRemembered(t.Context(), func(r store.Reader) error {
		_, err := r.List("item", store.Page{})
		return err
	})
	if validity != nil || err != nil {
		t.Errorf("after a list: %v, %v", validity, err)
	}
}

func TestWatch(t *testing.T) {
	l := newLayered(t, cached.Options{})
	var mu sync.Mutex
	var told [][]store.Key
	stop := l.Watch(func(keys []store.Key) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, slices.SortedFunc(slices.Values(keys), func(a, b store.Key) int { return len(a.ID) - len(b.ID) }))
	})
	expect := func(want ...[]store.Key) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		told = nil
	}
	put(t, l, "1", "a", "bb")
	expect([]store.Key{item("a"), item("bb")}) // before the feed says so
	l.catchUp()
	expect([]store.Key{item("a"), item("bb")})
	put(t, l.under.Store, "1", "c")
	expect()
	l.catchUp()
	expect([]store.Key{item("c")})
	l.tell(store.Batch{Missed: true}, nil)
	expect(nil)
	if !l.Trusted() {
		t.Error("not trusted while in touch")
	}
	stop()
	put(t, l, "2", "a")
	expect()
}
