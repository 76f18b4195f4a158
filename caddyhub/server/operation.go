package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// errCancelled says that somebody has called the start off.
var errCancelled = errors.New("server: start called off")

// operation is this node's work on one server.
type operation struct {
	user, name string
	spawnID    string
	fence      uint64
	// secret is the server's token; empty if the operation was taken over.
	secret string
	// resumed says that the spawner has been asked to start the server, here or
	// by an earlier owner: it must not be asked again.
	resumed bool
	// settings are those of when it began.
	settings Settings
	begun    time.Time
	reports  *reports

	// ctx ends when the operation is lost, attempt also when the start is
	// called off. Neither ends with the Manager: see Manager.quiet.
	ctx, attempt    context.Context
	cancel, callOff context.CancelCauseFunc
}

func (m *Manager) operation(s Server, secret string) *operation {
	op := &operation{
		user: s.User, name: s.Name, spawnID: s.SpawnID, fence: s.Fence,
		secret: secret, resumed: secret == "", settings: *m.settings.Load(), begun: m.now(),
	}
	op.ctx, op.cancel = context.WithCancelCause(context.Background())
	op.attempt, op.callOff = context.WithCancelCause(op.ctx)
	op.reports = newReports(m, op)
	return op
}

func (o *operation) id() string { return store.Join(o.user, o.name) }

func (o *operation) logName() string { return logName(o.user, o.name) }

func (o *operation) ref(s Server) spawner.Ref {
	return spawner.Ref{User: o.user, Server: o.name, SpawnID: o.spawnID, State: s.State}
}

// owned returns the server if the operation is still the one at work on it,
// else errLost.
func (o *operation) owned(r store.Reader) (Server, error) {
	s, found, err := servers.Find(r, o.id())
	if err != nil {
		return s, err
	}
	if !found || s.Fence != o.fence || s.SpawnID != o.spawnID {
		return s, errLost
	}
	return s, nil
}

// interruptible returns a context that ends with the given one and also when
// the Manager closes, for waits that another node can go on with.
func (m *Manager) interruptible(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(m.quiet, func() { cancel(ErrClosed) })
	ctx, stop := context.WithTimeout(ctx, limit)
	return ctx, func() {
		stop()
		unhook()
		cancel(nil)
	}
}

// work does what the server's record asks for, step by step, until nothing is
// pending. Steps do not call each other: each leaves the record in the state
// that says what comes next.
func (m *Manager) work(op *operation) {
	defer op.cancel(errLost)
	defer op.reports.close()
	for {
		s, err := m.current(op)
		if err == nil && s.Pending == PendingNone {
			return
		}
		if err == nil {
			err = m.step(op, s)
		}
		switch {
		case err == nil:
		case errors.Is(err, errElsewhere):
			m.log.Info("operation left to the node that has the server", "server", op.logName())
			return
		case errors.Is(err, errLost):
			m.log.Info("operation was taken over", "server", op.logName())
			m.abandon(op)
			return
		case m.quiet.Err() != nil:
			m.release(op)
			return
		default:
			m.log.Error("operation failed, trying again", "server", op.logName(), "error", err)
			if !sleep(m.quiet, jitter(maxStorePause)) {
				m.release(op)
				return
			}
		}
	}
}

func (m *Manager) step(op *operation, s Server) error {
	switch {
	case s.Pending == PendingSpawn && op.resumed:
		return m.resume(op, s)
	case s.Pending == PendingSpawn:
		return m.spawn(op, s)
	case s.Pending == PendingStop:
		return m.stop(op, s)
	case s.Pending == PendingCheck:
		return m.recheck(op, s)
	}
	return fmt.Errorf("server: unknown pending state %q", s.Pending)
}

// current reads the server at the beginning of a step.
func (m *Manager) current(op *operation) (s Server, err error) {
	err = m.insist(m.done, func(ctx context.Context) error {
		return m.store.View(ctx, func(r store.Reader) error {
			s, err = op.owned(r)
			return err
		})
	})
	return s, err
}

// abandon makes sure that nothing runs that nobody knows of: what this
// operation has begun is stopped, unless the new owner goes on with it.
func (m *Manager) abandon(op *operation) {
	if op.secret == "" {
		return // this operation has begun nothing
	}
	ctx, cancel := context.WithTimeout(m.done, time.Minute)
	defer cancel()
	var s Server
	err := m.store.View(ctx, func(r store.Reader) (err error) {
		s, _, err = servers.Find(r, op.id())
		return err
	})
	if err != nil || s.SpawnID == op.spawnID && s.Active() {
		return
	}
	if err := op.settings.Spawner.Stop(ctx, op.ref(Server{}), true); err != nil {
		m.log.Warn("remains of a lost start could not be stopped", "server", op.logName(), "error", err)
	}
}
