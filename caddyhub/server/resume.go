package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// recallWait bounds how long a start that is taken over waits for the store.
const recallWait = 5 * time.Second

// resume goes on with a start whose owner has died in the middle.
func (m *Manager) resume(op *operation, s Server) error {
	m.recall(op, s)
	s, err := m.recover(op, s)
	if err == nil {
		err = m.answer(op, s)
	}
	return m.conclude(op, s, err)
}

// recall gives the operation the time that the earlier owner gave the server.
func (m *Manager) recall(op *operation, s Server) {
	ctx, cancel := m.interruptible(op.attempt, recallWait)
	defer cancel()
	user, err := m.directory.User(ctx, op.user)
	if err == nil {
		op.settings, err = op.settings.personal(user, s.UserOptions)
	}
	if err != nil {
		m.log.Debug("start goes on with the usual timeouts", "server", op.logName(), "error", err)
	}
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
