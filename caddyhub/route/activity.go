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
}

// Touch notes that the route was used. An earlier time than the one noted
// changes nothing.
func (a *Activity) Touch(now time.Time) {
	if a == nil {
		return
	}
	for at := now.UnixMilli(); ; {
		noted := a.at.Load()
		if noted >= at || a.at.CompareAndSwap(noted, at) {
			return
		}
	}
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
