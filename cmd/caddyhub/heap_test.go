package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// TestHeapPercent: a small heap under load has its room; a large one, or one at
// rest, has Go's own rule.
func TestHeapPercent(t *testing.T) {
	for live, want := range map[uint64]int{
		0: 6400, 1 << 20: 6400, 16 << 20: 400, 32 << 20: 200, 64 << 20: 100, 65 << 20: 100, 1 << 40: 100, math.MaxUint64: 100,
	} {
		if got := heapPercent(live, heapRest); got != want {
			t.Errorf("%d bytes: %d %%, want %d %%", live, got, want)
		}
		if got := heapPercent(live, heapRest+1); got != 100 {
			t.Errorf("%d bytes at rest: %d %%", live, got)
		}
	}
}

// TestHeapRoom: the rule follows the heap from one garbage collection to the next,
// unless the user has made one.
func TestHeapRoom(t *testing.T) {
	before := debug.SetGCPercent(50)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	t.Setenv("GOGC", "50")
	giveHeapRoom()
	for range 3 {
		runtime.GC()
		if percent := gcPercent(); percent != 50 {
			t.Fatalf("%d %% though GOGC is set", percent)
		}
	}
	t.Setenv("GOGC", "")
	giveHeapRoom()
	small := collected(t, func(percent int) bool { return percent >= 400 })
	held := make([]byte, 2*heapRoom)
	collected(t, func(percent int) bool { return percent == 100 })
	runtime.KeepAlive(held) // and not from here on
	collected(t, func(percent int) bool { return percent > small/2 })
}

// TestHeapRest: what is left behind when the load is over goes back to the system,
// though nobody allocates any more.
func TestHeapRest(t *testing.T) {
	before := debug.SetGCPercent(1000)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	t.Setenv("GOGC", "")
	giveHeapRoom()
	held := make([]byte, heapRoom)
	for i := range held {
		held[i] = 1
	}
	full := heapBytes("/memory/classes/heap/objects:bytes")
	runtime.KeepAlive(held)
	for deadline := time.Now().Add(3 * heapRest); ; time.Sleep(heapRest / 20) {
		if now := heapBytes("/memory/classes/heap/objects:bytes"); now < full-heapRoom/2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the memory is still in use")
		}
	}
}

// collected collects garbage until the rule is what is wanted.
func collected(t *testing.T, wanted func(percent int) bool) int {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); runtime.Gosched() {
		runtime.GC()
		if percent := gcPercent(); wanted(percent) {
			return percent
		}
	}
	t.Fatalf("the rule stays %d %%", gcPercent())
	return 0
}

func gcPercent() int {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64())
}
