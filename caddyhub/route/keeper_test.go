package route

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func foreign(t *testing.T, path, to string, added time.Time) Route {
	t.Helper()
	return Route{Spec: spec(t, path), Target: target(t, to), Data: Data{Extra: `{}`}, Added: added}
}

func keepers(t *testing.T) map[string]*Keeper {
	s := newMemory()
	m := NewMirror(s, MirrorOptions{})
	run(t, m)
	<-m.Loaded()
	return map[string]*Keeper{"memory": NewMemoryKeeper(), "store": NewKeeper(s, m)}
}

func TestKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, k := range keepers(t) {
			if err := k.Put(t.Context(), foreign(t, "/user/ada/", "http://h:1", time.Now())); err != nil {
				t.Fatal(name, err)
			}
			if got, ok := k.Table().Lookup("", "/user/ada/x"); !ok || got.Target() != target(t, "http://h:1") {
				t.Errorf("%s: %v, %v", name, got, ok)
			}
			for _, incomplete := range []Route{{}, {Spec: spec(t, "/x/"), Target: target(t, "http://h:1")}} {
				if err := k.Put(t.Context(), incomplete); !errors.Is(err, ErrInvalid) {
					t.Errorf("%s: incomplete: %v", name, err)
				}
			}
			for _, want := range []bool{true, false} {
				if found, err := k.Remove(t.Context(), spec(t, "/user/ada/")); found != want || err != nil {
					t.Errorf("%s: removed %v, %v", name, found, err)
				}
			}
			if k.Table().Len() != 0 {
				t.Errorf("%s: something is left", name)
			}
		}
	})
}

// TestKeeperLeavesTheHub: nobody turns the traffic of the hub's own routes
// elsewhere.
func TestKeeperLeavesTheHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keepers(t)["store"]
		put(t, k.store, "/user/ada/")
		if err := k.Put(t.Context(), foreign(t, "/user/ada/", "http://evil:1", time.Now())); !errors.Is(err, ErrNotForeign) {
			t.Errorf("replaced: %v", err)
		}
		if _, err := k.Remove(t.Context(), spec(t, "/user/ada/")); !errors.Is(err, ErrNotForeign) {
			t.Errorf("removed: %v", err)
		}
		if err := k.mirror.Apply(t.Context(), spec(t, "/user/ada/")); err != nil {
			t.Fatal(err)
		}
		expect(t, k.mirror, "/user/ada/", "/user/ada/")
		k.store.(*memory).setDown(true)
		if err := k.Put(t.Context(), foreign(t, "/x/", "http://h:1", time.Now())); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("without a store: %v", err)
		}
		if _, err := k.Remove(t.Context(), spec(t, "/x/")); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("without a store: %v", err)
		}
	})
}

// TestActivity: it is kept while the route is the same, however often it is read
// again, and begins anew with a new one.
func TestActivity(t *testing.T) {
	table, start := NewTable(), time.UnixMilli(1_000_000).UTC()
	last := func() time.Time {
		found, _ := table.Get(spec(t, "/a/"))
		return found.Activity().Last()
	}
	first := foreign(t, "/a/", "http://h:1", start)
	table.Set(first)
	if !last().Equal(start) {
		t.Errorf("added: %v", last())
	}
	held, _ := table.Lookup("", "/a/b")
	held.Activity().Touch(start.Add(time.Minute))
	held.Activity().Touch(start.Add(time.Second)) // a late one
	table.Set(first)
	table.Replace(slices.Values([]Route{first}))
	if want := start.Add(time.Minute); !last().Equal(want) {
		t.Errorf("read again: %v, want %v", last(), want)
	}
	again := foreign(t, "/a/", "http://h:1", start.Add(time.Hour))
	table.Set(again)
	if want := start.Add(time.Hour); !last().Equal(want) {
		t.Errorf("added again: %v, want %v", last(), want)
	}
	var none *Activity
	none.Touch(start)
	if !none.Last().IsZero() || !new(Activity).Last().IsZero() {
		t.Error("activity out of nothing")
	}
}
