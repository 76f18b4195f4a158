package server

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

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
