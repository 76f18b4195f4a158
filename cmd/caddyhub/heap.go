package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// heapRoom is how much may be allocated between two garbage collections, in
	// bytes, however little is in use.
	//
	// Go's own rule is once as much as is in use. A hub uses 25 MB, so that under
	// load a sixth of its CPU time went to collecting several times a second; this
	// makes it a twentieth, for that much more memory.
	heapRoom = 64 << 20
	// heapRest is how long it takes to use up the memory between two collections
	// when there is no load to speak of. Go's own rule is right then.
	heapRest = 10 * time.Second
)

// giveHeapRoom has the garbage collector wait for heapRoom while there is load. A
// heap that is larger than that follows Go's own rule, and so does every heap if
// GOGC is set. The limit of memory, GOMEMLIMIT or what Caddy finds out about its
// container, comes before both.
func giveHeapRoom() {
	if os.Getenv("GOGC") == "" {
		new(heapPace).next(time.Now())
	}
}

// heapPace is what the collector was told last.
type heapPace struct{ percent int }

// next waits for the end of the garbage collection that follows one at a time: what
// nobody refers to is gone then.
func (p *heapPace) next(before time.Time) {
	runtime.AddCleanup(&struct{ _ *heapPace }{}, func(p *heapPace) {
		now := time.Now()
		p.follow(heapPercent(liveHeap(), now.Sub(before)))
		p.next(now)
	}, p)
}

// follow tells the collector what is right now. Small changes are not worth
// stopping everything for.
func (p *heapPace) follow(percent int) {
	if change := percent - p.percent; change*change*100 > p.percent*p.percent {
		debug.SetGCPercent(percent)
		p.percent = percent
	}
}

// heapPercent is the GOGC for a heap with so many bytes in use that were collected
// so long after the collection before.
func heapPercent(live uint64, lasted time.Duration) int {
	if lasted > heapRest {
		return 100
	}
	return int(max(100, heapRoom*100/max(live, 1<<20)))
}

// liveHeap is how many bytes the last garbage collection has found in use.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
