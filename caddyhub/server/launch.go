package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

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

// resume goes on with a start whose owner has died in the middle.
func (m *Manager) resume(op *operation, s Server) error {
	s, err := m.recover(op, s)
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
	}
	if hook := op.settings.Hooks.PreSpawn; hook != nil {
		if err := hook(ctx, user, &request); err != nil {
			return request, err
		}
	}
	return request, nil
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

// ready makes the server ready and routed, unless the start was called off.
func (m *Manager) ready(op *operation) error {
	op.reports.flush()
	var done Server
	err := m.change(op, func(w store.Writer, s Server) error {
		done = Server{}
		if s.Pending == PendingStop {
			return nil
		}
		s.Pending, s.Ready, s.Tried = PendingNone, true, nil
		done = s
		return m.putReady(w, s)
	})
	if err != nil || !done.Ready {
		return err
	}
	m.shown(m.done, done)
	m.log.Info("server is ready", "server", op.logName(), "url", done.URL, "took", m.now().Sub(op.begun))
	if hook := op.settings.Hooks.Spawned; hook != nil {
		hook(done, m.now().Sub(op.begun), "")
	}
	return nil
}

// putReady writes a ready server with its route and gives the lease back.
func (m *Manager) putReady(w store.Writer, s Server) error {
	target, err := route.ParseTarget(s.URL)
	if err != nil {
		return err
	}
	err = route.Put(w, route.Route{
		Spec:   s.Route,
		Target: target,
		Data:   route.Data{User: s.User, ServerName: s.Name},
	})
	if err != nil {
		return err
	}
	if err := leases.Delete(w, s.id()); err != nil {
		return err
	}
	return put(w, s)
}

// fail records why the start failed; the stop that it leads to cleans up.
func (m *Manager) fail(op *operation, s Server, cause error) error {
	failure := m.failure(op, s, cause)
	m.log.Warn("server did not start", "server", op.logName(), "reason", failure.Reason, "error", cause)
	op.reports.flush()
	err := m.change(op, func(w store.Writer, current Server) error {
		if current.Pending != PendingSpawn {
			return nil
		}
		current.Pending, current.Failure = PendingStop, &failure
		if !slices.Contains(current.Tried, m.self.Node) {
			// Else the time for a machine to come back has been given already.
			current.PendingSince, current.Tried = m.now().UTC(), nil
		}
		if s.State != nil {
			current.State = s.State
		}
		return put(w, current)
	})
	if hook := op.settings.Hooks.Spawned; hook != nil && err == nil {
		hook(s, m.now().Sub(op.begun), failure.Reason)
	}
	return err
}

// shown brings the route of a server into this node's table.
func (m *Manager) shown(ctx context.Context, s Server) {
	if m.routes == nil || s.Route.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := m.routes.Apply(ctx, s.Route); err != nil {
		m.log.Debug("route is not in the table yet", "server", s.LogName(), "error", err)
	}
}

// events is what the spawner tells in the course of a start.
type events struct {
	manager *Manager
	op      *operation
}

// Save implements spawner.Events. If another node has taken the start over and
// goes on with it, that node knows the state from the spawner, and this one
// must not have it cleaned away.
func (e events) Save(ctx context.Context, state json.RawMessage) error {
	err := e.manager.changeWithin(ctx, e.op, func(w store.Writer, s Server) error {
		if s.Pending == PendingNone {
			return errLost
		}
		s.State = state
		return put(w, s)
	})
	if errors.Is(err, errLost) {
		err = e.manager.store.View(ctx, func(r store.Reader) error {
			s, _, err := servers.Find(r, e.op.id())
			if err == nil && (s.SpawnID != e.op.spawnID || !s.Active()) {
				return errLost
			}
			return err
		})
	}
	return err
}

// Progress implements spawner.Events.
func (e events) Progress(p spawner.Progress) {
	e.op.reports.add(Event{Percent: min(max(p.Percent, 0), 99), Message: p.Message, HTML: p.HTML})
}
