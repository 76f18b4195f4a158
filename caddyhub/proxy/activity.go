package proxy

import (
	"sync/atomic"
	"time"
)

// Activity is when bytes last moved, in either direction. It costs a store to
// memory and is read by whoever writes it down. The zero value has seen nothing.
type Activity struct {
	traffic     atomic.Int64
	interaction atomic.Int64
}

// Traffic is when the last bytes moved, to or from the client; zero if never.
func (a *Activity) Traffic() time.Time { return moment(a.traffic.Load()) }

// Interaction is when a person last did something, as far as one can tell: opened
// a page, changed something, or wrote to a WebSocket. Reading by scripts, as a
// page does that nobody looks at, is none. Zero if never.
func (a *Activity) Interaction() time.Time { return moment(a.interaction.Load()) }

func moment(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}
