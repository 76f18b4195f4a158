package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// testSeveral reads many records at once, in Views and over own writes, and
// must find what reading them one by one finds.
func testSeveral(t *testing.T, s store.Store, clock *Clock) {
	var keys []store.Key
	for i := range 1200 {
		keys = append(keys, store.Key{Kind: "item", ID: fmt.Sprint(i)})
	}
	update(t, s, func(w store.Writer) error {
		for i := 0; i < len(keys); i += 2 {
			expires := never
			if i%4 == 0 {
				expires = clock.Now().Add(time.Minute)
			}
			if err := w.Put(keys[i], []byte(keys[i].ID), expires); err != nil {
				return err
			}
		}
		return nil
	})
	compare := func(r store.Reader, keys []store.Key) error {
		got, err := store.GetSeveral(r, keys)
		if err != nil {
			return err
		}
		want := make([]store.Record, len(keys))
		for i, key := range keys {
			record, err := r.Get(key)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if err == nil {
				want[i] = record
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("many records, one by one and at once:\n%s", diff)
		}
		return nil
	}
	for range 2 {
		err := s.View(t.Context(), func(r store.Reader) error {
			return errors.Join(compare(r, keys), compare(r, nil), compare(r, []store.Key{keys[3], keys[2], keys[2]}))
		})
		if err != nil {
			t.Error(err)
		}
		clock.Advance(time.Hour)
	}
	update(t, s, func(w store.Writer) error {
		err := errors.Join(w.Put(keys[1], []byte("new"), never), w.Delete(keys[2]), w.Put(keys[6], []byte("other"), never))
		return errors.Join(err, compare(w, keys[:10]))
	})
	err := s.View(t.Context(), func(r store.Reader) error {
		_, err := store.GetSeveral(r, []store.Key{keys[1], {Kind: "item"}})
		return err
	})
	if !errors.Is(err, store.ErrInvalid) {
		t.Errorf("a key without an id among several: %v", err)
	}
}
