package cached_test

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/cached"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

const sweep = 20 * time.Millisecond

func TestConformanceOverEmbedded(t *testing.T) {
	storetest.Run(t, func(t *testing.T, clock *storetest.Clock) store.Store {
		return cached.New(openEmbedded(t, clock.Now), cached.Options{Now: clock.Now})
	})
}

func TestConformanceOverRedis(t *testing.T) {
	server, part := redistest.Start(t, redistest.Options{}), 0
	storetest.Run(t, func(t *testing.T, clock *storetest.Clock) store.Store {
		part++
		under, err := redis.Open(redis.Options{URL: server.URL(), Prefix: strconv.Itoa(part), Now: clock.Now, Sweep: sweep})
		if err != nil {
			t.Fatal(err)
		}
		return cached.New(under, cached.Options{Now: clock.Now})
	})
}

func openEmbedded(t testing.TB, now func() time.Time) store.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hub.db")
	s, err := embedded.Open(embedded.Options{Path: path, Now: now, Sweep: sweep})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
