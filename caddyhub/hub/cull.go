package hub

import (
	"context"
	"fmt"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/cull"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/lease"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/telemetry"
)

// account makes what counts and what culls.
func (h *Hub) account(p *parts, settings Settings) {
	p.culler = cull.New(cull.Options{
		Directory: p.directory, Servers: p.servers, Leases: lease.New(h.backend.Store, settings.Node, nil, h.log),
		DeleteUser: p.deleteUser, Culled: p.metrics.Culled, Audit: p.audit, Log: h.log,
	})
	p.census = telemetry.NewCensus(p.culler.Blind, identity.KindUserNumber, server.KindActive, server.KindPending)
	p.watch()
}

// deleteUser deletes a user who has no active server, with all that is theirs.
func (p *parts) deleteUser(ctx context.Context, name string) error {
	list, err := p.servers.List(ctx, name)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.Active() {
			return fmt.Errorf("hub: user %s has an active server", authenticator.ForLog(name))
		}
	}
	if err := p.servers.StopAll(ctx, name); err != nil {
		return err
	}
	if known := p.authenticators.Load(); known != nil {
		for _, named := range *known {
			if deleter, can := named.Authenticator.(authenticator.UserDeleter); can {
				if err := deleter.DeleteUser(ctx, name); err != nil {
					return err
				}
			}
		}
	}
	return p.directory.DeleteUser(ctx, name)
}
