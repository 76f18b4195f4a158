package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// stopTimeout is for one call of the spawner's Stop, which is repeated until it
// succeeds.
const stopTimeout = 2 * time.Minute

// Stop begins to stop a server, or calls off its start, and returns at once;
// done says that the server is not running any more (or never was), else Wait
// tells the outcome. With remove a named server's record goes as well. A stop
// that is pending is joined. Refusals are an *Error of the kinds ErrUser,
// ErrNotFound, ErrDefaultServer and ErrNamedDisabled.
func (m *Manager) Stop(ctx context.Context, user, name string, remove bool) (done bool, err error) {
	switch {
	case name == "" && remove:
		return false, refuse(ErrDefaultServer, http.StatusBadRequest, "Cannot delete the default server")
	case name != "" && !m.settings.Load().Named.Enabled:
		return false, refuse(ErrNamedDisabled, http.StatusBadRequest, "Named servers are not enabled.")
	}
	s, err := m.end(ctx, user, name, ending{remove: remove})
	return s.Stopped(), err
}

// StopAll stops all servers of a user, waits until they are gone and forgets
// their records, the default server's too: for the deletion of a user.
func (m *Manager) StopAll(ctx context.Context, user string) error {
	list, err := m.List(ctx, user)
	if err != nil {
		return err
	}
	for _, s := range list {
		if _, err := m.end(ctx, s.User, s.Name, ending{remove: true}); err != nil {
			return err
		}
	}
	for _, s := range list {
		if err := m.waitGone(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// ending says how a server is to be ended.
type ending struct {
	// remove its record afterwards.
	remove bool
	// spawnID limits it to one run of the server; empty means any.
	spawnID string
	// orphan ends a server whose user does not exist any more.
	orphan bool
}

// end records that a server is to be stopped, with its route gone in the same
// commit, and begins the work if nobody has it. It returns the server as it is
// then; one that never was or is gone now is a stopped one.
func (m *Manager) end(ctx context.Context, user, name string, how ending) (s Server, err error) {
	if m.quiet.Err() != nil {
		return s, ErrClosed
	}
	var op *operation
	begun, routed := m.now(), false
	err = m.update(ctx, func(w store.Writer) error {
		op, routed = nil, false
		if how.orphan {
			s, err = servers.Get(w, store.Join(user, name))
		} else {
			s, err = Get(w, user, name)
		}
		if err != nil {
			return err
		}
		if how.spawnID != "" && s.SpawnID != how.spawnID {
			return nil
		}
		routed = s.Ready
		op, err = m.recordEnd(w, &s, how)
		return err
	})
	if err != nil {
		m.unrouted(begun, routed, err)
		return s, err
	}
	if op != nil {
		m.begin(op)
	}
	m.watch.wake(s.id())
	m.shown(ctx, s)
	m.unrouted(begun, routed, nil)
	if working := m.runs(s.id()); op == nil && working != nil {
		m.look(ctx, working)
	}
	return s, nil
}

// unrouted tells that a server should have lost its route, if it had one.
func (m *Manager) unrouted(begun time.Time, routed bool, err error) {
	if hook := m.settings.Load().Hooks.RouteDeleted; hook != nil && routed {
		hook(m.now().Sub(begun), err)
	}
}

// recordEnd is the transaction of end. The operation is nil if there is
// nothing to do, or somebody at work on the server who does it.
func (m *Manager) recordEnd(w store.Writer, s *Server, how ending) (*operation, error) {
	if s.Stopped() {
		if how.remove {
			return nil, m.forget(w, *s)
		}
		return nil, nil
	}
	s.Remove = s.Remove || how.remove
	if s.Pending == PendingStop {
		return nil, put(w, *s)
	}
	if !s.Route.IsZero() {
		if err := route.Delete(w, s.Route); err != nil {
			return nil, err
		}
	}
	now := m.now().UTC()
	if s.Pending == PendingSpawn {
		s.Failure = cancelled(now)
	}
	ready := s.Ready
	s.Pending, s.PendingSince, s.Ready, s.Tried = PendingStop, now, false, nil
	if !ready {
		// Whoever has the start or the check goes on with the stop.
		return nil, put(w, *s)
	}
	if err := m.acquire(w, s); err != nil {
		return nil, err
	}
	return m.operation(*s, ""), put(w, *s)
}

// stop ends the server and clears its record (JupyterHub "7.3"); the route is
// gone already.
func (m *Manager) stop(op *operation, s Server) error {
	err := m.halt(op, s)
	hook := op.settings.Hooks.Stopped
	if errors.Is(err, spawner.ErrElsewhere) {
		given, err := m.handOver(op)
		if err != nil {
			return err
		}
		if given {
			return errElsewhere
		}
		m.log.Error("server given up: its machine does not come back", "server", op.logName(), "node", s.Node, "tried", s.Tried)
	} else if err != nil {
		if m.quiet.Err() != nil {
			return ErrClosed
		}
		if hook != nil {
			hook(s, m.now().Sub(op.begun), err)
		}
		return err
	}
	m.postStop(op, s)
	op.reports.flush()
	if err := m.change(op, m.clear); err != nil {
		return err
	}
	took := m.now().Sub(op.begun)
	m.log.Info("server has stopped", "server", op.logName(), "took", took)
	if hook != nil {
		hook(s, took, nil)
	}
	return nil
}

// postStop lets others clean up after a server.
func (m *Manager) postStop(op *operation, s Server) {
	hook := op.settings.Hooks.PostStop
	if hook == nil {
		return
	}
	ctx, cancel := m.interruptible(op.ctx, stopTimeout)
	defer cancel()
	if err := hook(ctx, s); err != nil {
		m.log.Warn("hook after the stop failed", "server", op.logName(), "error", err)
	}
}

// halt returns when nothing of the server runs any more. Where a start did not
// end well there is nothing to be saved, and it is ended by force.
func (m *Manager) halt(op *operation, s Server) error {
	ctx, cancel := m.interruptible(op.ctx, stopTimeout)
	defer cancel()
	ref := op.ref(s)
	if recoverer, ok := op.settings.Spawner.(spawner.Recoverer); ok && s.State == nil {
		// The hub died, or the start ended, before the spawner saved anything.
		left, err := recoverer.Recover(ctx, ref)
		if errors.Is(err, spawner.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		ref.State = left.State
	}
	return op.settings.Spawner.Stop(ctx, ref, s.Failure != nil)
}

// clear writes that the server has stopped: nothing of this run is left.
func (m *Manager) clear(w store.Writer, s Server) error {
	if err := identity.DeleteTokenIn(w, identity.UserOwner(s.User), s.TokenID); err != nil {
		return err
	}
	if s.ClientID != "" {
		if err := identity.DeleteClient(w, s.ClientID); err != nil {
			return err
		}
	}
	if err := leases.Delete(w, s.id()); err != nil {
		return err
	}
	m.directory.Activity().Touch(identity.ActivityOfUser(s.User), m.now())
	if s.Remove {
		return m.forget(w, s)
	}
	if s.Failure == nil {
		at := m.now()
		if err := m.directory.Activity().Set(w, identity.ActivityOfServer(s.User, s.Name), at); err != nil {
			return err
		}
	}
	s.Pending, s.PendingSince, s.Ready, s.Tried = PendingNone, time.Time{}, false, nil
	s.State, s.URL, s.TokenID, s.ClientID = nil, "", "", ""
	return put(w, s)
}

// forget removes all records of a stopped server.
func (m *Manager) forget(w store.Writer, s Server) error {
	for _, name := range []string{identity.ActivityOfServer(s.User, s.Name), identity.InteractionWithServer(s.User, s.Name)} {
		if err := m.directory.Activity().Delete(w, name); err != nil {
			return err
		}
	}
	return remove(w, s)
}

// waitGone waits until a server's record is gone, or another's.
func (m *Manager) waitGone(ctx context.Context, s Server) error {
	return m.await(ctx, s.id(), func(r store.Reader) (bool, error) {
		now, found, err := servers.Find(r, s.id())
		return !found || now.UserNumber != s.UserNumber || now.Created != s.Created, err
	})
}
