package storetest

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

var never time.Time

func testRecords(t *testing.T, s store.Store, _ *Clock) {
	key := store.Key{Kind: "user", ID: "ada"}
	if _, found := get(t, s, key); found {
		t.Fatal("a record in an empty store")
	}
	for _, value := range []string{"one", "", "\x00\xff\r\n", strings.Repeat("x", 100_000)} {
		put(t, s, key, value, never)
		record, found := get(t, s, key)
		if !found || string(record.Value) != value || record.Key != key || !record.Expires.IsZero() {
			t.Fatalf("after Put of %.20q: found %v, %.60v", value, found, record)
		}
	}
	if _, found := get(t, s, store.Key{Kind: "group", ID: "ada"}); found {
		t.Fatal("the record is found under another kind")
	}
	for range 2 {
		remove(t, s, key)
		if _, found := get(t, s, key); found {
			t.Fatal("the record is found after Delete")
		}
	}
}

func testVersions(t *testing.T, s store.Store, _ *Clock) {
	a, b := store.Key{Kind: "user", ID: "a"}, store.Key{Kind: "user", ID: "b"}
	var last uint64
	for range 3 {
		update(t, s, func(w store.Writer) error {
			return errors.Join(w.Put(a, nil, never), w.Put(b, nil, never))
		})
		first, _ := get(t, s, a)
		second, _ := get(t, s, b)
		if first.Version != second.Version || first.Version <= last {
			t.Fatalf("versions %d and %d after %d", first.Version, second.Version, last)
		}
		last = first.Version
		remove(t, s, a)
	}
	put(t, s, b, "", never)
	listed := list(t, s, "user", store.Page{})
	if got, _ := get(t, s, b); got.Version <= last || listed[0].Version != got.Version {
		t.Fatalf("version %d by Get, %d by List, %d before", got.Version, listed[0].Version, last)
	}
}

func testOwnWrites(t *testing.T, s store.Store, clock *Clock) {
	key := store.Key{Kind: "user", ID: "ada"}
	put(t, s, key, "old", never)
	update(t, s, func(w store.Writer) error {
		value := []byte("new")
		if err := w.Put(key, value, never); err != nil {
			return err
		}
		value[0] = '!'
		if record, err := w.Get(key); err != nil || string(record.Value) != "new" {
			t.Errorf("own write reads %q, %v", record.Value, err)
		}
		if err := w.Delete(key); err != nil {
			return err
		}
		if _, err := w.Get(key); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("own deletion reads %v", err)
		}
		if err := w.Put(key, []byte("x"), clock.Now()); err != nil {
			return err
		}
		if _, err := w.Get(key); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("own expired write reads %v", err)
		}
		return w.Put(key, []byte("final"), never)
	})
	if record, _ := get(t, s, key); string(record.Value) != "final" {
		t.Errorf("committed %q", record.Value)
	}
}

func testOwnWritesInLists(t *testing.T, s store.Store, _ *Clock) {
	for i := range 20 {
		put(t, s, store.Key{Kind: "item", ID: fmt.Sprintf("%02d", i)}, "old", never)
	}
	update(t, s, func(w store.Writer) error {
		for _, id := range []string{"01", "02", "03", "17", "18", "19"} {
			if err := w.Delete(store.Key{Kind: "item", ID: id}); err != nil {
				return err
			}
		}
		for _, id := range []string{"", "5", "03", "05a"} {
			if err := w.Put(store.Key{Kind: "item", ID: "0" + id}, []byte("new"), never); err != nil {
				return err
			}
		}
		want := []string{"0", "00", "003", "005a", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15", "16"}
		slices.Sort(want)
		for _, limit := range []int{0, 1, 2, 3, 5} {
			var got []string
			page := store.Page{Limit: limit}
			for {
				records, err := w.List("item", page)
				if err != nil {
					return err
				}
				got = append(got, ids(records)...)
				if len(records) < page.Size() {
					break
				}
				page.After = got[len(got)-1]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("pages of %d (-want +got):\n%s", limit, diff)
			}
		}
		return nil
	})
}

func testRollback(t *testing.T, s store.Store, _ *Clock) {
	kept, gone := store.Key{Kind: "user", ID: "kept"}, store.Key{Kind: "user", ID: "gone"}
	put(t, s, kept, "before", never)
	refusal := errors.New("refused")
	err := s.Update(t.Context(), func(w store.Writer) error {
		if err := errors.Join(w.Put(gone, nil, never), w.Delete(kept)); err != nil {
			return err
		}
		return refusal
	})
	if err != refusal {
		t.Errorf("error %v is not the closure's", err)
	}
	if err := s.View(t.Context(), func(store.Reader) error { return refusal }); err != refusal {
		t.Errorf("error %v is not the closure's", err)
	}
	if diff := cmp.Diff([]string{"kept"}, ids(list(t, s, "user", store.Page{}))); diff != "" {
		t.Errorf("after a failed Update (-want +got):\n%s", diff)
	}
}

func testPanic(t *testing.T, s store.Store, _ *Clock) {
	for range 3 {
		func() {
			defer func() {
				if recovered := recover(); recovered != "oh" {
					t.Errorf("recovered %v", recovered)
				}
			}()
			_ = s.Update(t.Context(), func(w store.Writer) error {
				_ = w.Put(store.Key{Kind: "user", ID: "ada"}, nil, never)
				panic("oh")
			})
		}()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = s.Update(t.Context(), func(w store.Writer) error {
				_ = w.Put(store.Key{Kind: "user", ID: "ada"}, nil, never)
				runtime.Goexit()
				return nil
			})
		}()
		<-done
	}
	if _, found := get(t, s, store.Key{Kind: "user", ID: "ada"}); found {
		t.Error("a closure that panicked has written")
	}
	put(t, s, store.Key{Kind: "user", ID: "bob"}, "", never)
}

func testLimits(t *testing.T, s store.Store, _ *Clock) {
	for _, key := range []store.Key{
		{}, {Kind: "user"}, {ID: "ada"}, {Kind: "User", ID: "ada"}, {Kind: "a:b", ID: "ada"}, {Kind: "a\x00", ID: "ada"},
		{Kind: "user", ID: strings.Repeat("x", store.MaxKeyLength)},
	} {
		err := s.Update(t.Context(), func(w store.Writer) error {
			_, errGet := w.Get(key)
			for _, err := range []error{errGet, w.Put(key, nil, never), w.Delete(key)} {
				if !errors.Is(err, store.ErrInvalid) {
					t.Errorf("key %.40q: %v", key, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	longest := store.Key{Kind: "user", ID: strings.Repeat("x", store.MaxKeyLength-4)}
	big := make([]byte, store.MaxValueLength+1)
	err := s.Update(t.Context(), func(w store.Writer) error { return w.Put(longest, big, never) })
	if !errors.Is(err, store.ErrInvalid) {
		t.Errorf("a value too long: %v", err)
	}
	put(t, s, longest, string(big[1:]), never)
	if record, _ := get(t, s, longest); len(record.Value) != store.MaxValueLength {
		t.Errorf("the longest value reads %d bytes", len(record.Value))
	}
	err = s.View(t.Context(), func(r store.Reader) error {
		for _, page := range []store.Page{{Limit: -1}, {Limit: store.MaxPage + 1}} {
			if _, err := r.List("user", page); !errors.Is(err, store.ErrInvalid) {
				t.Errorf("page %v: %v", page, err)
			}
		}
		if _, err := r.List("", store.Page{}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("list without a kind: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
