package server

import (
	"context"
	"errors"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Check looks whether a ready server really runs, and begins to clean up if it
// does not. The state it returns is the one after that. Where this node cannot
// tell, the server counts as running.
func (m *Manager) Check(ctx context.Context, user, name string) (Server, error) {
	s, err := m.Get(ctx, user, name)
	if err != nil || !s.Ready {
		return s, err
	}
	status, err := m.poll(ctx, s)
	if err != nil || status.Running {
		return s, nil
	}
	return m.end(ctx, user, name, ending{spawnID: s.SpawnID})
}

// beginCheck makes a ready server one that has to prove that it answers. Its
// route stays: perhaps it is only slow.
func (m *Manager) beginCheck(ctx context.Context, seen Server) error {
	var op *operation
	err := m.update(ctx, func(w store.Writer) error {
		op = nil
		s, found, err := servers.Find(w, seen.id())
		if err != nil || !found || !s.Ready || s.SpawnID != seen.SpawnID {
			return err
		}
		s.Pending, s.PendingSince, s.Ready, s.Tried = PendingCheck, m.now().UTC(), false, nil
		if err := m.acquire(w, &s); err != nil {
			return err
		}
		op = m.operation(s, "")
		return put(w, s)
	})
	if err == nil && op != nil {
		m.begin(op)
	}
	return err
}

// recheck waits for the server to answer and has it stopped if it does not.
func (m *Manager) recheck(op *operation, s Server) error {
	err := m.answer(op, s)
	switch {
	case err == nil:
		return m.change(op, func(w store.Writer, s Server) error {
			if s.Pending != PendingCheck {
				return nil
			}
			s.Pending, s.Ready = PendingNone, true
			return m.putReady(w, s)
		})
	case errors.Is(err, ErrClosed), errors.Is(err, errLost):
		return err
	case errors.Is(err, errCancelled):
		return nil // the record says what comes next
	}
	m.log.Warn("server is stopped: it does not answer", "server", op.logName(), "error", err)
	return m.change(op, func(w store.Writer, s Server) error {
		_, err := m.recordEnd(w, &s, ending{})
		return err
	})
}
