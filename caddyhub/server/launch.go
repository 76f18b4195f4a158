package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// The progress that the hub itself tells; a spawner's own is in between.
const (
	percentPrepared = 10
	percentStarted  = 80
)

// spawn starts the server and sees it answer (JupyterHub "7.2", from step 4).
func (m *Manager) spawn(op *operation, s Server) error {
	op.resumed = true
	s, err := m.launch(op, s)
	if err == nil {
		err = m.answer(op, s)
	}
	return m.conclude(op, s, err)
}

// conclude writes down what has come of a start.
func (m *Manager) conclude(op *operation, s Server, err error) error {
	switch {
	case err == nil:
		return m.ready(op)
	case errors.Is(err, errLost), errors.Is(err, errElsewhere), errors.Is(err, ErrClosed):
		return err
	case errors.Is(context.Cause(op.attempt), errLost):
		return errLost
	case errors.Is(context.Cause(op.attempt), errCancelled):
		return nil // the record says what comes next
	default:
		return m.fail(op, s, err)
	}
}

// launch has the spawner start the server and keeps its address.
func (m *Manager) launch(op *operation, s Server) (Server, error) {
	request, err := m.prepare(op, s)
	if err != nil {
		return s, err
	}
	op.reports.add(Event{Percent: percentPrepared, Message: "Environment prepared, starting the server"})
	ctx, cancel := context.WithTimeout(op.attempt, op.settings.Timeouts.Start)
	defer cancel()
	started, err := op.settings.Spawner.Start(ctx, request, events{m, op})
	if err != nil {
		if ctx.Err() != nil && op.attempt.Err() == nil {
			err = &spawner.Error{
				Reason:  spawner.ReasonTimeout,
				Message: fmt.Sprintf("The server did not start within %v.", op.settings.Timeouts.Start),
				Err:     err,
			}
		}
		return s, err
	}
	return m.located(op, s, started)
}

// prepare makes what the spawner is asked for.
func (m *Manager) prepare(op *operation, s Server) (spawner.Request, error) {
	ctx, cancel := context.WithTimeout(op.attempt, op.settings.Timeouts.Start)
	defer cancel()
	user, err := m.directory.User(ctx, op.user)
	if err != nil {
		return spawner.Request{}, err
	}
	if op.settings, err = op.settings.personal(user, s.UserOptions); err != nil {
		// The rules have changed since the start was admitted.
		return spawner.Request{}, &spawner.Error{
			Reason: spawner.ReasonOptions, Status: http.StatusBadRequest, Message: badOptions(err).Error(), Err: err,
		}
	}
	env, err := op.settings.environment(op.user, op.name, op.secret)
	if err != nil {
		return spawner.Request{}, err
	}
	request := spawner.Request{
		User:        op.user,
		Server:      op.name,
		SpawnID:     op.spawnID,
		Prefix:      op.settings.Base.Server(op.user, op.name),
		Environment: env,
		Options:     s.UserOptions,
		Limits:      op.settings.Launch.Resources,
		Overrides:   op.settings.Launch.Spawner,
	}
	if hook := op.settings.Hooks.PreSpawn; hook != nil {
		if err := hook(ctx, user, &request); err != nil {
			return request, err
		}
	}
	return request, nil
}

// located keeps where the server is.
func (m *Manager) located(op *operation, s Server, started spawner.Started) (Server, error) {
	s.State = started.State
	target, err := route.ParseTarget(started.URL)
	if err != nil {
		return s, fmt.Errorf("address of the server: %w", err)
	}
	err = m.change(op, func(w store.Writer, current Server) error {
		current.State, current.URL, current.Node = started.State, target.String(), m.self.Node
		s = current
		return put(w, current)
	})
	return s, err
}
