package server

import (
	"context"
	"errors"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// nodes are the Managers that are alive; each announces itself.
var nodes = store.Collection[holder]{Kind: "server_node"}

// renewAlways keeps the leases of this node's operations until Close has ended,
// all in one transaction. When the hub just stops (ctx), nothing is renewed.
func (m *Manager) renewAlways(ctx context.Context) {
	for sleep(ctx, m.settings.Load().Timeouts.Lease/3) {
		m.tryRenew()
	}
	for m.quiet.Err() != nil && sleep(m.done, m.settings.Load().Timeouts.Lease/3) {
		m.tryRenew()
	}
}

func (m *Manager) tryRenew() {
	if err := m.renew(m.done); err != nil && m.done.Err() == nil {
		m.log.Warn("leases could not be renewed", "error", err)
	}
}

func (m *Manager) renew(ctx context.Context) error {
	ops := m.operations()
	if len(ops) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return m.store.Update(ctx, func(w store.Writer) error {
		for _, op := range ops {
			s, err := op.owned(w)
			if errors.Is(err, errLost) || err == nil && s.Pending == PendingNone {
				continue
			}
			if err != nil {
				return err
			}
			if err := m.putLease(w, op.id(), op.fence); err != nil {
				return err
			}
		}
		return nil
	})
}

// announceAlways keeps this Manager on the list of those alive, by which the
// nodes divide the servers that are to be polled.
func (m *Manager) announceAlways(ctx context.Context) {
	for {
		if err := m.announce(ctx); err != nil && ctx.Err() == nil {
			m.log.Debug("node could not announce itself", "error", err)
		}
		if !sleep(ctx, jitter(m.settings.Load().Timeouts.Lease)) {
			return
		}
	}
}

func (m *Manager) announce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	until := m.now().Add(3 * m.settings.Load().Timeouts.Lease)
	return m.store.Update(ctx, func(w store.Writer) error {
		return nodes.Put(w, m.nodeID(), m.self, until)
	})
}

// withdraw takes this Manager off the list.
func (m *Manager) withdraw(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return m.store.Update(ctx, func(w store.Writer) error { return nodes.Delete(w, m.nodeID()) })
}

func (m *Manager) nodeID() string { return store.Join(m.self.Node, m.self.Instance) }

// scanAlways looks for operations that nobody is at work on: at once, and then
// about as often as leases run out. The feed tells of most of them sooner.
func (m *Manager) scanAlways(ctx context.Context) {
	for {
		if err := m.scan(ctx); err != nil && ctx.Err() == nil {
			m.log.Warn("unfinished operations could not be looked for", "error", err)
		}
		if !sleep(ctx, jitter(m.settings.Load().Timeouts.Lease)) {
			return
		}
	}
}

func (m *Manager) scan(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var ids []string
	err := m.store.View(ctx, func(r store.Reader) error {
		ids = ids[:0]
		return pendingServers.Each(r, "", func(item store.Item[Pending]) error {
			held, found, err := leases.Find(r, item.ID)
			if err == nil && (!found || m.dead(held.Holder)) {
				ids = append(ids, item.ID)
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := m.claim(ctx, id); err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil
}
