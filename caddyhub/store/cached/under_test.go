package cached_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/cached"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

// under is an embedded store below a cached one. It counts the Views, can go
// away, and its feed tells what the test wants, when the test wants it.
type under struct {
	store.Store
	views  atomic.Int64
	away   atomic.Bool
	during atomic.Pointer[func()] // called once, when the next View has read
	told   chan told
	real   store.Feed
}

// told is an answer of the feed; taken is closed when it has been acted on.
type told struct {
	batch store.Batch
	err   error
	taken chan struct{}
}

// layered is a cached store over an under, with a clock for both.
type layered struct {
	*cached.Store
	t     *testing.T
	under *under
	clock *storetest.Clock
}

func newLayered(t *testing.T, options cached.Options) *layered {
	t.Helper()
	clock := storetest.NewClock()
	u := &under{Store: openEmbedded(t, clock.Now), told: make(chan told)}
	var err error
	if u.real, err = u.Store.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	options.Now = clock.Now
	l := &layered{Store: cached.New(u, options), t: t, under: u, clock: clock}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	l.tell(store.Batch{}, nil) // the feed is open now
	u.views.Store(0)
	return l
}

func (u *under) View(ctx context.Context, read func(store.Reader) error) error {
	u.views.Add(1)
	if u.away.Load() {
		return store.ErrUnavailable
	}
	err := u.Store.View(ctx, read)
	if during := u.during.Swap(nil); during != nil {
		(*during)()
	}
	return err
}

func (u *under) Update(ctx context.Context, write func(store.Writer) error) error {
	if u.away.Load() {
		return store.ErrUnavailable
	}
	return u.Store.Update(ctx, write)
}

func (u *under) Follow(context.Context) (store.Feed, error) {
	return &toldFeed{under: u}, nil
}

type toldFeed struct {
	under *under
	last  told
}

func (f *toldFeed) Next(ctx context.Context) (store.Batch, error) {
	if f.last.taken != nil {
		close(f.last.taken)
	}
	f.last = told{}
	select {
	case f.last = <-f.under.told:
		return f.last.batch, f.last.err
	case <-ctx.Done():
		return store.Batch{}, ctx.Err()
	}
}

func (f *toldFeed) Close() error { return nil }

// tell lets the feed answer and waits until that has been acted on.
func (l *layered) tell(batch store.Batch, err error) {
	l.t.Helper()
	taken := make(chan struct{})
	for _, step := range []func() bool{
		func() bool {
			select {
			case l.under.told <- told{batch, err, taken}:
				return true
			case <-time.After(10 * time.Second):
				return false
			}
		},
		func() bool {
			select {
			case <-taken:
				return true
			case <-time.After(10 * time.Second):
				return false
			}
		},
	} {
		if !step() {
			l.t.Fatal("nobody listens to the feed")
		}
	}
}

// catchUp tells all changes that the feed has kept back.
func (l *layered) catchUp() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 10*time.Second)
	defer cancel()
	batch, err := l.under.real.Next(ctx)
	if err != nil {
		l.t.Fatal(err)
	}
	l.tell(batch, nil)
}

func item(id string) store.Key { return store.Key{Kind: "item", ID: id} }

// put writes the same value to records, through the store that is given.
func put(t *testing.T, s store.Store, value string, ids ...string) {
	t.Helper()
	err := s.Update(t.Context(), func(w store.Writer) error {
		for _, id := range ids {
			if err := w.Put(item(id), []byte(value), time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// read reads records in one View; an absent one reads as "-". It also says
// whether the store below was asked.
func (l *layered) read(ids ...string) (values string, asked bool) {
	l.t.Helper()
	values, asked, err := l.tryRead(ids...)
	if err != nil {
		l.t.Fatal(err)
	}
	return values, asked
}

func (l *layered) tryRead(ids ...string) (values string, asked bool, err error) {
	before := l.under.views.Load()
	err = l.View(l.t.Context(), func(r store.Reader) error {
		values = ""
		for _, id := range ids {
			value, found, err := find(r, id)
			if err != nil {
				return err
			}
			if !found {
				value = "-"
			}
			values += value
		}
		return nil
	})
	return values, l.under.views.Load() > before, err
}
