package route

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
)

// registry opens a registry that ends with the test, and knows its routes.
func registry(t *testing.T, s store.Store) *Registry {
	t.Helper()
	g := OpenRegistry(s, MirrorOptions{})
	t.Cleanup(func() { _ = g.Close() })
	if err := g.Known(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

func add(t *testing.T, g *Registry, path string, added time.Time) {
	t.Helper()
	if err := g.Put(t.Context(), foreign(t, path, "http://h:1", added)); err != nil {
		t.Fatal(err)
	}
}

func activityOf(t *testing.T, g *Registry, path string) *Activity {
	t.Helper()
	found, ok := g.Table().Get(spec(t, path))
	if !ok {
		t.Fatalf("no route %s", path)
	}
	return found.Activity()
}

func lastUsed(t *testing.T, g *Registry, path string, want time.Time) {
	t.Helper()
	if got := activityOf(t, g, path).Last(); !got.Equal(want) {
		t.Errorf("%s was used last %v, want %v", path, got, want)
	}
}

// stored is what a store says of each route, under its routespec.
func stored(t *testing.T, s store.Store) map[string]int64 {
	t.Helper()
	found := make(map[string]int64)
	err := s.View(t.Context(), func(r store.Reader) error {
		clear(found)
		return moments.Each(r, "", func(item store.Item[moment]) error {
			found[item.ID] = item.Value.At
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// kept is a store that a registry does not close.
type kept struct{ store.Store }

func (kept) Close() error { return nil }

// TestActivityInStores: what one registry writes another one reads, times only
// move forward, and a deleted route leaves nothing and gets nothing back.
func TestActivityInStores(t *testing.T) {
	for name, open := range map[string]func() (store.Store, error){
		"embedded": func() (store.Store, error) {
			return embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "routes.db")})
		},
		"redis": func() (store.Store, error) {
			return redis.Open(redis.Options{URL: redistest.Start(t, redistest.Options{}).URL()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := open()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			testActivityInStore(t, s)
		})
	}
}

func testActivityInStore(t *testing.T, s store.Store) {
	const used = activityBatch + 1
	start := time.UnixMilli(1_000_000).UTC()
	path := func(i int) string { return fmt.Sprintf("/user/u%d/", i) }
	err := s.Update(t.Context(), func(w store.Writer) error {
		for i := range used + 1 {
			if err := Put(w, foreign(t, path(i), "http://h:1", start)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	east, west := registry(t, kept{s}), registry(t, kept{s})
	write := func(g *Registry) {
		t.Helper()
		if err := g.mirror.activities.write(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range used {
		activityOf(t, east, path(i)).Touch(start.Add(time.Minute))
	}
	activityOf(t, west, path(0)).Touch(start.Add(time.Second))
	activityOf(t, west, path(1)).Touch(start.Add(time.Hour))
	write(east)
	write(west)
	if found := stored(t, s); len(found) != used || found[path(0)] != start.Add(time.Minute).UnixMilli() || found[path(1)] != start.Add(time.Hour).UnixMilli() {
		t.Errorf("%d records, those of both %d and %d", len(found), found[path(0)], found[path(1)])
	}
	for _, g := range []*Registry{west, registry(t, kept{s})} {
		if err := g.mirror.activities.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		lastUsed(t, g, path(0), start.Add(time.Minute))
		lastUsed(t, g, path(1), start.Add(time.Hour))
		lastUsed(t, g, path(used-1), start.Add(time.Minute))
		lastUsed(t, g, path(used), start)
		for route := range g.Table().All() {
			if at, ok := route.Activity().unsaved(); ok {
				t.Errorf("%s would be written again: %d", route.Spec(), at)
			}
		}
	}

	gone := activityOf(t, west, path(1))
	held, _ := west.Table().Get(spec(t, path(1)))
	if _, err := east.Remove(t.Context(), spec(t, path(1))); err != nil {
		t.Fatal(err)
	}
	gone.Touch(start.Add(2 * time.Hour))
	west.Table().Set(held.Route()) // as if the feed were late
	activityOf(t, west, path(1)).Touch(start.Add(2 * time.Hour))
	write(west)
	if at, left := stored(t, s)[path(1)]; left {
		t.Errorf("a deleted route was used at %d", at)
	}
}

// TestActivityIsShared: without anybody's doing, within one interval, and a last
// time when a registry is closed.
func TestActivityIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, start := newMemory(), time.UnixMilli(time.Now().UnixMilli())
		east, west := registry(t, s), registry(t, s)
		add(t, east, "/a/", start)
		add(t, east, "/b/", start)
		activityOf(t, east, "/a/").Touch(start.Add(time.Minute))
		time.Sleep(ActivityInterval + 100*time.Millisecond)
		lastUsed(t, west, "/a/", start.Add(time.Minute))
		lastUsed(t, west, "/b/", start)
		version := s.position()
		time.Sleep(3 * ActivityInterval)
		if now := s.position(); now != version {
			t.Errorf("%d writes, and nobody has used anything", now-version)
		}
		activityOf(t, east, "/b/").Touch(start.Add(time.Hour))
		if err := east.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		lastUsed(t, west, "/b/", start.Add(time.Hour))
		lastUsed(t, registry(t, s), "/b/", start.Add(time.Hour))

		// Added anew it begins anew, whatever is known of the one before.
		add(t, west, "/b/", start.Add(2*time.Hour))
		lastUsed(t, registry(t, s), "/b/", start.Add(2*time.Hour))
	})
}

// TestActivityWhileTheStoreIsAway: it is kept for later and complained of once.
func TestActivityWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s, start := newMemory(), time.UnixMilli(time.Now().UnixMilli())
		east := OpenRegistry(s, MirrorOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err := east.Known(t.Context()); err != nil {
			t.Fatal(err)
		}
		west := registry(t, s)
		add(t, east, "/a/", start)
		s.setDown(true)
		activityOf(t, east, "/a/").Touch(start.Add(time.Minute))
		time.Sleep(time.Minute)
		s.setDown(false)
		time.Sleep(2 * ActivityInterval)
		lastUsed(t, west, "/a/", start.Add(time.Minute))

		// What was told, and could not be read, is read later.
		reader := newActivities(s, east.mirror.table, slog.New(slog.DiscardHandler))
		reader.note(store.Batch{Changes: []store.Change{{Key: moments.Key("/a/")}}})
		s.setDown(true)
		if err := reader.read(t.Context()); err == nil || len(reader.changed) != 1 {
			t.Errorf("%v, %d left to read", err, len(reader.changed))
		}
		s.setDown(false)
		if err := reader.read(t.Context()); err != nil || len(reader.changed) != 0 {
			t.Errorf("%v, %d left to read", err, len(reader.changed))
		}
		if err := east.Close(); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(log.String(), "is not shared"); n != 1 {
			t.Errorf("%d complaints: %s", n, &log)
		}
	})
}

// TestActivityOfBadRecords: one that cannot be read harms nobody and is replaced.
func TestActivityOfBadRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, start := newMemory(), time.UnixMilli(time.Now().UnixMilli())
		east := registry(t, s)
		add(t, east, "/a/", start)
		err := s.Update(t.Context(), func(w store.Writer) error {
			for id, text := range map[string]string{"/a/": `"yesterday"`, "/gone/": `{"at":5}`, "no spec": `{"at":5}`} {
				if err := rawMoments.Put(w, id, []byte(text), time.Time{}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		lastUsed(t, east, "/a/", start)
		west := registry(t, s)
		lastUsed(t, west, "/a/", start)
		activityOf(t, west, "/a/").Touch(start.Add(time.Minute))
		time.Sleep(2 * ActivityInterval)
		lastUsed(t, east, "/a/", start.Add(time.Minute))
	})
}

// BenchmarkActivity is what it costs to find out that none of 100 000 routes was
// used.
func BenchmarkActivity(b *testing.B) {
	const routes = 100_000
	s := newMemory()
	g := OpenRegistry(s, MirrorOptions{})
	b.Cleanup(func() { _ = g.Close() })
	to, err := ParseTargetURL("http://h:1")
	if err != nil {
		b.Fatal(err)
	}
	for i := range routes {
		path, err := ParseSpec(fmt.Sprintf("/user/u%d/", i))
		if err != nil {
			b.Fatal(err)
		}
		g.Table().Set(Route{Spec: path, Target: to, Added: time.UnixMilli(1)})
	}
	for b.Loop() {
		if err := g.mirror.activities.write(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
