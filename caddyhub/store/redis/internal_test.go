package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// answerError is an error that a server has answered.
type answerError string

func (e answerError) Error() string { return string(e) }
func (answerError) RedisError()     {}

func entry(version int, before, id, changes string) redis.XMessage {
	return redis.XMessage{
		ID:     fmt.Sprintf("%d-0", version),
		Values: map[string]any{"before": before, "id": id, "changes": changes},
	}
}

func TestFollowWalksTheChain(t *testing.T) {
	begin := place{version: 4, id: "d"}
	change := store.Change{Key: store.Key{Kind: "user", ID: "a:\n"}, Version: 5}
	tests := []struct {
		name     string
		messages []redis.XMessage
		whole    bool
		changes  []store.Change
		end      place
	}{
		{"nothing", nil, true, nil, begin},
		{"next", []redis.XMessage{entry(5, "d", "e", "w8:user:a:\n")}, true, []store.Change{change}, place{version: 5, id: "e"}},
		{"two", []redis.XMessage{entry(5, "d", "e", "w8:user:a:\n"), entry(6, "e", "f", "d6:user:b")}, true,
			[]store.Change{change, {Key: store.Key{Kind: "user", ID: "b"}, Deleted: true, Version: 6}}, place{version: 6, id: "f"}},
		{"gap", []redis.XMessage{entry(6, "d", "f", "")}, false, nil, begin},
		{"gap later", []redis.XMessage{entry(5, "d", "e", ""), entry(7, "e", "g", "")}, false, nil, place{version: 5, id: "e"}},
		{"another history", []redis.XMessage{entry(5, "x", "e", "")}, false, nil, begin},
		{"damaged", []redis.XMessage{entry(5, "d", "e", "w9:user:a")}, false, nil, begin},
	}
	for _, test := range tests {
		batch, end, whole := follow(begin, test.messages)
		if whole != test.whole || end != test.end {
			t.Errorf("%s: whole %v, end %v", test.name, whole, end)
		}
		if diff := cmp.Diff(test.changes, batch.Changes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func FuzzDecodeChanges(f *testing.F) {
	for _, seed := range []string{"", "w8:user:a:\n", "d3:a:bw3:c:d", "w-1:", "w99999999999999999999:", "w3:abc", "w"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		changes, ok := decodeChanges(encoded, 1)
		if !ok {
			return
		}
		total := 0
		for _, change := range changes {
			total += len(change.Key.Kind) + len(change.Key.ID)
		}
		if total > len(encoded) {
			t.Errorf("%d bytes of keys from %d bytes", total, len(encoded))
		}
	})
}

func TestBounds(t *testing.T) {
	for _, test := range []struct {
		page            store.Page
		lowest, highest string
	}{
		{store.Page{}, "-", "+"},
		{store.Page{After: "b"}, "(b", "+"},
		{store.Page{Prefix: "a/"}, "[a/", "(a0"},
		{store.Page{Prefix: "a/", After: "a/x"}, "(a/x", "(a0"},
		{store.Page{Prefix: "b", After: "a"}, "[b", "(c"},
		{store.Page{Prefix: "a\xff\xff"}, "[a\xff\xff", "(b"},
		{store.Page{Prefix: "\xff"}, "[\xff", "+"},
	} {
		lowest, highest := bounds(test.page)
		if lowest != test.lowest || highest != test.highest {
			t.Errorf("%+v: %q to %q, want %q to %q", test.page, lowest, highest, test.lowest, test.highest)
		}
	}
}

func TestFailures(t *testing.T) {
	s := &Store{}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		ctx       context.Context
		err, want error
	}{
		{t.Context(), answerError("OLDSERVER Redis or Valkey 7 or newer is needed"), ErrOldServer},
		{t.Context(), answerError("OLDSERVER Redis or Valkey 7 or newer is needed"), store.ErrUnavailable},
		{t.Context(), answerError("LOADING Redis is loading the dataset in memory"), store.ErrUnavailable},
		{t.Context(), answerError("READONLY You can't write against a read only replica."), store.ErrUnavailable},
		{t.Context(), &net.OpError{Op: "dial", Err: errors.New("refused")}, store.ErrUnavailable},
		{t.Context(), context.DeadlineExceeded, store.ErrUnavailable},
		{t.Context(), redis.ErrClosed, store.ErrClosed},
		{cancelled, errors.New("anything"), context.Canceled},
	} {
		if got := s.failure(test.ctx, test.err); !errors.Is(got, test.want) {
			t.Errorf("%v became %v, want %v", test.err, got, test.want)
		}
	}
}

func TestBreaker(t *testing.T) {
	refusal := &net.OpError{Op: "dial", Err: errors.New("refused")}
	for _, test := range []struct {
		name string
		err  error
		took time.Duration
		open bool
	}{
		{"success", nil, 0, false},
		{"answered error", answerError("OOM command not allowed"), 0, false},
		{"caller had no time", context.DeadlineExceeded, 20 * time.Millisecond, false},
		{"hangs", context.DeadlineExceeded, 2 * time.Second, true},
		{"refused", refusal, 0, true},
		{"loading", answerError("LOADING"), 0, true},
	} {
		var b breaker
		b.note(test.err, test.took)
		if got := b.check() != nil; got != test.open {
			t.Errorf("%s: keeps calls away: %v, want %v", test.name, got, test.open)
		}
		b.note(nil, 0)
		if err := b.check(); err != nil {
			t.Errorf("%s: after a success: %v", test.name, err)
		}
	}
}
