package route

import (
	"sync/atomic"
	"time"
)

// Activity is when a route was last used. Whoever moves its bytes notes it, as
// often as it likes: noting is one atomic write. All copies of a Route that came
// from a Table share one Activity, and so does the route that replaces it there
// unless it was added anew.
type Activity struct {
	// milliseconds since 1970; zero means never.
	at atomic.Int64
	// saved is up to when no store need be told, in the same unit.
	saved atomic.Int64
}

// Touch notes that the route was used. An earlier time than the one noted
// changes nothing.
func (a *Activity) Touch(now time.Time) {
	if a == nil {
		return
	}
	raise(&a.at, now.UnixMilli())
}

// raise makes a time later, never earlier.
func raise(noted *atomic.Int64, at int64) {
	for {
		known := noted.Load()
		if known >= at || noted.CompareAndSwap(known, at) {
			return
		}
	}
}

// learn notes what a store says, which need not be told it again.
func (a *Activity) learn(at int64) {
	raise(&a.saved, at)
	raise(&a.at, at)
}

// unsaved is the time noted last, if no store knows it.
func (a *Activity) unsaved() (at int64, ok bool) {
	at = a.at.Load()
	return at, at > a.saved.Load()
}

// Last is the time noted last, in UTC and to the millisecond; zero if there is
// none.
func (a *Activity) Last() time.Time {
	if a == nil {
		return time.Time{}
	}
	if at := a.at.Load(); at != 0 {
		return time.UnixMilli(at).UTC()
	}
	return time.Time{}
}
