package userlist

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// away is a store that can be taken away, watched by hand.
type away struct {
	store.Store
	gone, doubtful atomic.Bool
	changed        func([]store.Key)
}

func (a *away) Watch(changed func([]store.Key)) func() {
	a.changed = changed
	return func() {}
}

func (a *away) Trusted() bool { return !a.doubtful.Load() }

func (a *away) View(ctx context.Context, read func(store.Reader) error) error {
	if a.gone.Load() {
		return store.ErrUnavailable
	}
	return a.Store.View(ctx, read)
}

// answers says whether a list answers.
func answers(t *testing.T, l *List) bool {
	t.Helper()
	return l.Read(t.Context(), func(Reading) {})
}

func newAway(t *testing.T) (*away, *List) {
	t.Helper()
	s := &away{Store: openEmbedded(t)}
	t.Cleanup(func() { _ = s.Close() })
	l := New(Options{Store: s, Activity: identity.NewActivity(s, time.Now)})
	l.watched.Watch(l.mark)
	if answers(t, l) {
		t.Error("a list that has not been loaded answers")
	}
	if err := l.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !answers(t, l) {
		t.Fatal("a loaded list does not answer")
	}
	return s, l
}

func TestNoAnswerInDoubt(t *testing.T) {
	s, l := newAway(t)
	s.doubtful.Store(true)
	if answers(t, l) {
		t.Error("answers although changes do not arrive")
	}
	s.doubtful.Store(false)
	s.gone.Store(true)
	if !answers(t, l) {
		t.Error("does not answer from memory, within the grace")
	}
	s.changed([]store.Key{identity.UserKey("ada")})
	for range 2 {
		if answers(t, l) {
			t.Error("answers although a user has changed and cannot be read")
		}
	}
	s.gone.Store(false)
	if !answers(t, l) {
		t.Error("does not answer when the store is back")
	}
	s.changed(nil)
	if answers(t, l) {
		t.Error("answers after changes were missed")
	}
}

func TestDamagedRecordsGiveNoAnswer(t *testing.T) {
	for _, key := range []store.Key{
		identity.UserKey("ada"), {Kind: "server", ID: "ada/"}, {Kind: "activity", ID: "user/ada"}, {Kind: "server", ID: "a/b/c"},
	} {
		s, l := newAway(t)
		err := s.Update(t.Context(), func(w store.Writer) error { return w.Put(key, []byte("damaged"), time.Time{}) })
		if err != nil {
			t.Fatal(err)
		}
		s.changed([]store.Key{key})
		if answers(t, l) {
			t.Errorf("answers although %v cannot be read", key)
		}
		s.changed(nil)
		if err := l.load(t.Context()); !errors.Is(err, store.ErrType) || answers(t, l) {
			t.Errorf("loads with a damaged %v: %v", key, err)
		}
	}
}

func TestManyChangesLoadAnew(t *testing.T) {
	s, l := newAway(t)
	keys := make([]store.Key, maxMarked+1)
	for i := range keys {
		keys[i] = store.Key{Kind: identity.KindUser, ID: string(rune('a'+i%26)) + time.Duration(i).String()}
	}
	s.changed(keys)
	if len(l.marked) != 0 || answers(t, l) {
		t.Errorf("%d records are marked one by one", len(l.marked))
	}
}

func TestOthersRecordsAreNotRead(t *testing.T) {
	s, l := newAway(t)
	s.gone.Store(true)
	s.changed([]store.Key{{Kind: "session", ID: "x"}, {Kind: "activity", ID: "token/a1"}})
	if !answers(t, l) {
		t.Error("does not answer because something else has changed")
	}
}

func TestUnwatchedStoreGivesNoAnswer(t *testing.T) {
	s := openEmbedded(t)
	defer s.Close()
	l := New(Options{Store: s, Activity: identity.NewActivity(s, time.Now)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Run(ctx); !errors.Is(err, context.Canceled) || answers(t, l) {
		t.Errorf("Run over a store that nobody can watch: %v", err)
	}
	if (*List)(nil).Read(t.Context(), func(Reading) {}) {
		t.Error("a nil list answers")
	}
}
