package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func testContexts(t *testing.T, s store.Store, _ *Clock) {
	key := store.Key{Kind: "user", ID: "ada"}
	write := func(w store.Writer) error { return w.Put(key, nil, never) }
	read := func(r store.Reader) error { _, err := r.Get(key); return err }
	late, cancelLate := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancelLate()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name string
		ctx  context.Context
		want error
		not  error
	}{
		{"deadline", late, store.ErrUnavailable, store.ErrNotFound},
		{"cancelled", cancelled, context.Canceled, store.ErrUnavailable},
	} {
		_, errFollow := s.Follow(test.ctx)
		for _, err := range []error{s.Update(test.ctx, write), s.View(test.ctx, read), errFollow} {
			if !errors.Is(err, test.want) || errors.Is(err, test.not) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
	}
	if _, found := get(t, s, key); found {
		t.Error("an Update after its deadline has written")
	}
	testDeadlineInside(t, s, write, key)
}

// testDeadlineInside lets the deadline come while the closure runs.
func testDeadlineInside(t *testing.T, s store.Store, write func(store.Writer) error, key store.Key) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := s.Update(ctx, func(w store.Writer) error {
		<-ctx.Done()
		return write(w)
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Update over its deadline: %v", err)
	}
	if _, found := get(t, s, key); found {
		t.Error("an Update over its deadline has written")
	}
}

func testClosed(t *testing.T, s store.Store, _ *Clock) {
	key := store.Key{Kind: "user", ID: "ada"}
	put(t, s, key, "", never)
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	_, errFollow := s.Follow(t.Context())
	for name, err := range map[string]error{
		"View":   s.View(t.Context(), func(r store.Reader) error { _, err := r.Get(key); return err }),
		"Update": s.Update(t.Context(), func(w store.Writer) error { return w.Put(key, nil, never) }),
		"Follow": errFollow,
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s of a closed store: %v", name, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}
