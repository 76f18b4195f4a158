package server

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// reportPause is between two writes of progress, so that a talkative spawner
// costs the store ten writes a second at most.
const reportPause = 100 * time.Millisecond

// reports brings the progress of one operation into the store, without making
// whoever tells it wait. Progress is for people to look at: what the store does
// not take after a few seconds is forgotten.
type reports struct {
	manager *Manager
	op      *operation
	wake    chan struct{}
	ended   chan struct{}
	begin   sync.Once
	end     sync.Once
	// writing is held during a write, so that events stay in order.
	writing sync.Mutex

	mu      sync.Mutex
	waiting []Event
}

func newReports(m *Manager, op *operation) *reports {
	return &reports{manager: m, op: op, wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// add hands over an event to be written soon.
func (r *reports) add(event Event) {
	event.Message = shownText(r.op, event.Message, maxMessage)
	if len(event.HTML) > maxHTML {
		event.HTML = ""
	}
	event.Ready, event.Failed, event.URL = false, false, ""
	r.mu.Lock()
	r.waiting = append(r.waiting, event)
	if over := len(r.waiting) - maxEvents; over > 0 {
		r.waiting = slices.Delete(r.waiting, 0, over)
	}
	r.mu.Unlock()
	signal(r.wake)
	r.begin.Do(func() { go r.run() })
}

func (r *reports) run() {
	for {
		select {
		case <-r.wake:
		case <-r.ended:
			return
		}
		r.flush()
		select {
		case <-time.After(reportPause):
		case <-r.ended:
			return
		}
	}
}

// close ends the writing; what has not been written stays so.
func (r *reports) close() { r.end.Do(func() { close(r.ended) }) }

// flush writes what is waiting.
func (r *reports) flush() {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.mu.Lock()
	events := r.waiting
	r.waiting = nil
	r.mu.Unlock()
	if len(events) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(r.manager.done, storeTimeout)
	defer cancel()
	err := r.manager.store.Update(ctx, func(w store.Writer) error {
		if _, err := r.op.owned(w); err != nil {
			return err
		}
		p, _, err := progresses.Find(w, r.op.id())
		if err != nil {
			return err
		}
		if p.SpawnID != r.op.spawnID {
			p = progress{SpawnID: r.op.spawnID}
		}
		p.add(events)
		return progresses.Put(w, r.op.id(), p, time.Time{})
	})
	if err != nil {
		r.manager.log.Debug("progress could not be written", "server", r.op.logName(), "error", err)
	}
	r.manager.watch.wake(r.op.id())
}
