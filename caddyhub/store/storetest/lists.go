package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func testLists(t *testing.T, s store.Store, _ *Clock) {
	if got := list(t, s, "server", store.Page{}); len(got) != 0 {
		t.Fatalf("an empty store lists %v", got)
	}
	all := []string{
		store.Join("ada", ""), store.Join("ada", "gpu"), store.Join("ada/x"), store.Join("adam", ""), store.Join("bob", "a"), store.Join("bob", "b"),
	}
	slices.Sort(all)
	update(t, s, func(w store.Writer) error {
		for _, id := range all {
			for _, kind := range []string{"server", "servers", "serve"} {
				if err := w.Put(store.Key{Kind: kind, ID: id}, []byte(kind+id), never); err != nil {
					return err
				}
			}
		}
		return nil
	})
	tests := []struct {
		page store.Page
		want []string
	}{
		{store.Page{}, all},
		{store.Page{Limit: 2}, all[:2]},
		{store.Page{Limit: len(all)}, all},
		{store.Page{Prefix: store.Under("ada")}, []string{"ada/", "ada/gpu"}},
		{store.Page{Prefix: store.Under("ada"), After: "ada/"}, []string{"ada/gpu"}},
		{store.Page{Prefix: store.Under("ada"), After: "ada/gpu"}, nil},
		{store.Page{Prefix: store.Under("bob"), After: "ada/gpu", Limit: 1}, []string{"bob/a"}},
		{store.Page{Prefix: store.Under("ada"), After: "bob/a"}, nil},
		{store.Page{After: "ada/g"}, all[2:]},
		{store.Page{After: "bob/a0"}, []string{"bob/b"}},
		{store.Page{Prefix: "zoe"}, nil},
		{store.Page{After: "zoe"}, nil},
	}
	for _, test := range tests {
		records := list(t, s, "server", test.page)
		if diff := cmp.Diff(test.want, append([]string(nil), ids(records)...)); diff != "" {
			t.Errorf("page %+v (-want +got):\n%s", test.page, diff)
		}
		for _, record := range records {
			if string(record.Value) != "server"+record.Key.ID || record.Key.Kind != "server" {
				t.Errorf("record %v holds %q", record.Key, record.Value)
			}
		}
	}
}

// testHostileKeys stores ids that a store could take for something of its own.
func testHostileKeys(t *testing.T, s store.Store, _ *Clock) {
	hostile := []string{
		" ", "*", "[a-z]", "(", "[", "-", "+", ":", "a:b", "a\x00b", "a\x00", "a", "\x00", "\xff", "\xff\xff", "\xff\xffz",
		"{x}", "}", "\r\n", "a\nb", "%00", "../a", "\u2028", "é", "e\u0301", strings.Repeat("z", 1000),
	}
	slices.Sort(hostile)
	update(t, s, func(w store.Writer) error {
		for _, id := range hostile {
			if err := w.Put(store.Key{Kind: "thing", ID: id}, []byte(id), never); err != nil {
				return err
			}
		}
		return nil
	})
	if diff := cmp.Diff(hostile, ids(list(t, s, "thing", store.Page{}))); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	for i, id := range hostile {
		if record, found := get(t, s, store.Key{Kind: "thing", ID: id}); !found || string(record.Value) != id {
			t.Errorf("Get %q: found %v, %q", id, found, record.Value)
		}
		rest := ids(list(t, s, "thing", store.Page{After: id}))
		if diff := cmp.Diff(append([]string(nil), hostile[i+1:]...), append([]string(nil), rest...)); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", id, diff)
		}
		var want []string
		for _, other := range hostile {
			if strings.HasPrefix(other, id) {
				want = append(want, other)
			}
		}
		got := ids(list(t, s, "thing", store.Page{Prefix: id}))
		if diff := cmp.Diff(want, append([]string(nil), got...)); diff != "" {
			t.Errorf("prefix %q (-want +got):\n%s", id, diff)
		}
	}
	for _, id := range hostile {
		remove(t, s, store.Key{Kind: "thing", ID: id})
	}
	if left := ids(list(t, s, "thing", store.Page{})); len(left) != 0 {
		t.Errorf("left after Delete: %q", left)
	}
}

// manyRecords is more than any one list may read: a hub with 100 000 users.
const manyRecords = 100_000

func testManyRecords(t *testing.T, s store.Store, _ *Clock) {
	id := func(i int) string { return fmt.Sprintf("user-%06d", i) }
	for from := 0; from < manyRecords; from += 2000 {
		update(t, s, func(w store.Writer) error {
			for i := range 2000 {
				if err := w.Put(store.Key{Kind: "user", ID: id(from + i)}, []byte("x"), never); err != nil {
					return err
				}
			}
			return nil
		})
	}
	seen, page := 0, store.Page{}
	for {
		records := list(t, s, "user", page)
		for _, record := range records {
			if record.Key.ID != id(seen) {
				t.Fatalf("record %d of the list is %q", seen, record.Key.ID)
			}
			seen++
		}
		if len(records) < page.Size() {
			break
		}
		page.After = records[len(records)-1].Key.ID
	}
	if seen != manyRecords {
		t.Errorf("listed %d of %d records", seen, manyRecords)
	}
	got := ids(list(t, s, "user", store.Page{Prefix: "user-0777", After: id(77_797)}))
	if diff := cmp.Diff([]string{id(77_798), id(77_799)}, got); diff != "" {
		t.Errorf("a page far inside (-want +got):\n%s", diff)
	}
}
