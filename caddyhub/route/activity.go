package route

import (
	"sync/atomic"
	"time"
)

// Activity is when a route was last used. Whoever moves its bytes notes it, as
// often as it likes: noting is one atomic write. The route that replaces one in a
// Table has the same Activity unless it was added anew.
type Activity struct {
	// noted is the time in milliseconds since 1970, zero for never, shifted left by
	// one; the lowest bit says that no store knows it. Of 100 000 routes it is the one
	// thing that is written all the time, and it takes eight bytes of each.
	noted atomic.Int64
}

// Touch notes that the route was used. An earlier time than the one noted
// changes nothing.
func (a *Activity) Touch(now time.Time) {
	if a == nil {
		return
	}
	at := now.UnixMilli()
	for {
		noted := a.noted.Load()
		if noted>>1 >= at || a.noted.CompareAndSwap(noted, at<<1|1) {
			return
		}
	}
}

// learn notes what a store says, which need not be told it again.
func (a *Activity) learn(at int64) {
	for {
		noted := a.noted.Load()
		if noted>>1 > at || a.noted.CompareAndSwap(noted, at<<1) {
			return
		}
	}
}

// unsaved is the time noted last, if no store knows it.
func (a *Activity) unsaved() (at int64, ok bool) {
	noted := a.noted.Load()
	return noted >> 1, noted&1 != 0
}

// Last is the time noted last, in UTC and to the millisecond; zero if there is
// none.
func (a *Activity) Last() time.Time {
	if a == nil {
		return time.Time{}
	}
	if at := a.noted.Load() >> 1; at != 0 {
		return time.UnixMilli(at).UTC()
	}
	return time.Time{}
}
