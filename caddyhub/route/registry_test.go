package route

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

func open(t *testing.T, path string) *Registry {
	t.Helper()
	if path == "" {
		return OpenRegistry(nil, MirrorOptions{})
	}
	s, err := embedded.Open(embedded.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	g := OpenRegistry(s, MirrorOptions{})
	if err := g.Known(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

// rootOf is the target of the root, empty if there is none.
func rootOf(g *Registry) string {
	found, ok := g.Table().Lookup("", "/anything")
	if !ok {
		return ""
	}
	return found.Target().String()
}

// TestDefault: the configured root comes and goes with the configuration, over
// restarts too, and one that a client has set stays.
func TestDefault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "routes.db")
	for i, test := range []struct{ configured, posted, want string }{
		{"http://h:1", "", "http://h:1"},
		{"http://h:2", "", "http://h:2"},
		{"", "", ""},
		{"", "http://h:3", "http://h:3"},
		{"", "", "http://h:3"},
		{"http://h:4", "", "http://h:3"},
	} {
		g := open(t, path)
		var to Target
		if test.configured != "" {
			to = target(t, test.configured)
		}
		if err := g.SetDefault(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		if test.posted != "" {
			if err := g.Put(t.Context(), foreign(t, "/", test.posted, time.Now())); err != nil {
				t.Fatal(err)
			}
		}
		if got := rootOf(g); got != test.want {
			t.Errorf("%d: %q, want %q", i, got, test.want)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRegistryInMemory(t *testing.T) {
	g := open(t, "")
	if !g.IsKnown() || g.Known(t.Context()) != nil {
		t.Error("what is in memory is known")
	}
	if err := g.Put(t.Context(), foreign(t, "/a/", "http://h:1", time.Now())); err != nil || g.Table().Len() != 1 {
		t.Errorf("%v, %d routes", err, g.Table().Len())
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

// TestUnknown: a registry whose store is away is open, and says so.
func TestUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		put(t, s, "/a/")
		s.setDown(true)
		g := OpenRegistry(s, MirrorOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := g.Known(ctx); !errors.Is(err, context.DeadlineExceeded) || g.IsKnown() {
			t.Errorf("%v, %v", err, g.IsKnown())
		}
		if err := g.SetDefault(t.Context(), target(t, "http://h:1")); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a default without a store: %v", err)
		}
		s.setDown(false)
		if err := g.Known(t.Context()); err != nil || !g.IsKnown() || g.Table().Len() != 1 {
			t.Errorf("%v, %d routes", err, g.Table().Len())
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
}
