package redis_test

import (
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, clock *storetest.Clock) store.Store {
		return open(t, redis.Options{URL: redistest.Start(t, redistest.Options{}).URL(), Now: clock.Now})
	})
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
