package hub

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/server"
)

// shutOut ends what blocked users still have: sessions, tokens and rights at
// once, servers in the background. Who is let in again later logs in anew.
func (p *parts) shutOut(ctx context.Context, blocked []string) error {
	for _, name := range blocked {
		err := p.directory.Block(ctx, name)
		p.audit.Record(ctx, audit.Event{Action: "user.block", Target: audit.Target{User: name}, Outcome: outcomeOf(err)})
		if err != nil {
			return fmt.Errorf("hub: blocked user: %w", err)
		}
		running, err := p.servers.List(ctx, name)
		if errors.Is(err, server.ErrUser) {
			continue
		}
		if err != nil {
			return fmt.Errorf("hub: servers of a blocked user: %w", err)
		}
		for _, s := range running {
			if s.Stopped() {
				continue
			}
			if _, err := p.servers.Stop(ctx, s.User, s.Name, false); err != nil {
				return fmt.Errorf("hub: server of a blocked user: %w", err)
			}
		}
	}
	return nil
}
