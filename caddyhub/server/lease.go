package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// lease says that somebody is at work on the pending operation of a server. It
// expires in the store, by the clock of the store, unless it is renewed. What
// keeps a worker from writing after it has lost its work is not the lease but
// Server.Fence.
type lease struct {
	Holder holder `json:"holder"`
	Fence  uint64 `json:"fence"`
}

const kindLease = "server_lease"

var leases = store.Collection[lease]{Kind: kindLease}

var (
	// errLost says that the operation has another owner, or is over.
	errLost = errors.New("server: the operation has been taken over")
	// errElsewhere says that the operation waits for another node.
	errElsewhere = errors.New("server: the operation waits for another node")
)

const (
	// storeTimeout bounds one call to the store.
	storeTimeout = 5 * time.Second
	// storePause and maxStorePause are between the attempts of a write that
	// must be made.
	storePause    = 50 * time.Millisecond
	maxStorePause = 2 * time.Second
	// maxConflicts is how often a caller's transaction is tried again that has
	// lost against others.
	maxConflicts = 5
)

// acquire makes this node the owner of the server's pending operation, inside
// a transaction that puts the server afterwards.
func (m *Manager) acquire(w store.Writer, s *Server) error {
	s.Fence++
	return m.putLease(w, s.id(), s.Fence)
}

func (m *Manager) putLease(w store.Writer, id string, fence uint64) error {
	until := m.now().Add(m.settings.Load().Timeouts.Lease)
	return leases.Put(w, id, lease{Holder: m.self, Fence: fence}, until)
}

// change makes a write of a worker, if the operation is still its own (else
// errLost), and tries until the store has taken it or this Manager is done. The
// closure puts the server; it may run again after it has been committed, and
// must lead to the same then.
func (m *Manager) change(op *operation, write func(w store.Writer, s Server) error) error {
	return m.changeWithin(m.done, op, write)
}

func (m *Manager) changeWithin(ctx context.Context, op *operation, write func(w store.Writer, s Server) error) error {
	err := m.insist(ctx, func(ctx context.Context) error {
		return m.store.Update(ctx, func(w store.Writer) error {
			s, err := op.owned(w)
			if err != nil {
				return err
			}
			return write(w, s)
		})
	})
	m.watch.wake(op.id())
	return err
}

// insist calls the store until it answers or ctx ends.
func (m *Manager) insist(ctx context.Context, call func(context.Context) error) error {
	for wait := storePause; ; wait = min(2*wait, maxStorePause) {
		limited, cancel := context.WithTimeout(ctx, storeTimeout)
		err := call(limited)
		cancel()
		if !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrConflict) {
			return err
		}
		if !sleep(ctx, jitter(wait)) {
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// update makes a transaction for a caller, who would rather have an error than
// wait for a store that is away.
func (m *Manager) update(ctx context.Context, write func(store.Writer) error) error {
	for attempt := 1; ; attempt++ {
		err := m.store.Update(ctx, write)
		if !errors.Is(err, store.ErrConflict) || attempt == maxConflicts {
			return err
		}
		if !sleep(ctx, jitter(storePause)) {
			return err
		}
	}
}

// release gives an operation back, for anybody to take it over at once.
func (m *Manager) release(op *operation) {
	ctx, cancel := context.WithTimeout(m.done, storeTimeout)
	defer cancel()
	err := m.store.Update(ctx, func(w store.Writer) error {
		if _, err := op.owned(w); err != nil {
			return err
		}
		return leases.Delete(w, op.id())
	})
	if err != nil && !errors.Is(err, errLost) {
		m.log.Warn("lease could not be released, it runs out", "server", op.logName(), "error", err)
	}
}

// handOver leaves the operation to a node that can reach the server. It is
// false when that has been tried for too long.
func (m *Manager) handOver(op *operation) (bool, error) {
	given := false
	err := m.change(op, func(w store.Writer, s Server) error {
		given = m.now().Before(s.PendingSince.Add(m.settings.Load().Timeouts.Elsewhere))
		if !given {
			return nil
		}
		if !slices.Contains(s.Tried, m.self.Node) {
			s.Tried = append(s.Tried, m.self.Node)
		}
		if err := leases.Delete(w, s.id()); err != nil {
			return err
		}
		return put(w, s)
	})
	return given, err
}

// claim takes over a pending operation that nobody is at work on.
func (m *Manager) claim(ctx context.Context, id string) error {
	var op *operation
	err := m.store.Update(ctx, func(w store.Writer) error {
		op = nil
		s, found, err := servers.Find(w, id)
		if err != nil || !found || s.Pending == PendingNone {
			return err
		}
		if mine := m.runs(id); mine != nil && mine.fence == s.Fence {
			return nil // at work, and only late with the renewal
		}
		held, found, err := leases.Find(w, id)
		if err != nil || found && !m.dead(held.Holder) {
			return err
		}
		limit := s.PendingSince.Add(m.settings.Load().Timeouts.Elsewhere)
		if slices.Contains(s.Tried, m.self.Node) && m.now().Before(limit) {
			return nil
		}
		if err := m.acquire(w, &s); err != nil {
			return err
		}
		op = m.operation(s, "")
		return put(w, s)
	})
	if err != nil || op == nil {
		return err
	}
	m.log.Info("unfinished operation taken over", "server", op.logName())
	m.begin(op)
	return nil
}

// jitter is a duration up to a tenth shorter or longer.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

// sleep waits; it is false if ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
