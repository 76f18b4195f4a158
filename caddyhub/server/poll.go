package server

import (
	"context"
	"errors"
	"hash/fnv"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	// pollers bounds how many servers are looked at at once.
	pollers = 8
	// pollTimeout is for one look at a server.
	pollTimeout = 30 * time.Second
	// pollPage is how many servers are read at once.
	pollPage = 200
)

// pollAlways looks at every ready server: at once, since a hub that has just
// come up knows of each only that it was ready and makes sure that it answers,
// and then every poll interval.
func (m *Manager) pollAlways(ctx context.Context) {
	verified := false
	for {
		if interval := m.settings.Load().Timeouts.Poll; interval > 0 || !verified {
			err := m.pollAll(ctx, !verified)
			if err != nil && ctx.Err() == nil {
				m.log.Warn("servers could not be polled", "error", err)
			}
			verified = verified || err == nil
		}
		if !sleep(ctx, jitter(max(m.settings.Load().Timeouts.Poll, time.Second))) {
			return
		}
	}
}

// pollAll looks at the ready servers that fall to this node.
func (m *Manager) pollAll(ctx context.Context, verify bool) error {
	var looking sync.WaitGroup
	defer looking.Wait()
	room := make(chan struct{}, pollers)
	page := store.Page{Limit: pollPage}
	for {
		candidates, last, err := m.candidates(ctx, page)
		if err != nil {
			return err
		}
		for _, c := range candidates {
			select {
			case room <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			looking.Go(func() {
				defer func() { <-room }()
				m.inspect(ctx, c, verify)
			})
		}
		if last == "" {
			return nil
		}
		page.After = last
	}
}

// candidate is a ready server that falls to this node.
type candidate struct {
	server Server
	// orphan says that its user has been deleted.
	orphan bool
}

// candidates reads one page of active servers; last is where the next begins,
// empty if there is none.
func (m *Manager) candidates(ctx context.Context, page store.Page) (mine []candidate, last string, err error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	err = m.store.View(ctx, func(r store.Reader) error {
		mine, last = nil, ""
		alive, err := m.alive(r)
		if err != nil {
			return err
		}
		list, err := active(r, page)
		if err != nil {
			return err
		}
		for _, s := range list {
			if !s.Ready || !m.responsible(s, alive) {
				continue
			}
			user, err := identity.GetUser(r, s.User)
			if err != nil && !errors.Is(err, identity.ErrNotFound) {
				return err
			}
			mine = append(mine, candidate{s, err != nil || user.Number != s.UserNumber})
		}
		if len(list) == page.Size() {
			last = list[len(list)-1].id()
		}
		return nil
	})
	return mine, last, err
}

// alive are the Managers that are known to be there, this one among them.
func (m *Manager) alive(r store.Reader) ([]holder, error) {
	list := []holder{m.self}
	err := nodes.Each(r, "", func(item store.Item[holder]) error {
		if item.Value.Instance != m.self.Instance && !m.dead(item.Value) {
			list = append(list, item.Value)
		}
		return nil
	})
	return list, err
}

// responsible divides the servers: each falls to one Manager of the node that
// started it, or of all if that node is away.
func (m *Manager) responsible(s Server, alive []holder) bool {
	var best holder
	var most uint64
	near := false
	for _, h := range alive {
		same := h.Node == s.Node
		sum := fnv.New64a()
		_, _ = sum.Write([]byte(h.Instance + "/" + s.SpawnID)) // never fails
		weight := sum.Sum64()
		if same && !near || same == near && weight >= most {
			best, most, near = h, weight, same
		}
	}
	return best.Instance == m.self.Instance
}

// inspect looks at one server and has it cleaned up if it is gone.
func (m *Manager) inspect(ctx context.Context, c candidate, verify bool) {
	s := c.server
	if c.orphan {
		m.log.Warn("server of a user who does not exist is stopped", "server", s.LogName())
		m.reap(ctx, s, ending{remove: true, orphan: true, spawnID: s.SpawnID})
		return
	}
	status, err := m.poll(ctx, s)
	if err != nil {
		if !errors.Is(err, spawner.ErrElsewhere) && ctx.Err() == nil {
			m.log.Warn("server could not be polled", "server", s.LogName(), "error", err)
		}
		return
	}
	if !status.Running {
		m.log.Warn("server has ended by itself", "server", s.LogName(), "status", status.ExitCode, "message", status.Message)
		m.reap(ctx, s, ending{spawnID: s.SpawnID})
		return
	}
	if !verify {
		return
	}
	if answered, err := m.probe(ctx, *m.settings.Load(), s); !answered && ctx.Err() == nil {
		m.log.Warn("server runs and does not answer", "server", s.LogName(), "error", err)
		if err := m.beginCheck(ctx, s); err != nil {
			m.log.Warn("server could not be checked", "server", s.LogName(), "error", err)
		}
	}
}

func (m *Manager) poll(ctx context.Context, s Server) (spawner.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	settings := m.settings.Load()
	begun := m.now()
	status, err := settings.Spawner.Poll(ctx, s.Ref())
	if settings.Hooks.Polled != nil {
		settings.Hooks.Polled(m.now().Sub(begun))
	}
	return status, err
}

func (m *Manager) reap(ctx context.Context, s Server, how ending) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if _, err := m.end(ctx, s.User, s.Name, how); err != nil && ctx.Err() == nil {
		m.log.Warn("server could not be cleaned up", "server", s.LogName(), "error", err)
	}
}

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
