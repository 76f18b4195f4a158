package route

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

func put(t *testing.T, s store.Store, specs ...string) {
	t.Helper()
	err := s.Update(t.Context(), func(w store.Writer) error {
		for _, text := range specs {
			if err := Put(w, Route{Spec: spec(t, text), Target: target(t, "http://h:1")}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, s store.Store, text string) {
	t.Helper()
	if err := s.Update(t.Context(), func(w store.Writer) error { return Delete(w, spec(t, text)) }); err != nil {
		t.Fatal(err)
	}
}

// run gives a mirror its goroutine for as long as the test lasts.
func run(t *testing.T, m *Mirror) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		if fresh, _ := m.Fresh(); fresh {
			t.Error("fresh although nobody follows")
		}
	})
}

func expect(t *testing.T, m *Mirror, path, want string) {
	t.Helper()
	got := ""
	if route, ok := m.Table().Lookup("", path); ok {
		got = route.Spec().String()
	}
	if got != want {
		t.Errorf("%s: %q, want %q", path, got, want)
	}
}

func TestMirrorFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		put(t, s, "/", "/user/ada/")
		m := NewMirror(s, MirrorOptions{})
		if fresh, _ := m.Fresh(); fresh {
			t.Error("fresh before it has loaded")
		}
		run(t, m)
		<-m.Loaded()
		expect(t, m, "/user/ada/lab", "/user/ada/")

		put(t, s, "/user/bob/", "/user/bob/two/")
		remove(t, s, "/user/ada/")
		time.Sleep(50 * time.Millisecond)
		expect(t, m, "/user/bob/two/x", "/user/bob/two/")
		expect(t, m, "/user/ada/lab", "/")
		if fresh, _ := m.Fresh(); !fresh {
			t.Error("not fresh")
		}
	})
}

func TestMirrorReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		put(t, s, "/user/ada/")
		m := NewMirror(s, MirrorOptions{})
		run(t, m)
		<-m.Loaded()
		put(t, s, "/user/bob/")
		remove(t, s, "/user/ada/")
		s.lose()
		time.Sleep(50 * time.Millisecond)
		expect(t, m, "/user/bob/", "/user/bob/")
		expect(t, m, "/user/ada/", "")
	})
}

func TestMirrorKnowsItIsOutOfTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		put(t, s, "/user/ada/")
		m := NewMirror(s, MirrorOptions{})
		run(t, m)
		<-m.Loaded()
		time.Sleep(time.Minute)
		before := time.Now()
		s.setDown(true)
		time.Sleep(time.Second)
		fresh, since := m.Fresh()
		if fresh || since.After(before) || before.Sub(since) > 100*time.Millisecond {
			t.Errorf("fresh %v since %v, the store went away at %v", fresh, since, before)
		}
		expect(t, m, "/user/ada/", "/user/ada/")
		if err := m.Apply(t.Context(), spec(t, "/user/ada/")); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Apply: %v", err)
		}
		expect(t, m, "/user/ada/", "/user/ada/")

		time.Sleep(time.Hour)
		if _, later := m.Fresh(); !later.Equal(since) {
			t.Errorf("since moved to %v", later)
		}
		s.setDown(false)
		put(t, s, "/user/bob/")
		time.Sleep(time.Second)
		if fresh, since := m.Fresh(); !fresh || !since.After(before) {
			t.Errorf("fresh %v since %v after the store came back", fresh, since)
		}
		expect(t, m, "/user/bob/", "/user/bob/")
	})
}

// A store that is away when the node starts, and fails between follow and load.
func TestMirrorStartsWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		put(t, s, "/user/ada/")
		s.setDown(true)
		m := NewMirror(s, MirrorOptions{})
		run(t, m)
		time.Sleep(time.Minute)
		if fresh, _ := m.Fresh(); fresh || m.Table().Len() != 0 {
			t.Error("fresh without a store")
		}
		select {
		case <-m.Loaded():
			t.Error("loaded without a store")
		default:
		}
		s.setDown(false)
		<-m.Loaded()
		expect(t, m, "/user/ada/", "/user/ada/")
		if n := len(s.feeds); n != 1 {
			t.Errorf("%d feeds open", n)
		}
	})
}

// One record that cannot be read, or stands where it should not, costs its own
// path only.
func TestMirrorSkipsBadRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		put(t, s, "/user/ada/", "/user/eve/")
		bad := func(id, value string) {
			t.Helper()
			err := s.Update(t.Context(), func(w store.Writer) error {
				return store.Collection[any]{Kind: Kind}.Put(w, id, jsonText(value), time.Time{})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		bad("/user/target/", `{"spec":"/user/target/","target":"http://{env.SECRET}:1"}`)
		bad("/user/moved/", `{"spec":"/user/ada/","target":"http://evil:1"}`)
		bad("/user/half/", `{"spec":"/user/half/"}`)
		m := NewMirror(s, MirrorOptions{})
		run(t, m)
		<-m.Loaded()
		bad("/user/eve/", `[]`)
		time.Sleep(50 * time.Millisecond)
		if n := m.Table().Len(); n != 1 {
			t.Errorf("%d routes", n)
		}
		if route, ok := m.Table().Lookup("", "/user/ada/"); !ok || route.Target().Host() != "h" {
			t.Errorf("ada's route is %v", route)
		}
	})
}

