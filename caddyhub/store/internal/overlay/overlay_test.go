package overlay

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func TestMilliseconds(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_789_000, time.UTC)
	for _, test := range []struct {
		time time.Time
		ms   int64
		back time.Time
	}{
		{time.Time{}, 0, time.Time{}},
		{at, at.UnixMilli(), at.Truncate(time.Millisecond)},
		{time.Unix(0, 0), 1, time.UnixMilli(1).UTC()},
		{time.Unix(-100, 0), 1, time.UnixMilli(1).UTC()},
	} {
		if got := Milliseconds(test.time); got != test.ms || !Time(got).Equal(test.back) {
			t.Errorf("%v: %d, back %v", test.time, got, Time(got))
		}
	}
	ms := at.UnixMilli()
	for shift, want := range map[time.Duration]bool{-time.Millisecond: false, 0: true, time.Hour: true} {
		if got := Expired(ms, time.UnixMilli(ms).Add(shift)); got != want {
			t.Errorf("expired %v after its time: %v", shift, got)
		}
	}
	if Expired(0, at) {
		t.Error("what never expires has expired")
	}
}

func TestWritesAreTheLastOfEachInOrder(t *testing.T) {
	a, b := store.Key{Kind: "x", ID: "a"}, store.Key{Kind: "x", ID: "b"}
	w := New(nil, time.Now())
	err := errors.Join(
		w.Put(b, []byte("1"), time.Time{}), w.Delete(a), w.Delete(b), w.Put(b, []byte("2"), time.UnixMilli(5)), w.Delete(a),
	)
	if err != nil {
		t.Fatal(err)
	}
	want := []Write{{Key: b, Value: []byte("2"), Expires: 5}, {Key: a, Deleted: true}}
	if diff := cmp.Diff(want, w.Writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestContextError(t *testing.T) {
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ContextError(t.Context()); err != nil {
		t.Error(err)
	}
	if err := ContextError(late); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := ContextError(cancelled); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
}
