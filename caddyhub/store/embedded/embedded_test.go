package embedded_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, clock *storetest.Clock) store.Store {
		path := filepath.Join(t.TempDir(), "sub", "hub.db")
		s, err := embedded.Open(embedded.Options{Path: path, Now: clock.Now, Sweep: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func open(t testing.TB, options embedded.Options) *embedded.Store {
	t.Helper()
	if options.Path == "" {
		options.Path = filepath.Join(t.TempDir(), "hub.db")
	}
	s, err := embedded.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t testing.TB, s store.Store, id string) {
	t.Helper()
	err := s.Update(t.Context(), func(w store.Writer) error {
		return w.Put(store.Key{Kind: "item", ID: id}, nil, time.Time{})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesFileInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	first := open(t, embedded.Options{Path: path})
	if _, err := embedded.Open(embedded.Options{Path: path}); !errors.Is(err, embedded.ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Fatalf("second Open: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, embedded.Options{Path: path})
}

func TestOpenRefusesForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("not a database\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := embedded.Open(embedded.Options{Path: path}); err == nil {
		t.Fatal("opened", s.Close())
	}
	if _, err := embedded.Open(embedded.Options{}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("without a path: %v", err)
	}
}

func TestFileIsPrivate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state")
	path := filepath.Join(folder, "hub.db")
	check := func() {
		t.Helper()
		for name, want := range map[string]os.FileMode{folder: 0o700, path: 0o600} {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != want {
				t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), want)
			}
		}
	}
	s := open(t, embedded.Options{Path: path})
	check()
	if err := errors.Join(s.Close(), os.Chmod(path, 0o644)); err != nil {
		t.Fatal(err)
	}
	open(t, embedded.Options{Path: path})
	check()
}

func TestReopenKeepsRecordsAndVersions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	var last uint64
	for round := range 3 {
		s := open(t, embedded.Options{Path: path})
		err := s.View(t.Context(), func(r store.Reader) error {
			records, err := r.List("item", store.Page{})
			if len(records) != round {
				t.Errorf("round %d: %d records", round, len(records))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, strconv.Itoa(round))
		err = s.View(t.Context(), func(r store.Reader) error {
			record, err := r.Get(store.Key{Kind: "item", ID: strconv.Itoa(round)})
			if record.Version <= last {
				t.Errorf("round %d: version %d after %d", round, record.Version, last)
			}
			last = record.Version
			return err
		})
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSlowFeedIsTold(t *testing.T) {
	s := open(t, embedded.Options{Backlog: 3})
	feed, err := s.Follow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		put(t, s, strconv.Itoa(i))
	}
	batch, err := feed.Next(t.Context())
	if err != nil || !batch.Missed {
		t.Fatalf("after ten commits with a backlog of three: %+v, %v", batch, err)
	}
	put(t, s, "after")
	batch, err = feed.Next(t.Context())
	if err != nil || batch.Missed || len(batch.Changes) != 1 || batch.Changes[0].Key.ID != "after" {
		t.Fatalf("after the gap: %+v, %v", batch, err)
	}
}

// TestCloseUnderLoad closes a store that many write to: nobody may hang, and
// what was acknowledged must be there afterwards.
func TestCloseUnderLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, embedded.Options{Path: path})
	var acknowledged sync.Map
	var group sync.WaitGroup
	started := make(chan struct{}, 64)
	for writer := range 64 {
		group.Go(func() {
			for i := 0; ; i++ {
				key := store.Key{Kind: "item", ID: store.Join(strconv.Itoa(writer), strconv.Itoa(i))}
				err := s.Update(t.Context(), func(w store.Writer) error { return w.Put(key, nil, time.Time{}) })
				if errors.Is(err, store.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				acknowledged.Store(key, true)
				if i == 2 {
					started <- struct{}{}
				}
			}
		})
	}
	for range 64 {
		<-started
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	again := open(t, embedded.Options{Path: path})
	err := again.View(t.Context(), func(r store.Reader) error {
		acknowledged.Range(func(key, _ any) bool {
			if _, err := r.Get(key.(store.Key)); err != nil {
				t.Errorf("%v: %v", key, err)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkEmbedded(b *testing.B) { storetest.Benchmark(b, open(b, embedded.Options{})) }