type jsonText string

func (j jsonText) MarshalJSON() ([]byte, error) { return []byte(j), nil }

// On the real store: what was committed is there at once, and many pages load.
func TestMirrorReadsOwnWrites(t *testing.T) {
	s, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var specs []string
	for i := range store.MaxPage + 1 {
		specs = append(specs, fmt.Sprintf("/user/u%d/", i))
	}
	put(t, s, specs...)
	m := NewMirror(s, MirrorOptions{})
	run(t, m)
	<-m.Loaded()
	if n := m.Table().Len(); n != len(specs) {
		t.Errorf("%d routes, want %d", n, len(specs))
	}
	for i := range 20 {
		put(t, s, "/user/ada/")
		if err := m.Apply(t.Context(), spec(t, "/user/ada/")); err != nil {
			t.Fatal(err)
		}
		expect(t, m, "/user/ada/", "/user/ada/")
		remove(t, s, "/user/ada/")
		if err := m.Apply(t.Context(), spec(t, "/user/ada/"), spec(t, "/user/u1/")); err != nil {
			t.Fatal(err)
		}
		expect(t, m, fmt.Sprintf("/user/ada/%d", i), "")
	}
}

// TestMirrorReadsOwnWritesOnce: what Apply has read is not read again when the feed
// tells of it, and what came later is.
func TestMirrorReadsOwnWritesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settle := func() {
			time.Sleep(50 * time.Millisecond) // until the feed has looked
			synctest.Wait()
		}
		s := newMemory()
		m := NewMirror(s, MirrorOptions{})
		run(t, m)
		<-m.Loaded()
		put(t, s, "/user/ada/", "/user/bob/")
		if err := m.Apply(t.Context(), spec(t, "/user/ada/"), spec(t, "/user/bob/")); err != nil {
			t.Fatal(err)
		}
		settle()
		views := s.views
		remove(t, s, "/user/bob/")
		settle()
		expect(t, m, "/user/ada/", "/user/ada/")
		expect(t, m, "/user/bob/", "")
		if read := s.views - views; read != 1 {
			t.Errorf("%d reads for one route that was removed by others", read)
		}
		views = s.views
		put(t, s, "/user/ada/")
		if err := m.Apply(t.Context(), spec(t, "/user/ada/")); err != nil {
			t.Fatal(err)
		}
		settle()
		if read := s.views - views; read != 1 || len(m.applied) != 0 {
			t.Errorf("%d reads for one write, %d remembered", read, len(m.applied))
		}
	})
}

// meddled is a store in which something happens before each View.
type meddled struct {
	store.Store
	before func()
}

func (m meddled) View(ctx context.Context, read func(store.Reader) error) error {
	m.before()
	return m.Store.View(ctx, read)
}

// TestMirrorLoadsWhileOthersWrite: pages that were read already are put right by the
// feed.
func TestMirrorLoadsWhileOthersWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		for i := range store.MaxPage + 1 {
			put(t, s, fmt.Sprintf("/user/u%04d/", i))
		}
		views := 0
		m := NewMirror(meddled{s, func() {
			if views++; views == 2 {
				remove(t, s, "/user/u0001/")
				put(t, s, "/user/ada/")
			}
		}}, MirrorOptions{})
		run(t, m)
		<-m.Loaded()
		time.Sleep(50 * time.Millisecond)
		expect(t, m, "/user/u0001/", "")
		expect(t, m, "/user/ada/", "/user/ada/")
		if n := m.Table().Len(); n != store.MaxPage+1 {
			t.Errorf("%d routes", n)
		}
	})
}

func TestRecords(t *testing.T) {
	s := newMemory()
	put(t, s, "hub.example.org/user/ada%20l/")
	want := spec(t, "hub.example.org/user/ada%20l/")
	err := s.View(t.Context(), func(r store.Reader) error {
		got, err := Get(r, want)
		if err != nil || got.Spec != want {
			t.Errorf("got %v, %v", got, err)
		}
		_, err = Get(r, spec(t, "/user/bob/"))
		if _, zero := Get(r, Spec{}); !errors.Is(err, store.ErrNotFound) || !errors.Is(zero, store.ErrNotFound) {
			t.Errorf("absent: %v, %v", err, zero)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, write := range []func(store.Writer) error{
		func(w store.Writer) error { return Put(w, Route{}) },
		func(w store.Writer) error { return Put(w, Route{Spec: want}) },
		func(w store.Writer) error { return Delete(w, Spec{}) },
	} {
		if err := s.Update(t.Context(), write); !errors.Is(err, ErrInvalid) {
			t.Errorf("an empty route: %v", err)
		}
	}
}

func TestRunEndsWithTheStore(t *testing.T) {
	s, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db")})
	if err != nil {
		t.Fatal(err)
	}
	m := NewMirror(s, MirrorOptions{})
	done := make(chan error, 1)
	go func() { done <- m.Run(t.Context()) }()
	<-m.Loaded()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, store.ErrClosed) {
		t.Errorf("Run: %v", err)
	}
}
