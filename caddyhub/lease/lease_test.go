package lease

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

// mortal is a store that can be away.
type mortal struct {
	store.Store
	mu   sync.Mutex
	away bool
}

func (m *mortal) set(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

func (m *mortal) trouble() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return store.ErrUnavailable
	}
	return nil
}

func (m *mortal) View(ctx context.Context, read func(store.Reader) error) error {
	if err := m.trouble(); err != nil {
		return err
	}
	return m.Store.View(ctx, read)
}

func (m *mortal) Update(ctx context.Context, write func(store.Writer) error) error {
	if err := m.trouble(); err != nil {
		return err
	}
	return m.Store.Update(ctx, write)
}

func open(t *testing.T) store.Store {
	t.Helper()
	s, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "store")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// holders are those at work under the lease, in the order in which they began.
type holders struct {
	mu      sync.Mutex
	working []string
	history []string
	most    int
	causes  []error
}

// work is work that goes on until it is told to end, and takes a while then.
func (h *holders) work(name string, toEnd time.Duration) func(context.Context) {
	return func(ctx context.Context) {
		h.mu.Lock()
		h.working = append(h.working, name)
		h.history = append(h.history, name)
		h.most = max(h.most, len(h.working))
		h.mu.Unlock()
		<-ctx.Done()
		sleep(context.Background(), toEnd)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.causes = append(h.causes, context.Cause(ctx))
		h.working = slices.DeleteFunc(h.working, func(other string) bool { return other == name })
	}
}

func (h *holders) now() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.working)
}

// after lets time go by and says who is at work then.
func (h *holders) after(d time.Duration) []string {
	time.Sleep(d)
	synctest.Wait()
	return h.now()
}

// One node works; when it ends another takes over, but not before the work of
// the first has ended.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h := open(t), new(holders)
		east, west := New(s, "east", nil, nil), New(s, "west", nil, nil)
		first, endFirst := context.WithCancel(t.Context())
		second, endSecond := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { east.Hold(first, "culling", h.work("east", 20*time.Second)) })
		synctest.Wait()
		group.Go(func() { west.Hold(second, "culling", h.work("west", 0)) })
		if got := h.after(10 * length); !slices.Equal(got, []string{"east"}) {
			t.Fatalf("at work: %v", got)
		}
		endFirst()
		if got := h.after(19 * time.Second); !slices.Equal(got, []string{"east"}) {
			t.Errorf("while the first ends: %v", got)
		}
		if got := h.after(3 * time.Second); !slices.Equal(got, []string{"west"}) {
			t.Errorf("after the first: %v", got)
		}
		endSecond()
		group.Wait()
		if h.most != 1 {
			t.Errorf("%d were at work at once", h.most)
		}
		err := s.View(t.Context(), func(r store.Reader) error {
			_, found, err := records.Find(r, store.Join("culling"))
			if found {
				t.Error("the lease was not given back")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Leases of different names have nothing to do with each other.
func TestNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h := open(t), new(holders)
		ctx, end := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for _, name := range []string{"a", "b", "a/b"} {
			keeper := New(s, "east", nil, nil)
			group.Go(func() { keeper.Hold(ctx, name, h.work(name, 0)) })
		}
		if got := h.after(time.Second); len(got) != 3 {
			t.Errorf("at work: %v", got)
		}
		end()
		group.Wait()
	})
}

// A node that has lost the store ends its work before its lease runs out, and
// takes it up again when it can; another node takes over meanwhile. A store that
// is away for a moment disturbs nothing.
func TestOutOfTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h := open(t), new(holders)
		far := &mortal{Store: s}
		ctx, end := context.WithCancel(t.Context())
		var group sync.WaitGroup
		east, west := New(far, "east", nil, nil), New(s, "west", nil, nil)
		group.Go(func() { east.Hold(ctx, "culling", h.work("east", 10*time.Second)) })
		synctest.Wait()
		group.Go(func() { west.Hold(ctx, "culling", h.work("west", 0)) })
		far.set(true)
		if got := h.after(length / 2); !slices.Equal(got, []string{"east"}) {
			t.Fatalf("after a moment: %v", got)
		}
		far.set(false)
		if got := h.after(length); !slices.Equal(got, []string{"east"}) {
			t.Fatalf("when the store is back: %v", got)
		}
		far.set(true)
		if got := h.after(length + 3*time.Second); !slices.Equal(got, []string{"west"}) {
			t.Errorf("when the lease has run out: %v", got)
		}
		far.set(false)
		if got := h.after(length); !slices.Equal(got, []string{"west"}) {
			t.Errorf("with both in touch: %v", got)
		}
		end()
		group.Wait()
		if h.most != 1 || !errors.Is(h.causes[0], ErrLost) {
			t.Errorf("%d at work at once, ended because of %v", h.most, h.causes)
		}
	})
}

// A lease whose holder is a process that has ended is free at once.
func TestDeadHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h := open(t), new(holders)
		err := s.Update(t.Context(), func(w store.Writer) error {
			dead := Holder{Node: "east", Instance: "x", Process: "x", PID: 1 << 30}
			return records.Put(w, store.Join("culling"), record{dead}, time.Now().Add(length))
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { New(s, "west", nil, nil).Hold(ctx, "culling", h.work("west", 0)) })
		if got := h.after(3 * time.Second); len(got) != 0 {
			t.Errorf("another machine took over at once: %v", got)
		}
		group.Go(func() { New(s, "east", nil, nil).Hold(ctx, "culling", h.work("east", 0)) })
		if got := h.after(time.Second); !slices.Equal(got, []string{"east"}) {
			t.Errorf("the same machine did not: %v", got)
		}
		end()
		group.Wait()
	})
}

// Work that returns by itself is not begun again.
func TestWorkEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		count := 0
		New(s, "east", nil, nil).Hold(t.Context(), "once", func(context.Context) { count++ })
		if count != 1 {
			t.Errorf("done %d times", count)
		}
	})
}
