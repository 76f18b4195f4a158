package redis_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
)

// deadline of every call in these tests, and what the scheduler may add.
const (
	deadline = 2 * time.Second
	slack    = time.Second
)

// load writes from several goroutines and keeps what was acknowledged.
type load struct {
	acknowledged sync.Map
	count        atomic.Int64
	stop         chan struct{}
	group        sync.WaitGroup
}

func startLoad(t *testing.T, s store.Store) *load {
	l := &load{stop: make(chan struct{})}
	for writer := range 8 {
		l.group.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-l.stop:
					return
				default:
				}
				l.write(t, s, item(store.Join(strconv.Itoa(writer), strconv.Itoa(i))))
			}
		})
	}
	return l
}

func (l *load) write(t *testing.T, s store.Store, key store.Key) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	begin := time.Now()
	err := s.Update(ctx, func(w store.Writer) error {
		// Exactly once: a commit that is made twice finds itself here.
		if err := increment(w, key); err != nil {
			return err
		}
		return increment(w, store.Key{Kind: "total", ID: key.ID[:1]})
	})
	if took := time.Since(begin); took > deadline+slack {
		t.Errorf("an Update took %v", took)
	}
	switch {
	case err == nil:
		l.acknowledged.Store(key, true)
		l.count.Add(1)
	case !errors.Is(err, store.ErrUnavailable):
		t.Errorf("Update: %v", err)
	default:
		time.Sleep(time.Millisecond) // as a client does that is told to come again
	}
}

// wait waits until so many more writes were acknowledged.
func (l *load) wait(t *testing.T, more int64) {
	t.Helper()
	goal := l.count.Load() + more
	for end := time.Now().Add(20 * time.Second); l.count.Load() < goal; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the store does not recover: %d of %d writes", l.count.Load(), goal)
		}
	}
}

// TestOutagesLoseNothing stops and kills the server under load, and freezes it.
// What was acknowledged must be there, and the feed must have told it.
func TestOutagesLoseNothing(t *testing.T) {
	server := redistest.Start(t, redistest.Options{Persistent: true})
	s := open(t, redis.Options{URL: server.URL()})
	feed, err := s.Follow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[store.Key]bool)
	var outages atomic.Int64
	var following sync.WaitGroup
	end := item("end")
	following.Go(func() {
		for !told[end] {
			batch, err := feed.Next(t.Context())
			if errors.Is(err, store.ErrUnavailable) {
				outages.Add(1)
			} else if err != nil || batch.Missed {
				t.Errorf("Next: %+v, %v", batch, err)
				return
			}
			for _, change := range batch.Changes {
				told[change.Key] = true
			}
		}
	})
	writes := startLoad(t, s)
	for range 2 {
		for _, away := range []func(){server.Stop, server.Kill} {
			writes.wait(t, 200)
			away()
			time.Sleep(50 * time.Millisecond)
			server.Restart()
		}
	}
	writes.wait(t, 200)
	close(writes.stop)
	writes.group.Wait()
	put(t, s, "end")
	following.Wait()
	if outages.Load() == 0 {
		t.Error("the feed never said that it is out of touch")
	}
	checkAcknowledged(t, s, writes, told)
}

func checkAcknowledged(t *testing.T, s store.Store, writes *load, told map[store.Key]bool) {
	t.Helper()
	present, total := 0, 0
	page := store.Page{}
	for {
		var records []store.Record
		err := s.View(t.Context(), func(r store.Reader) (err error) {
			records, err = r.List("item", page)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			page.After = record.Key.ID
			if record.Key.ID == "end" {
				continue
			}
			present++
			writes.acknowledged.Delete(record.Key)
			if string(record.Value) != "1" {
				t.Errorf("%v was committed %s times", record.Key, record.Value)
			}
			if !told[record.Key] {
				t.Errorf("the feed has not told %v", record.Key)
			}
		}
		if len(records) < page.Size() {
			break
		}
	}
	writes.acknowledged.Range(func(key, _ any) bool {
		t.Errorf("acknowledged write %v is lost", key)
		return true
	})
	for writer := range 8 {
		n, _ := strconv.Atoi(value(t, s, store.Key{Kind: "total", ID: strconv.Itoa(writer)})) // checked by the sum
		total += n
	}
	if total != present {
		t.Errorf("%d records, but %d counted", present, total)
	}
	t.Logf("%d writes acknowledged, %d records", writes.count.Load(), present)
}

// TestHangingServerIsNotWaitedFor freezes the server: the first calls may wait
// for their deadline, later ones fail at once, and all is well after the thaw.
func TestHangingServerIsNotWaitedFor(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	s := open(t, redis.Options{URL: server.URL(), Timeout: deadline})
	put(t, s, "a")
	server.Freeze()
	read := func() (time.Duration, error) {
		begin := time.Now()
		err := s.View(t.Context(), func(r store.Reader) error { _, err := r.Get(item("a")); return err })
		return time.Since(begin), err
	}
	if took, err := read(); took > deadline+slack || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("first call: %v after %v", err, took)
	}
	var fast int
	for range 100 {
		if took, err := read(); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("call: %v", err)
		} else if took < 50*time.Millisecond {
			fast++
		}
	}
	if fast < 95 {
		t.Errorf("only %d of 100 calls failed at once", fast)
	}
	server.Thaw()
	_, err := read()
	for end := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		_, err = read()
	}
	if err != nil {
		t.Errorf("after the thaw: %v", err)
	}
}

// TestNoServer begins without a server; it comes later.
func TestNoServer(t *testing.T) {
	server := redistest.Start(t, redistest.Options{Persistent: true})
	server.Stop()
	s := open(t, redis.Options{URL: server.URL()})
	begin := time.Now()
	err := s.View(t.Context(), func(r store.Reader) error { _, err := r.Get(item("a")); return err })
	if !errors.Is(err, store.ErrUnavailable) || time.Since(begin) > slack {
		t.Errorf("without a server: %v after %v", err, time.Since(begin))
	}
	if _, err := s.Follow(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Follow without a server: %v", err)
	}
	server.Restart()
	for end := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		err = s.Update(t.Context(), func(w store.Writer) error { return w.Put(item("a"), nil, time.Time{}) })
	}
	if err != nil {
		t.Errorf("with the server: %v", err)
	}
}
