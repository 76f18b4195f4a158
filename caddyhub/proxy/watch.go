package proxy

import (
	"context"
	"sync"
	"time"
)

// watchPause is how old a call gets, and at most twice as old, before anybody looks
// whether its client is still there.
const watchPause = 20 * time.Millisecond

// watch ends the exchanges of calls whose clients have gone. Most exchanges are
// over before that could happen, and to be told by its context costs a call more
// than all of its administration: only those are told that last.
type watch struct {
	mu sync.Mutex
	// young are the calls that are not told yet, linked by next and previous.
	young *call
	// looking says that the clock runs.
	looking bool
}

// watched is what a watch knows about a call.
type watched struct {
	ctx context.Context
	// next and previous are among the young ones.
	next, previous *call
	young          bool
	// seen says that the call was young before.
	seen bool
	// stop ends the telling; nil as long as there is none.
	stop func() bool
}

// add ends the exchange of a call when a context ends, until it is removed.
func (w *watch) add(ctx context.Context, c *call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.watched = watched{ctx: ctx, next: w.young, young: true}
	if w.young != nil {
		w.young.watched.previous = c
	}
	w.young = c
	if !w.looking {
		w.looking = true
		time.AfterFunc(watchPause, w.look)
	}
}

// remove says whether the exchange was left alone; once it returns it will be.
func (w *watch) remove(c *call) (alone bool) {
	w.mu.Lock()
	if c.watched.young {
		w.unlink(c)
	}
	stop := c.watched.stop
	w.mu.Unlock()
	return stop == nil || stop()
}

func (w *watch) unlink(c *call) {
	if before := c.watched.previous; before != nil {
		before.watched.next = c.watched.next
	} else {
		w.young = c.watched.next
	}
	if after := c.watched.next; after != nil {
		after.watched.previous = c.watched.previous
	}
	c.watched.young = false
}

// look has those told that were young at the last look too.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := w.young; c != nil; c = c.watched.next {
		if c.watched.seen {
			w.unlink(c)
			c.watched.stop = context.AfterFunc(c.watched.ctx, c.conn.abort)
		}
		c.watched.seen = true
	}
	if w.looking = w.young != nil; w.looking {
		time.AfterFunc(watchPause, w.look)
	}
}
