package embedded

import (
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// commits is how many transactions the file has seen.
func commits(t *testing.T, s *Store) (id int) {
	t.Helper()
	if err := s.db.View(func(tx *bbolt.Tx) error { id = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestWritersShareCommits counts the writes to the disk.
func TestWritersShareCommits(t *testing.T) {
	s, err := Open(Options{Path: filepath.Join(t.TempDir(), "hub.db"), Sweep: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	write := func(id string) {
		err := s.Update(t.Context(), func(w store.Writer) error {
			return w.Put(store.Key{Kind: "item", ID: id}, nil, time.Time{})
		})
		if err != nil {
			t.Error(err)
		}
	}
	const alone, writers, rounds = 5, 64, 10
	before := commits(t, s)
	for i := range alone {
		write(strconv.Itoa(i))
	}
	if got := commits(t, s) - before; got != alone {
		t.Errorf("%d commits for %d updates of one writer", got, alone)
	}
	before = commits(t, s)
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for round := range rounds {
				write(store.Join(strconv.Itoa(writer), strconv.Itoa(round)))
			}
		})
	}
	group.Wait()
	if got := commits(t, s) - before; got > writers*rounds/4 {
		t.Errorf("%d commits for %d updates of %d writers", got, writers*rounds, writers)
	} else {
		t.Logf("%d commits for %d updates of %d writers", got, writers*rounds, writers)
	}
}

// TestClosureWithoutWritesCommitsNothing also holds for closures that delete
// what is not there.
func TestClosureWithoutWritesCommitsNothing(t *testing.T) {
	s, err := Open(Options{Path: filepath.Join(t.TempDir(), "hub.db"), Sweep: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before := commits(t, s)
	for range 3 {
		err := s.Update(t.Context(), func(w store.Writer) error { return w.Delete(store.Key{Kind: "item", ID: "x"}) })
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := commits(t, s) - before; got != 0 {
		t.Errorf("%d commits", got)
	}
}
