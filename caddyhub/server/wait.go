package server

import (
	"context"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Wait waits until nothing is pending with a server, but no longer than limit,
// and returns what it is then; look at Pending, Ready and Failure. A server
// that was removed is ErrNotFound.
func (m *Manager) Wait(ctx context.Context, user, name string, limit time.Duration) (s Server, err error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = m.await(limited, store.Join(user, name), func(r store.Reader) (bool, error) {
		s, err = Get(r, user, name)
		return s.Pending == PendingNone, err
	})
	if err != nil && ctx.Err() == nil && limited.Err() != nil && s.User != "" {
		err = nil // the limit has passed
	}
	if err == nil && s.Ready {
		m.shown(ctx, s)
	}
	return s, err
}

// await looks at a server until it is as wanted or ctx ends.
func (m *Manager) await(ctx context.Context, id string, until func(store.Reader) (bool, error)) error {
	changed, end := m.watch.on(id)
	defer end()
	for {
		met := false
		err := m.store.View(ctx, func(r store.Reader) (err error) {
			met, err = until(r)
			return err
		})
		if err != nil || met {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-m.quiet.Done():
			return ErrClosed
		}
	}
}
