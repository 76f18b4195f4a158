package hub

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/edge"
)

// granted records that a browser has got a grant of a token in a link.
func (p *parts) granted(r *http.Request, granted edge.Granted) {
	p.metrics.Granted()
	grant := granted.Grant
	event := audit.Event{
		Action: "grant.create", Outcome: audit.Success, Actor: granted.By.Actor(),
		Target:  audit.Target{User: grant.Client.Server.User, Service: grant.Client.Service, TokenID: grant.TokenID},
		Details: map[string]any{"as": grant.Owner.Name(), "as_kind": grant.Owner.Kind(), "pending": grant.Beside != "" && !grant.Agreed},
	}
	if grant.Client.Service == "" {
		event.Target.Server = &grant.Client.Server.Name
	}
	if address, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		event.Remote = address.Addr().Unmap()
	}
	p.audit.Record(context.WithoutCancel(r.Context()), event)
}
