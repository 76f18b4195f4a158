package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// watch wakes those who wait for news of a server.
type watch struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{}
}

func newWatch() *watch { return &watch{waiting: make(map[string]map[chan struct{}]struct{})} }

// on returns a channel that receives after every change of a server, several
// at once perhaps, and a function that ends it.
func (t *watch) on(id string) (<-chan struct{}, func()) {
	changed := make(chan struct{}, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting[id] == nil {
		t.waiting[id] = make(map[chan struct{}]struct{})
	}
	t.waiting[id][changed] = struct{}{}
	return changed, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.waiting[id], changed)
		if len(t.waiting[id]) == 0 {
			delete(t.waiting, id)
		}
	}
}

func (t *watch) wake(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for changed := range t.waiting[id] {
		signal(changed)
	}
}

func (t *watch) wakeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, all := range t.waiting {
		for changed := range all {
			signal(changed)
		}
	}
}

func signal(changed chan struct{}) {
	select {
	case changed <- struct{}{}:
	default: // has been woken and not looked yet
	}
}

const (
	// feedPause is between attempts to open a feed.
	feedPause = 200 * time.Millisecond
	// claimDelay lets the node that started the server be the first to take it
	// over; others wait for this long, and up to as long again.
	claimDelay = time.Second
)

// follow tells waiting callers and this node's workers what changes.
func (m *Manager) follow(ctx context.Context) {
	for ctx.Err() == nil {
		feed, err := m.store.Follow(ctx)
		if err == nil {
			m.reload(ctx)
			err = m.hear(ctx, feed)
			_ = feed.Close() // of a feed that has failed or is not wanted any more
		}
		if errors.Is(err, store.ErrClosed) || !sleep(ctx, feedPause) {
			return
		}
	}
}

// hear applies a feed until it has to be opened anew.
func (m *Manager) hear(ctx context.Context, feed store.Feed) error {
	inTouch := true
	for {
		batch, err := feed.Next(ctx)
		if errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
			inTouch = false
			sleep(ctx, feedPause)
			continue
		}
		if err != nil {
			return err
		}
		if batch.Missed || !inTouch {
			m.reload(ctx)
		}
		inTouch = true
		for _, change := range batch.Changes {
			m.heard(ctx, change)
		}
	}
}

// reload is for when anything may have changed.
func (m *Manager) reload(ctx context.Context) {
	m.tryRenew() // before others take the store's absence for ours
	for _, op := range m.operations() {
		m.look(ctx, op)
	}
	m.watch.wakeAll()
}

func (m *Manager) heard(ctx context.Context, change store.Change) {
	id := change.Key.ID
	switch change.Key.Kind {
	case KindServer:
		if op := m.runs(id); op != nil {
			m.look(ctx, op)
		}
		m.watch.wake(id)
	case kindProgress:
		m.watch.wake(id)
	case kindLease:
		if change.Deleted {
			m.background(func() { m.claimFreed(id) })
		}
	}
}

// claimFreed takes over an operation whose lease has been released or has run
// out, unless another node is quicker.
func (m *Manager) claimFreed(id string) {
	var s Server
	pending := false
	ctx, cancel := context.WithTimeout(m.quiet, storeTimeout)
	defer cancel()
	err := m.store.View(ctx, func(r store.Reader) (err error) {
		if _, pending, err = pendingServers.Find(r, id); err != nil || !pending {
			return err
		}
		s, _, err = servers.Find(r, id)
		return err
	})
	if err != nil || !pending {
		return // the next scan finds what is left
	}
	if s.Node != m.self.Node && !sleep(ctx, claimDelay+rand.N(claimDelay)) {
		return
	}
	if err := m.claim(ctx, id); err != nil && ctx.Err() == nil {
		m.log.Debug("operation could not be taken over", "server", id, "error", err)
	}
}

// look tells a worker of this node when its operation is to be called off or
// has been taken from it.
func (m *Manager) look(ctx context.Context, op *operation) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	var s Server
	err := m.store.View(ctx, func(r store.Reader) (err error) {
		s, _, err = servers.Find(r, op.id())
		return err
	})
	switch {
	case err != nil:
		// The worker finds out with its next write.
	case s.SpawnID != op.spawnID || !s.Active():
		op.cancel(errLost)
	case s.Fence == op.fence && s.Pending == PendingStop:
		op.callOff(errCancelled)
	}
}
