package keyring

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

var secret = bytes.Repeat([]byte("environment "), 3)

// sources are two of each kind that share one ring.
func sources(t *testing.T, clock *storetest.Clock) map[string][2]Source {
	t.Helper()
	file := File{Path: filepath.Join(t.TempDir(), "keys", "ring"), Now: clock.Now}
	one := Stored{Store: openEmbedded(t, clock), Secret: secret, Now: clock.Now}
	all := map[string][2]Source{"file": {file, file}, "embedded": {one, one}}
	server := redistest.Start(t, redistest.Options{})
	all["redis"] = [2]Source{
		Stored{Store: openRedis(t, server, clock), Secret: secret, Now: clock.Now},
		Stored{Store: openRedis(t, server, clock), Secret: secret, Now: clock.Now},
	}
	return all
}

func openEmbedded(t testing.TB, clock *storetest.Clock) store.Store {
	t.Helper()
	s, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db"), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func openRedis(t testing.TB, server *redistest.Server, clock *storetest.Clock) store.Store {
	t.Helper()
	s, err := redis.Open(redis.Options{URL: server.URL(), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Of many that open a ring that does not exist yet, all get the same one.
func TestCreatedOnce(t *testing.T) {
	for name, both := range sources(t, storetest.NewClock()) {
		t.Run(name, func(t *testing.T) {
			macs := make([][]byte, 16)
			var group sync.WaitGroup
			for i := range macs {
				group.Go(func() {
					ring, err := Open(t.Context(), both[i%2], time.Now)
					if err != nil {
						t.Error(err)
						return
					}
					macs[i] = ring.MAC("p")
				})
			}
			group.Wait()
			for _, mac := range macs {
				if !bytes.Equal(mac, macs[0]) {
					t.Fatal("there are two rings")
				}
			}
		})
	}
}

// A rotation on one node breaks nothing on another, as long as that one reads
// the ring within the time to settle.
func TestRotationOnTwoNodes(t *testing.T) {
	clock := storetest.NewClock()
	for name, both := range sources(t, clock) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			open := func(source Source) *Ring {
				ring, err := Open(ctx, source, clock.Now)
				if err != nil {
					t.Fatal(err)
				}
				return ring
			}
			a, b := open(both[0]), open(both[1])
			before, sealed := a.MAC("p"), a.Seal("p", []byte("text"), nil)
			check := func(when string) {
				t.Helper()
				for _, made := range [][]byte{before, a.MAC("p"), b.MAC("p")} {
					if !a.Verify("p", made) || !b.Verify("p", made) {
						t.Errorf("%s: a MAC of one node is not believed by the other", when)
					}
				}
				for _, text := range [][]byte{sealed, a.Seal("p", []byte("text"), nil), b.Seal("p", []byte("text"), nil)} {
					_, errA := a.Open("p", text, nil)
					_, errB := b.Open("p", text, nil)
					if errA != nil || errB != nil {
						t.Errorf("%s: sealed by one node: %v, %v", when, errA, errB)
					}
				}
			}
			if err := Rotate(ctx, both[0], a); err != nil {
				t.Fatal(err)
			}
			check("just rotated")
			clock.Advance(settle - time.Second)
			check("before the key is in force")
			if err := Reload(ctx, both[1], b); err != nil {
				t.Fatal(err)
			}
			check("reloaded")
			clock.Advance(time.Second)
			check("in force")
			if after := b.MAC("p"); bytes.Equal(before, after) || !bytes.Equal(after, a.MAC("p")) {
				t.Error("the new key is not in force on both nodes")
			}
			if macs := b.MACs("p"); len(macs) != 2 || !bytes.Equal(macs[1], before) {
				t.Error("what was stored before is not found")
			}
			testDrop(t, both[0], a, clock, before)
		})
	}
}

func testDrop(t *testing.T, source Source, ring *Ring, clock *storetest.Clock, before []byte) {
	now := ring.MAC("p")
	if err := Drop(t.Context(), source, ring, clock.Now()); err != nil || !ring.Verify("p", before) {
		t.Errorf("a key is dropped that was in force at that time: %v", err)
	}
	clock.Advance(time.Minute)
	if err := Drop(t.Context(), source, ring, clock.Now()); err != nil || ring.Verify("p", before) || !ring.Verify("p", now) {
		t.Errorf("the old key and only that should be gone: %v", err)
	}
	if keys, err := source.Read(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("%d keys are left: %v", len(keys), err)
	}
}

