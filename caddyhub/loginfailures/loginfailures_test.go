package loginfailures_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/loginfailures"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

func TestMain(m *testing.M) {
	logging.Disable() // a server that a test has stopped is no news
	os.Exit(m.Run())
}

// counting counts the updates that reach a store.
type counting struct {
	store.Store
	updates atomic.Int64
}

func (c *counting) Update(ctx context.Context, write func(store.Writer) error) error {
	c.updates.Add(1)
	return c.Store.Update(ctx, write)
}

// fixture is what two nodes share.
type fixture struct {
	clock *storetest.Clock
	ring  *keyring.Ring
	nodes []*counting
	// content is everything that the store has on disk or in memory.
	content func() []byte
	// stop takes the store away.
	stop func()
}

func (f *fixture) throttle(node int, limits authenticator.Limits) *authenticator.Throttle {
	return authenticator.NewThrottle(authenticator.ThrottleOptions{
		Limits: limits, Failures: loginfailures.New(f.nodes[node], f.ring), Now: f.clock.Now,
	})
}

// onBoth runs a test over one file, which two parts of one node share, and over
// Redis, which two nodes do.
func onBoth(t *testing.T, test func(t *testing.T, f *fixture)) {
	ring := func(t *testing.T, clock *storetest.Clock) *keyring.Ring {
		ring, err := keyring.New([]keyring.Key{keyring.NewKey(clock.Now().Add(-time.Hour))}, clock.Now)
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	t.Run("embedded", func(t *testing.T) {
		f := &fixture{clock: storetest.NewClock()}
		f.ring = ring(t, f.clock)
		path := filepath.Join(t.TempDir(), "hub.db")
		opened, err := embedded.Open(embedded.Options{Path: path, Now: f.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = opened.Close() })
		f.nodes = []*counting{{Store: opened}, {Store: opened}}
		f.content = func() []byte { content, _ := os.ReadFile(path); return content }
		f.stop = func() { _ = opened.Close() }
		test(t, f)
	})
	t.Run("redis", func(t *testing.T) {
		f := &fixture{clock: storetest.NewClock()}
		f.ring = ring(t, f.clock)
		server := redistest.Start(t, redistest.Options{})
		for range 2 {
			opened, err := redis.Open(redis.Options{URL: server.URL(), Now: f.clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = opened.Close() })
			f.nodes = append(f.nodes, &counting{Store: opened})
		}
		f.content = func() []byte { return dump(t, server) }
		f.stop = server.Stop
		test(t, f)
	})
}

// dump is every key and value of a Redis.
func dump(t *testing.T, server *redistest.Server) []byte {
	t.Helper()
	client := server.Client()
	defer client.Close()
	var all bytes.Buffer
	for _, key := range client.Keys(t.Context(), "*").Val() {
		all.WriteString(key + "\n" + client.Dump(t.Context(), key).Val() + "\n")
	}
	return all.Bytes()
}

var perUser = authenticator.Limits{
	User: authenticator.Limit{Burst: 4, Every: time.Minute}, Network: authenticator.Limit{Burst: -1}, Global: authenticator.Limit{Burst: -1},
}

func fail(ctx context.Context, throttle *authenticator.Throttle, user string) error {
	trial, err := throttle.Begin(ctx, authenticator.Origin{User: user})
	if err != nil {
		return err
	}
	return trial.Failed(ctx)
}

func TestNodesCountTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		nodes := []*authenticator.Throttle{f.throttle(0, perUser), f.throttle(1, perUser)}
		for i, want := range []bool{true, true, true, true, false, false} {
			if err := fail(t.Context(), nodes[i%2], "ada"); (err == nil) != want || err != nil && !errors.Is(err, authenticator.ErrThrottled) {
				t.Errorf("attempt %d: %v, granted should be %v", i+1, err, want)
			}
		}
		// A node that has just been started knows, too.
		_, _, wait := authenticator.Describe(fail(t.Context(), f.throttle(1, perUser), "ada"))
		if wait != time.Minute {
			t.Errorf("wait %v, want a minute", wait)
		}
		f.clock.Advance(time.Minute)
		if err := fail(t.Context(), nodes[0], "ada"); err != nil {
			t.Errorf("after a minute: %v", err)
		}
		f.clock.Advance(time.Minute)
		trial, err := nodes[1].Begin(t.Context(), authenticator.Origin{User: "ada"})
		if err != nil {
			t.Fatal(err)
		}
		if err := trial.Succeeded(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			if err := fail(t.Context(), nodes[i%2], "ada"); err != nil {
				t.Errorf("attempt %d after a success: %v", i+1, err)
			}
		}
	})
}

