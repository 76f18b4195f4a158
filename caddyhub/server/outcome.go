package server

import (
	"context"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// ready makes the server ready and routed, unless the start was called off.
func (m *Manager) ready(op *operation) error {
	op.reports.flush()
	var done Server
	begun := m.now()
	err := m.change(op, func(w store.Writer, s Server) error {
		done = Server{}
		if s.Pending == PendingStop {
			return nil
		}
		s.Pending, s.Ready, s.Tried = PendingNone, true, nil
		done = s
		return m.putReady(w, s)
	})
	hooks := op.settings.Hooks
	if err != nil || !done.Ready {
		if err != nil && hooks.RouteAdded != nil {
			hooks.RouteAdded(m.now().Sub(begun), err)
		}
		return err
	}
	m.shown(m.done, done)
	if hooks.RouteAdded != nil {
		hooks.RouteAdded(m.now().Sub(begun), nil)
	}
	m.log.Info("server is ready", "server", op.logName(), "url", done.URL, "took", m.now().Sub(op.begun))
	if hooks.Spawned != nil {
		hooks.Spawned(done, m.now().Sub(op.begun), "")
	}
	return nil
}

// putReady writes a ready server with its route and gives the lease back.
func (m *Manager) putReady(w store.Writer, s Server) error {
	routed, err := RouteOf(s)
	if err != nil {
		return err
	}
	if err := route.Put(w, routed); err != nil {
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
