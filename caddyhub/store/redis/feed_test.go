package redis_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
)

// TestFeedNoticesReplacedHistory changes the server behind the back of a feed.
func TestFeedNoticesReplacedHistory(t *testing.T) {
	const state, changes = "{caddyhub}:state", "{caddyhub}:changes"
	tests := map[string]func(t *testing.T, s *redis.Store, server *redistest.Server){
		"flushed": func(_ *testing.T, _ *redis.Store, server *redistest.Server) { server.Flush() },
		"flushed and written again": func(t *testing.T, s *redis.Store, server *redistest.Server) {
			server.Flush()
			put(t, s, "again")
		},
		"backlog exceeded": func(t *testing.T, s *redis.Store, _ *redistest.Server) {
			for i := range 500 {
				put(t, s, strconv.Itoa(i))
			}
		},
		"stream removed": func(t *testing.T, s *redis.Store, server *redistest.Server) {
			put(t, s, "untold")
			client := server.Client()
			defer client.Close()
			client.Del(t.Context(), changes)
		},
		"commits lost": func(t *testing.T, _ *redis.Store, server *redistest.Server) {
			client := server.Client()
			defer client.Close()
			client.HIncrBy(t.Context(), state, "version", -1)
			client.Del(t.Context(), changes)
		},
		"commits replaced by as many": func(t *testing.T, _ *redis.Store, server *redistest.Server) {
			client := server.Client()
			defer client.Close()
			client.HSet(t.Context(), state, "last", "another")
		},
		"commits replaced by more": func(t *testing.T, s *redis.Store, server *redistest.Server) {
			client := server.Client()
			defer client.Close()
			client.HSet(t.Context(), state, "last", "another")
			put(t, s, "more")
		},
	}
	for name, harm := range tests {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t, redistest.Options{})
			s := open(t, redis.Options{URL: server.URL(), Backlog: 10})
			put(t, s, "before")
			feed, err := s.Follow(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, "told")
			if batch := nextNews(t, feed); batch.Missed || batch.Changes[0].Key != item("told") {
				t.Fatalf("before: %+v", batch)
			}
			harm(t, s, server)
			if batch := nextNews(t, feed); !batch.Missed || len(batch.Changes) > 0 {
				t.Fatalf("the feed did not notice: %+v", batch)
			}
			put(t, s, "after")
			if batch := nextNews(t, feed); batch.Missed || len(batch.Changes) != 1 || batch.Changes[0].Key != item("after") {
				t.Fatalf("after: %+v", batch)
			}
		})
	}
}

// nextNews waits for a batch that says something.
func nextNews(t *testing.T, feed store.Feed) store.Batch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		batch, err := feed.Next(ctx)
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		if batch.Missed || len(batch.Changes) > 0 {
			return batch
		}
	}
}

// TestVersionsGrowOverFlush shows that an emptied server gives no version again.
func TestVersionsGrowOverFlush(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	s := open(t, redis.Options{URL: server.URL()})
	version := func() (version uint64) {
		put(t, s, "a")
		err := s.View(t.Context(), func(r store.Reader) error {
			record, err := r.Get(item("a"))
			version = record.Version
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return version
	}
	before := version()
	server.Flush()
	if after := version(); after <= before {
		t.Errorf("version %d after %d", after, before)
	}
}

// TestFeedSaysWhenOutOfTouch holds Next to its second, also when the server
// keeps its connections and says nothing.
func TestFeedSaysWhenOutOfTouch(t *testing.T) {
	for name, away := range map[string][2]func(*redistest.Server){
		"stopped": {(*redistest.Server).Stop, (*redistest.Server).Restart},
		"frozen":  {(*redistest.Server).Freeze, (*redistest.Server).Thaw},
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t, redistest.Options{Persistent: true})
			s := open(t, redis.Options{URL: server.URL()})
			feed, err := s.Follow(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, "a")
			nextNews(t, feed)
			away[0](server)
			for range 3 {
				begin := time.Now()
				_, err := feed.Next(t.Context())
				if took := time.Since(begin); took > 1500*time.Millisecond {
					t.Errorf("Next took %v", took)
				}
				if !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("Next: %v", err)
				}
			}
			away[1](server)
			err = errors.New("not tried")
			for deadline := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(deadline); {
				_, err = feed.Next(t.Context())
			}
			put(t, s, "b")
			if batch := nextNews(t, feed); batch.Missed || batch.Changes[0].Key != item("b") {
				t.Errorf("after the outage: %+v", batch)
			}
		})
	}
}
