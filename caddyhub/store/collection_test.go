package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// memory is a Writer over a map, enough for one goroutine.
type memory map[Key]Record

func (m memory) Get(key Key) (Record, error) {
	record, found := m[key]
	if !found {
		return Record{}, ErrNotFound
	}
	return record, nil
}

func (m memory) List(kind string, page Page) ([]Record, error) {
	var records []Record
	for key, record := range m {
		if key.Kind == kind && strings.HasPrefix(key.ID, page.Prefix) && key.ID > page.After {
			records = append(records, record)
		}
	}
	slices.SortFunc(records, func(a, b Record) int { return strings.Compare(a.Key.ID, b.Key.ID) })
	return records[:min(len(records), page.Size())], nil
}

func (m memory) Put(key Key, value []byte, expires time.Time) error {
	m[key] = Record{Key: key, Value: value, Version: m[key].Version + 1, Expires: expires}
	return nil
}

func (m memory) Delete(key Key) error {
	delete(m, key)
	return nil
}

type user struct {
	Name  string
	Admin bool
}

var users = Collection[user]{Kind: "user"}

func TestCollection(t *testing.T) {
	m := memory{}
	expires := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, found, err := users.Find(m, "ada"); found || err != nil {
		t.Errorf("Find in an empty store: %v, %v", found, err)
	}
	if _, err := users.Get(m, "ada"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get in an empty store: %v", err)
	}
	if err := users.Put(m, "ada", user{"ada", true}, expires); err != nil {
		t.Fatal(err)
	}
	item, err := users.Item(m, "ada")
	want := Item[user]{ID: "ada", Value: user{"ada", true}, Version: 1, Expires: expires}
	if diff := cmp.Diff(want, item); err != nil || diff != "" {
		t.Errorf("Item: %v (-want +got):\n%s", err, diff)
	}
	if value, found, err := users.Find(m, "ada"); !found || err != nil || value != want.Value {
		t.Errorf("Find: %v, %v, %v", value, found, err)
	}
	if err := users.Delete(m, "ada"); err != nil || len(m) != 0 {
		t.Errorf("Delete: %v, %d left", err, len(m))
	}
	if err := (Collection[chan int]{Kind: "user"}).Put(m, "x", nil, expires); !errors.Is(err, ErrInvalid) {
		t.Errorf("Put of what JSON cannot hold: %v", err)
	}
}

func TestEachReadsAllPages(t *testing.T) {
	m := memory{}
	const all = 2*MaxPage + 3
	for i := range all {
		if err := users.Put(m, Join("a", fmt.Sprintf("%05d", i)), user{}, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := users.Put(m, Join("b", "x"), user{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := users.Each(m, Under("a"), func(item Item[user]) error {
		if want := Join("a", fmt.Sprintf("%05d", seen)); item.ID != want {
			t.Fatalf("item %d is %q", seen, item.ID)
		}
		seen++
		return nil
	})
	if err != nil || seen != all {
		t.Errorf("%d of %d items, %v", seen, all, err)
	}
	stop := errors.New("stop")
	seen = 0
	err = users.Each(m, "", func(Item[user]) error { seen++; return stop })
	if err != stop || seen != 1 {
		t.Errorf("after an error: %v, %d items", err, seen)
	}
}

func TestOpenRefusesOtherTypes(t *testing.T) {
	for _, value := range []string{
		"", "null", "{}", "[]", `{"kind":"group","data":{"Name":"x"}}`, `{"kind":"user"}`, `{"kind":"user","data":7}`,
		`{"kind":"user","data":{"Admin":true,"Name":7}}`, `{"Name":"x","Admin":true}`, `{"kind":"user","data":{}} {}`, `{"data":{}}`,
	} {
		m := memory{}
		if err := m.Put(users.Key("ada"), []byte(value), time.Time{}); err != nil {
			t.Fatal(err)
		}
		if got, err := users.Get(m, "ada"); !errors.Is(err, ErrType) || got.Admin {
			t.Errorf("%s reads as %+v, %v", value, got, err)
		}
		if _, err := users.List(m, Page{}); !errors.Is(err, ErrType) {
			t.Errorf("%s in a list: %v", value, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, seed := range []string{
		"", "null", `{"kind":"user","data":{"Name":"ada","Admin":true}}`, `{"kind":"group","data":{}}`,
		`{"kind":"user","kind":"group","data":{}}`, `{"KIND":"user","data":{}}`, `{"kind":"user","data":null}`,
	} {
		f.Add("user", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, kind string, value []byte) {
		item, err := users.open(Record{Key: Key{Kind: kind, ID: "x"}, Value: value})
		switch {
		case err != nil && !errors.Is(err, ErrType):
			t.Errorf("error %v is not ErrType", err)
		case err != nil && item.Value.Admin:
			t.Errorf("a refused record makes an admin: %q", value)
		case err == nil && kind != "user":
			t.Errorf("a %q reads as a user", kind)
		}
	})
}
