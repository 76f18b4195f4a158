package redis_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

func TestConformance(t *testing.T) {
	conform(t, redistest.Start(t, redistest.Options{}))
}

func TestConformanceOnCluster(t *testing.T) {
	conform(t, redistest.Start(t, redistest.Options{Cluster: true}))
}

// conform gives every part of the suite a prefix of its own.
func conform(t *testing.T, server *redistest.Server) {
	part := 0
	storetest.Run(t, func(t *testing.T, clock *storetest.Clock) store.Store {
		part++
		return open(t, redis.Options{URL: server.URL(), Prefix: "part-" + strconv.Itoa(part), Now: clock.Now})
	})
}

func BenchmarkRedis(b *testing.B) {
	storetest.Benchmark(b, open(b, redis.Options{URL: redistest.Start(b, redistest.Options{Persistent: true}).URL()}))
}

// open opens a store that sweeps often and ends with the test.
func open(t testing.TB, options redis.Options) *redis.Store {
	t.Helper()
	options.Sweep = 20 * time.Millisecond
	s, err := redis.Open(options)
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

func item(id string) store.Key { return store.Key{Kind: "item", ID: id} }

func put(t testing.TB, s store.Store, id string) {
	t.Helper()
	err := s.Update(t.Context(), func(w store.Writer) error { return w.Put(item(id), nil, time.Time{}) })
	if err != nil {
		t.Fatal(err)
	}
}

// increment adds one to a number.
func increment(w store.Writer, key store.Key) error {
	record, err := w.Get(key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	n, _ := strconv.Atoi(string(record.Value)) // nothing counts as zero
	return w.Put(key, []byte(strconv.Itoa(n+1)), time.Time{})
}

func value(t testing.TB, s store.Store, key store.Key) string {
	t.Helper()
	var value string
	err := s.View(t.Context(), func(r store.Reader) error {
		record, err := r.Get(key)
		value = string(record.Value)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestOpenRefusesBadOptions(t *testing.T) {
	for _, options := range []redis.Options{
		{},
		{URL: "http://localhost"},
		{URL: "redis://:hunter2@local host:x"},
		{URL: "redis://:hunter2@localhost:port/"},
		{URL: "redis://:hunter2@localhost?no_such_parameter=1"},
		{URL: "redis://:hunter2@localhost?cluster=true&no_such_parameter=1"},
		{URL: "redis://localhost", Prefix: "a}b"},
		{URL: "redis://localhost", Prefix: "a b"},
	} {
		s, err := redis.Open(options)
		if err == nil {
			t.Errorf("%+v is taken", options)
			_ = s.Close()
		} else if !errors.Is(err, store.ErrInvalid) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: %v", options, err)
		}
	}
}

func TestOpenTakesAllKindsOfServers(t *testing.T) {
	for _, url := range []string{
		"redis://localhost", "rediss://ada:x@localhost:6380/3?dial_timeout=2s", "unix:///run/redis.sock?db=1",
		"redis://localhost:26379?master_name=main&addr=other:26379", "redis://localhost?cluster=true&addr=other:6379",
	} {
		s, err := redis.Open(redis.Options{URL: url})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestNodesShareRecords lets two nodes write the same records and follow each
// other; a third hub on the same server with another prefix sees nothing.
func TestNodesShareRecords(t *testing.T) {
	url := redistest.Start(t, redistest.Options{}).URL()
	nodes := []*redis.Store{open(t, redis.Options{URL: url}), open(t, redis.Options{URL: url})}
	stranger := open(t, redis.Options{URL: url, Prefix: "other"})
	feed, err := nodes[1].Follow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const writers, rounds = 16, 10
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for range rounds {
				err := nodes[writer%2].Update(t.Context(), func(w store.Writer) error { return increment(w, item("n")) })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got := value(t, nodes[0], item("n")); got != strconv.Itoa(writers*rounds) {
		t.Errorf("counted %s, want %d", got, writers*rounds)
	}
	for told := 0; told < writers*rounds; {
		batch, err := feed.Next(t.Context())
		if err != nil || batch.Missed {
			t.Fatalf("after %d changes: %+v, %v", told, batch, err)
		}
		told += len(batch.Changes)
	}
	err = stranger.View(t.Context(), func(r store.Reader) error { _, err := r.Get(item("n")); return err })
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another prefix: %v", err)
	}
}

// TestAllKeysHaveOneTag looks at what stands in the server: only keys of the
// prefix, and nothing that stays for ever but records and their indexes.
func TestAllKeysHaveOneTag(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	s := open(t, redis.Options{URL: server.URL(), Prefix: "hub-1"})
	put(t, s, "a")
	err := s.Update(t.Context(), func(w store.Writer) error { return w.Put(item("b"), nil, time.Now().Add(time.Hour)) })
	if err != nil {
		t.Fatal(err)
	}
	client := server.Client()
	defer client.Close()
	for _, key := range client.Keys(t.Context(), "*").Val() {
		if !strings.HasPrefix(key, "{hub-1}:") {
			t.Errorf("key %q", key)
		}
		if strings.Contains(key, ":commit:") && client.TTL(t.Context(), key).Val() <= 0 {
			t.Errorf("key %q stays for ever", key)
		}
	}
}