// Logins that succeed where nothing failed are no load, and failures at once are
// few updates.
func TestWhatItCosts(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		throttle := f.throttle(0, authenticator.Limits{})
		for range 20 {
			trial, err := throttle.Begin(t.Context(), authenticator.Origin{User: "ada"})
			if err != nil {
				t.Fatal(err)
			}
			if err := trial.Succeeded(t.Context(), true); err != nil {
				t.Fatal(err)
			}
		}
		if n := f.nodes[0].updates.Load(); n != 0 {
			t.Errorf("%d updates for logins that succeed", n)
		}
		now := f.clock.Now()
		const many = 600
		release := make(chan struct{})
		first := &blocked{Store: f.nodes[0], release: release, entered: make(chan struct{}, many)}
		failures := loginfailures.New(first, f.ring)
		var group sync.WaitGroup
		for i := range many {
			group.Go(func() {
				counters := []authenticator.Charge{
					{Counter: authenticator.Counter{Kind: authenticator.CountUser, ID: fmt.Sprint(i)}, Cost: time.Minute},
					{Counter: authenticator.Counter{Kind: authenticator.CountGlobal}, Cost: time.Second},
				}
				if err := failures.Charge(context.Background(), now, counters); err != nil {
					t.Error(err)
				}
			})
		}
		<-first.entered
		close(release)
		group.Wait()
		if n := f.nodes[0].updates.Load(); n > many/4 {
			t.Errorf("%d updates for %d failures at once", n, many)
		}
		until, err := failures.Debts(t.Context(), []authenticator.Counter{{Kind: authenticator.CountGlobal}, {Kind: authenticator.CountUser, ID: "7"}})
		if err != nil || until[0].Sub(now).Round(time.Second) != many*time.Second || until[1].Sub(now).Round(time.Second) != time.Minute {
			t.Errorf("debts end in %v and %v, %v", until[0].Sub(now), until[1].Sub(now), err)
		}
	})
}

// blocked holds the first update back until others wait behind it.
type blocked struct {
	store.Store
	release, entered chan struct{}
}

func (b *blocked) Update(ctx context.Context, write func(store.Writer) error) error {
	b.entered <- struct{}{}
	<-b.release
	return b.Store.Update(ctx, write)
}

// Two nodes that fail at once lose nothing.
func TestFailuresAddUp(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		counter := authenticator.Counter{Kind: authenticator.CountUser, ID: "ada"}
		now := f.clock.Now()
		var group sync.WaitGroup
		for i := range 40 {
			group.Go(func() {
				failures := loginfailures.New(f.nodes[i%2], f.ring)
				for range 2 {
					if err := failures.Charge(context.Background(), now, []authenticator.Charge{{Counter: counter, Cost: time.Second}}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		until, err := loginfailures.New(f.nodes[0], f.ring).Debts(t.Context(), []authenticator.Counter{counter})
		if got := until[0].Sub(now).Round(100 * time.Millisecond); err != nil || got != 80*time.Second {
			t.Errorf("80 failures of a second are %v, %v", got, err)
		}
	})
}

// Records end by themselves and tell nobody's name, which may be a password that
// was typed in the wrong field.
func TestRecords(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		throttle := f.throttle(0, authenticator.Limits{})
		for i := range 50 {
			trial, err := throttle.Begin(t.Context(), authenticator.Origin{User: fmt.Sprintf("canary-%d", i)})
			if err != nil {
				t.Fatal(err)
			}
			if err := trial.Failed(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if content := f.content(); bytes.Contains(content, []byte("canary")) || !bytes.Contains(content, []byte("login_failure")) {
			t.Error("the store has the names that were typed, or nothing")
		}
		count := func() (n int) {
			err := f.nodes[0].View(t.Context(), func(r store.Reader) error {
				records, err := r.List("login_failure", store.Page{})
				n = len(records)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := count(); n != 52 {
			t.Errorf("%d records, want 50 users, a network and the world", n)
		}
		f.clock.Advance(authenticator.DefaultUserEvery)
		if n := count(); n != 0 {
			t.Errorf("%d records when all is paid off", n)
		}
	})
}

func TestStoreAway(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		failures := loginfailures.New(f.nodes[0], f.ring)
		counter := authenticator.Counter{Kind: authenticator.CountUser, ID: "ada"}
		f.stop()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, reading := failures.Debts(ctx, []authenticator.Counter{counter})
		for what, err := range map[string]error{
			"reading":   reading,
			"charging":  failures.Charge(ctx, f.clock.Now(), []authenticator.Charge{{Counter: counter, Cost: time.Second}}),
			"forgiving": failures.Forgive(ctx, []authenticator.Counter{counter}),
		} {
			if status, _, _ := authenticator.Describe(err); !errors.Is(err, authenticator.ErrUnavailable) || status != 503 {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}
