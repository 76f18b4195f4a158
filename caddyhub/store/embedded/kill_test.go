package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

// writeTo names the file that a child process is to write to until it is killed.
const writeTo = "EMBEDDED_TEST_WRITE_TO"

func TestMain(m *testing.M) {
	if path := os.Getenv(writeTo); path != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes from several goroutines and prints what is committed.
func writeUntilKilled(path string) error {
	s, err := embedded.Open(embedded.Options{Path: path, Sweep: time.Millisecond})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for writer := range 8 {
		go func() {
			for i := 0; ; i++ {
				id := store.Join(strconv.Itoa(os.Getpid()), strconv.Itoa(writer), strconv.Itoa(i))
				if err := writePair(s, id); err != nil {
					failed <- err
				}
				// One write call, so that lines do not mix.
				if _, err := os.Stdout.WriteString(id + "\n"); err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

// writePair writes two records that belong together, a third that soon expires,
// and one that is as long as many pages of the file.
func writePair(s store.Store, id string) error {
	return s.Update(context.Background(), func(w store.Writer) error {
		for kind, size := range map[string]int{"left": 10, "right": 5000} {
			if err := w.Put(store.Key{Kind: kind, ID: id}, make([]byte, size), time.Time{}); err != nil {
				return err
			}
		}
		return w.Put(store.Key{Kind: "short", ID: id}, nil, time.Now().Add(3*time.Millisecond))
	})
}

// TestKilledProcessLosesNothing kills a process in the middle of its writes,
// again and again on the same file.
func TestKilledProcessLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	var acknowledged []string
	for round := range 20 {
		ids := writeAndKill(t, path, 10+7*round)
		if len(ids) == 0 {
			t.Fatalf("round %d: the child has written nothing", round)
		}
		acknowledged = append(acknowledged, ids...)
		checkPairs(t, path, acknowledged)
	}
	t.Logf("%d acknowledged writes in 20 rounds", len(acknowledged))
}

// writeAndKill lets a child write until it has acknowledged some, kills it, and
// returns all that it has acknowledged.
func writeAndKill(t *testing.T, path string, enough int) (ids []string) {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), executable)
	child.Env = append(os.Environ(), writeTo+"="+path)
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		ids = append(ids, lines.Text())
		if len(ids) == enough {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // reports the kill
	return ids
}

func checkPairs(t *testing.T, path string, acknowledged []string) {
	t.Helper()
	s := open(t, embedded.Options{Path: path})
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	left, right := all(t, s, "left"), all(t, s, "right")
	for _, id := range acknowledged {
		if !left[id] || !right[id] {
			t.Errorf("acknowledged write %s is lost: left %v, right %v", id, left[id], right[id])
		}
	}
	if len(left) != len(right) {
		t.Errorf("half-written: %d left, %d right", len(left), len(right))
	}
}

func all(t *testing.T, s store.Store, kind string) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	page := store.Page{}
	for {
		var records []store.Record
		err := s.View(t.Context(), func(r store.Reader) (err error) {
			records, err = r.List(kind, page)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			found[record.Key.ID] = true
			page.After = record.Key.ID
		}
		if len(records) < page.Size() {
			return found
		}
	}
}