// Two nodes that rotate at once both succeed, up to the greatest ring.
func TestRotationsAtOnce(t *testing.T) {
	clock := storetest.NewClock()
	for name, both := range sources(t, clock) {
		t.Run(name, func(t *testing.T) {
			ring, err := Open(t.Context(), both[0], clock.Now)
			if err != nil {
				t.Fatal(err)
			}
			errs := make([]error, MaxKeys)
			var group sync.WaitGroup
			for i := range errs {
				group.Go(func() {
					mine, err := New(ring.Keys(), clock.Now)
					errs[i] = errors.Join(err, Rotate(t.Context(), both[i%2], mine))
				})
			}
			group.Wait()
			full := 0
			for _, err := range errs {
				if errors.Is(err, ErrFull) {
					full++
				} else if err != nil {
					t.Error(err)
				}
			}
			if err := Reload(t.Context(), both[1], ring); err != nil || len(ring.Keys()) != MaxKeys || full != 1 {
				t.Errorf("%d keys, %d refused, %v", len(ring.Keys()), full, err)
			}
		})
	}
}

// A ring that was lost while a hub runs is put back, not replaced by another.
func TestLostRing(t *testing.T) {
	clock := storetest.NewClock()
	server := redistest.Start(t, redistest.Options{})
	stored := Stored{Store: openRedis(t, server, clock), Secret: secret, Now: clock.Now}
	file := File{Path: filepath.Join(t.TempDir(), "ring"), Now: clock.Now}
	for name, test := range map[string]struct {
		source Source
		lose   func()
	}{
		"file":  {file, func() { remove(t, file.Path) }},
		"redis": {stored, server.Flush},
	} {
		ring, err := Open(t.Context(), test.source, clock.Now)
		if err != nil {
			t.Fatal(err)
		}
		mac := ring.MAC("p")
		test.lose()
		if _, err := test.source.Read(t.Context()); !errors.Is(err, ErrEmpty) {
			t.Errorf("%s: %v", name, err)
		}
		if err := Reload(t.Context(), test.source, ring); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if again, err := Open(t.Context(), test.source, clock.Now); err != nil || !again.Verify("p", mac) {
			t.Errorf("%s: another ring has taken its place: %v", name, err)
		}
	}
}

func TestSecretsOfTheStore(t *testing.T) {
	clock := storetest.NewClock()
	s := openEmbedded(t, clock)
	source := func(secret string) Stored { return Stored{Store: s, Secret: []byte(secret), Now: clock.Now} }
	if _, err := source("short").Load(t.Context()); !errors.Is(err, ErrSecret) {
		t.Errorf("a short secret: %v", err)
	}
	right := source("0123456789abcdef0123456789abcdef")
	keys, err := right.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wrong := source("0123456789abcdef0123456789abcdeF")
	for what, call := range map[string]func(context.Context) error{
		"Load": func(ctx context.Context) error { _, err := wrong.Load(ctx); return err },
		"Save": func(ctx context.Context) error {
			_, err := wrong.Save(ctx, func([]Key) ([]Key, error) { return []Key{NewKey(clock.Now())}, nil })
			return err
		},
	} {
		if err := call(t.Context()); !errors.Is(err, ErrSecret) || errors.Is(err, ErrEmpty) {
			t.Errorf("%s with a wrong secret: %v", what, err)
		}
	}
	if again, err := right.Load(t.Context()); err != nil || len(again) != 1 || !bytes.Equal(again[0].Secret, keys[0].Secret) {
		t.Errorf("the wrong secret has damaged the ring: %v", err)
	}
}

// Trouble with the store is that and no empty ring.
func TestStoreAway(t *testing.T) {
	clock := storetest.NewClock()
	server := redistest.Start(t, redistest.Options{})
	source := Stored{Store: openRedis(t, server, clock), Secret: secret, Now: clock.Now}
	ring, err := Open(t.Context(), source, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	mac := ring.MAC("p")
	server.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = Open(ctx, source, clock.Now)
	for what, err := range map[string]error{"Open": err, "Reload": Reload(ctx, source, ring), "Rotate": Rotate(ctx, source, ring)} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !ring.Verify("p", mac) {
		t.Error("the ring in memory is gone")
	}
}
