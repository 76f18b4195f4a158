package exchange

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9/logging"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

func TestMain(m *testing.M) {
	logging.Disable()
	os.Exit(m.Run())
}

// attempts is how many browsers bring one token at once.
const attempts = 200

// TestExactlyOnce brings one token to the nodes of a hub many times at once. The
// portal is one that accepts it every time.
func TestExactlyOnce(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		n := newNode(t)
		exactlyOnce(t, n, n)
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		clock := storetest.NewClock()
		ring, address := newRing(t, clock), redistest.Start(t, redistest.Options{}).URL()
		var nodes []node
		for range 2 {
			opened, err := redis.Open(redis.Options{URL: address, Now: clock.Now})
			t.Cleanup(func() { _ = opened.Close() })
			nodes = append(nodes, nodeOver(t, must(t, opened, err), ring, clock))
		}
		exactlyOnce(t, nodes...)
	})
}

func exactlyOnce(t *testing.T, nodes ...node) {
	p := newPortal(t)
	handle, err := Hold(t.Context(), nodes[0].Directory, &Arrival{User: "ada"}, nodes[0].clock.Now())
	must(t, handle, err)
	signed := nodes[0].sign(t, nil)
	for name, redeem := range map[string]func(n node) error{
		"opaque": func(n node) error {
			_, err := p.exchange(t, n).Redeem(t.Context(), n.Directory, canary)
			return err
		},
		"signed": func(n node) error {
			_, err := n.signed(t).Redeem(t.Context(), n.Directory, signed)
			return err
		},
		"held": func(n node) error {
			_, err := Take(t.Context(), n.Directory, handle)
			return err
		},
	} {
		var won, lost atomic.Int64
		var all sync.WaitGroup
		for i := range attempts {
			all.Go(func() {
				switch err := redeem(nodes[i%len(nodes)]); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, ErrUsed):
					lost.Add(1)
				default:
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || lost.Load() != attempts-1 {
			t.Errorf("%s: %d of %d got in, %d were told that it was used", name, won.Load(), attempts, lost.Load())
		}
	}
}
