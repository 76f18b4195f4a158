package storetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

type apple struct{ Weight int }

type pear struct{ Weight int }

// testTypes shows that no way leads from a record of one collection to a value
// of another, though both look the same in JSON.
func testTypes(t *testing.T, s store.Store, _ *Clock) {
	apples, pears := store.Collection[apple]{Kind: "apple"}, store.Collection[pear]{Kind: "pear"}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringN(1, 20, 100).Draw(t, "id")
		weight := rapid.Int().Draw(t, "weight")
		check := func(w store.Writer) error {
			if err := apples.Put(w, id, apple{weight}, never); err != nil {
				return err
			}
			if got, err := apples.Get(w, id); err != nil || got.Weight != weight {
				t.Errorf("apple %q: %v, %v", id, got, err)
			}
			if _, found, err := pears.Find(w, id); found || err != nil {
				t.Errorf("apple %q is a pear: %v", id, err)
			}
			record, err := w.Get(apples.Key(id))
			if err != nil {
				return err
			}
			// A store, a backup or a person has moved the bytes elsewhere.
			if err := w.Put(pears.Key(id), record.Value, never); err != nil {
				return err
			}
			if got, err := pears.Get(w, id); !errors.Is(err, store.ErrType) || got != (pear{}) {
				t.Errorf("a moved apple reads as pear %v, %v", got, err)
			}
			if _, err := pears.List(w, store.Page{Prefix: id}); !errors.Is(err, store.ErrType) {
				t.Errorf("a moved apple is listed among pears: %v", err)
			}
			return errors.Join(apples.Delete(w, id), pears.Delete(w, id))
		}
		if err := s.Update(context.Background(), check); err != nil {
			t.Fatal(err)
		}
	})
}

// testModel compares random transactions with a map.
func testModel(t *testing.T, s store.Store, clock *Clock) {
	key := func(id string) store.Key { return store.Key{Kind: "model", ID: id} }
	ids := []string{"a", "a/", "a/b", "a/b/c", "b", "b\x00", "b/", "\xff"}
	model := make(map[string]string)
	rapid.Check(t, func(t *rapid.T) {
		draft := maps.Clone(model)
		commit := rapid.Bool().Draw(t, "commit")
		failure := errors.New("rolled back")
		steps := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 8).Draw(t, "steps")
		picks := rapid.SliceOfN(rapid.SampledFrom(ids), len(steps), len(steps)).Draw(t, "ids")
		limit := rapid.IntRange(1, 4).Draw(t, "limit")
		err := s.Update(context.Background(), func(w store.Writer) error {
			draft = maps.Clone(model)
			for i, step := range steps {
				if err := modelStep(t, w, draft, step, key(picks[i]), limit, clock); err != nil {
					return err
				}
			}
			if !commit {
				return failure
			}
			return nil
		})
		if commit && err != nil || !commit && err != failure {
			t.Fatal(err)
		}
		if commit {
			model = draft
		}
		err = s.View(context.Background(), func(r store.Reader) error {
			return compareLists(t, r, model, store.Page{})
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func modelStep(t *rapid.T, w store.Writer, draft map[string]string, step int, key store.Key, limit int, clock *Clock) error {
	switch step {
	case 0:
		draft[key.ID] = key.ID + "!"
		return w.Put(key, []byte(draft[key.ID]), clock.Now().Add(time.Hour))
	case 1:
		delete(draft, key.ID)
		return w.Delete(key)
	case 2:
		record, err := w.Get(key)
		want, exists := draft[key.ID]
		if exists != (err == nil) || string(record.Value) != want {
			t.Errorf("Get %q: %q, %v, want %q", key.ID, record.Value, err, want)
		}
	default:
		for _, page := range []store.Page{{Limit: limit}, {Limit: limit, After: key.ID}, {Limit: limit, Prefix: key.ID}} {
			if err := compareLists(t, w, draft, page); err != nil {
				return err
			}
		}
	}
	return nil
}

func compareLists(t *rapid.T, r store.Reader, model map[string]string, page store.Page) error {
	var want []string
	for _, id := range slices.Sorted(maps.Keys(model)) {
		if id > page.After && strings.HasPrefix(id, page.Prefix) && len(want) < page.Size() {
			want = append(want, id)
		}
	}
	records, err := r.List("model", page)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(want, append([]string(nil), ids(records)...)); diff != "" {
		t.Errorf("page %+v (-want +got):\n%s", page, diff)
	}
	for _, record := range records {
		if string(record.Value) != model[record.Key.ID] {
			t.Errorf("%q holds %q, want %q", record.Key.ID, record.Value, model[record.Key.ID])
		}
	}
	return nil
}
