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
	// when there is no load to speak of. Go's own rule is right then, and what load
	// has left behind goes back to the system.
	heapRest = 10 * time.Second
	// heapLeft is how much garbage is worth a collection at rest, in bytes. It is
	// below what Go itself would wait for in the smallest heap.
	heapLeft = 4 << 20
)

// giveHeapRoom has the garbage collector wait for heapRoom while there is load. A
// heap that is larger than that follows Go's own rule, and so does every heap if
// GOGC is set. The limit of memory, GOMEMLIMIT or what Caddy finds out about its
// container, comes before both.
func giveHeapRoom() {
	if os.Getenv("GOGC") == "" {
		go new(heapPace).keep()
	}
}

// heapPace is what the collector was told last.
type heapPace struct{ percent int }

// keep follows the heap for as long as the process lives.
func (p *heapPace) keep() {
	last, collected := time.Now(), collection()
	var lasted time.Duration // from the last collection but one to the last
	for {
		select {
		case <-collected:
			now := time.Now()
			lasted = now.Sub(last)
			p.follow(heapPercent(heapBytes("/gc/heap/live:bytes"), lasted))
			last, collected = now, collection()
		case <-time.After(heapRest):
			// What was in use when load caused a collection may be garbage since.
			loaded := lasted <= heapRest
			if loaded || heapBytes("/memory/classes/heap/objects:bytes") > heapBytes("/gc/heap/live:bytes")+heapLeft {
				debug.FreeOSMemory()
			}
		}
	}
}

// collection tells the end of the garbage collection that follows: what nobody
// refers to is gone then.
func collection() <-chan struct{} {
	ended := make(chan struct{})
	runtime.AddCleanup(&struct{ _ *heapPace }{}, func(ended chan struct{}) { close(ended) }, ended)
	return ended
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

// heapBytes reads one of the runtime's metrics: what the last collection found in
// use, or what is there now.
func heapBytes(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
