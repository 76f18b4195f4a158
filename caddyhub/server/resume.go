package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// resume goes on with a start whose owner has died in the middle.
func (m *Manager) resume(op *operation, s Server) error {
	s, err := m.recover(op, s)
	if err == nil {
		err = m.answer(op, s)
	}
	return m.conclude(op, s, err)
}

// recover finds what an earlier owner of the start has left behind.
func (m *Manager) recover(op *operation, s Server) (Server, error) {
	interrupted := &spawner.Error{Message: "The hub was restarted while the server was being started. Please start it again."}
	recoverer, ok := op.settings.Spawner.(spawner.Recoverer)
	if !ok {
		if s.URL == "" {
			return s, interrupted
		}
		return s, nil
	}
	ctx, cancel := m.interruptible(op.attempt, op.settings.Timeouts.Start)
	defer cancel()
	started, err := recoverer.Recover(ctx, op.ref(s))
	switch {
	case errors.Is(err, spawner.ErrElsewhere):
		given, err := m.handOver(op)
		if err == nil && given {
			err = errElsewhere
		}
		if err != nil {
			return s, err
		}
		return s, &spawner.Error{Message: "The machine on which the server was being started does not come back."}
	case errors.Is(err, spawner.ErrNotFound):
		return s, interrupted
	case err != nil:
		if cause := context.Cause(ctx); cause != nil && errors.Is(cause, ErrClosed) {
			return s, ErrClosed
		}
		return s, fmt.Errorf("find what is left of the start: %w", err)
	case started.URL == "" && s.URL == "":
		s.State = started.State
		return s, interrupted
	case started.URL == "":
		started.URL = s.URL
	}
	return m.located(op, s, started)
}
