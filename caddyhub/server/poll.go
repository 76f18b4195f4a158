package server

import (
	"context"
	"errors"
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
	begun, verified := m.now(), false
	for {
		if interval := m.settings.Load().Timeouts.Poll; interval > 0 || !verified {
			err := m.pollAll(ctx, !verified)
			if err != nil && ctx.Err() == nil {
				m.log.Warn("servers could not be polled", "error", err)
			}
			if hook := m.settings.Load().Hooks.Initialized; hook != nil && err == nil && !verified {
				hook(m.now().Sub(begun))
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
	if settings.Hooks.Polled != nil && err == nil {
		settings.Hooks.Polled(status.Running, m.now().Sub(begun))
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
