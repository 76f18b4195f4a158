package server

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
)

// TestOverRedis runs what needs several nodes over the store for several nodes,
// where transactions do conflict.
func TestOverRedis(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	newHub := func(t *testing.T, users ...string) *hub {
		server.Flush()
		return newHubOn(t, func() store.Store {
			s, err := redis.Open(redis.Options{URL: server.URL()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		}, users...)
	}
	t.Run("limit", func(t *testing.T) { testLimitOfSpawns(t, newHub(t)) })
	t.Run("one wins", func(t *testing.T) { testOneWins(t, newHub(t, "ada")) })
	t.Run("call off", func(t *testing.T) {
		h := newHub(t, "ada")
		east, west := h.node("east"), h.node("west")
		east.spawner.begin = make(chan struct{})
		h.start(east, "ada", "lab")
		var last Event
		for event, err := range west.Progress(t.Context(), "ada", "lab") {
			if err != nil {
				t.Error(err)
			}
			if last = event; event.Percent == 0 {
				if _, err := west.Stop(t.Context(), "ada", "lab", true); err != nil {
					t.Error(err)
				}
			}
		}
		if !last.Failed || last.Message != "Spawn cancelled" {
			t.Errorf("last event: %+v", last)
		}
		if _, err := west.Wait(t.Context(), "ada", "lab", 5*time.Second); !errors.Is(err, ErrNotFound) {
			t.Errorf("afterwards: %v", err)
		}
		h.spotless()
	})
	t.Run("take over", func(t *testing.T) {
		h := newHub(t, "ada")
		short := func(s *Settings) { s.Timeouts.Lease = time.Second }
		east, west := h.node("east", short), h.node("west", short)
		east.spawner.finish = make(chan struct{})
		h.start(east, "ada", "")
		running := func() bool { return h.platform.alive("ada") == 1 }
		if !eventually(running) {
			t.Fatal("the program was not started")
		}
		east.kill()
		if s, err := west.Wait(t.Context(), "ada", "", 10*time.Second); err != nil || !s.Ready || !running() {
			t.Errorf("server = %+v, %v", s, err)
		}
		if events := collect(t, west, "ada", ""); !slices.ContainsFunc(events, func(e Event) bool { return e.Ready }) {
			t.Errorf("progress: %+v", events)
		}
	})
}

// eventually waits for something outside of what this package can wait for.
func eventually(met func() bool) bool {
	deadline := time.After(10 * time.Second)
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !met() {
		select {
		case <-ticker.C:
		case <-deadline:
			return false
		}
	}
	return true
}
