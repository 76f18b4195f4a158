package identity

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func (f *fixture) last(t testing.TB, activity *Activity, name string) time.Time {
	t.Helper()
	at, err := read(f, func(r store.Reader) (time.Time, error) { return activity.Last(r, name) })
	return must(t, at, err)
}

func TestActivity(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.newUser(t, "ada")
		_, token := f.token(t, NewToken{Owner: UserOwner("ada"), Lifetime: time.Hour})
		other := NewActivity(f.store, f.clock.Now)
		ada, start := ActivityOfUser("ada"), f.clock.Now()
		for _, name := range []string{ada, ActivityOfToken(token.ID)} {
			if at := f.last(t, f.Activity(), name); !at.IsZero() {
				t.Errorf("%s: active at %v before it ever was", name, at)
			}
			f.Activity().Touch(name, start.Add(time.Minute))
			f.Activity().Touch(name, start) // out of order
			if at := f.last(t, f.Activity(), name); !at.Equal(start.Add(time.Minute)) {
				t.Errorf("%s: here at once: %v", name, at)
			}
			if at := f.last(t, other, name); !at.IsZero() {
				t.Errorf("%s: elsewhere only when written: %v", name, at)
			}
			if err := f.Activity().Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			other.Touch(name, start) // older than what is stored
			if err := other.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if at := f.last(t, other, name); !at.Equal(start.Add(time.Minute)) {
				t.Errorf("%s: times move backward: %v", name, at)
			}
		}
		for _, gone := range []string{ActivityOfUser("eve"), ActivityOfService("eve"), ActivityOfToken("a1"), ActivityOfServer("ada", "")} {
			f.Activity().Touch(gone, start)
		}
		if err := f.Activity().Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if stored := f.records(t, "activity"); len(stored) != 2 {
			t.Errorf("activity of what does not exist: %q", stored)
		}
	})
}

// What cannot be written is kept, newer times included, and written later.
func TestFlushFails(t *testing.T) {
	f := newFixture(t)
	activity := NewActivity(lost{}, f.clock.Now)
	for i := range 2 * flushBatch {
		f.newUser(t, fmt.Sprint(i))
		activity.Touch(ActivityOfUser(fmt.Sprint(i)), f.clock.Now())
	}
	if err := activity.Flush(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
	activity.store = f.store
	if err := activity.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stored := f.records(t, "activity"); len(stored) != 2*flushBatch || len(activity.pending) != 0 {
		t.Errorf("%d were written, %d are left", len(stored), len(activity.pending))
	}
}

// Run writes once per interval and once at the end; trouble is reported.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &noUpdates{}
		activity := NewActivity(s, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		failed := 0
		done := make(chan struct{})
		go func() {
			activity.Run(ctx, func(error) { failed++ })
			close(done)
		}()
		activity.Touch("user/"+keyring.RandomToken(4), time.Now())
		time.Sleep(2*FlushInterval + time.Second)
		synctest.Wait()
		if s.tries != 2 || failed != 2 {
			t.Errorf("%d tries, %d reports", s.tries, failed)
		}
		cancel()
		<-done
		if s.tries != 3 || failed != 3 {
			t.Errorf("at the end: %d tries, %d reports", s.tries, failed)
		}
	})
}
