package edge

import (
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// Observer is told what becomes of requests, on the way of each: it must not
// wait. Each field may be nil.
type Observer struct {
	// Decided is told every decision.
	Decided func(gate.Decision)
	// Unreachable is told of a request whose upstream did not answer.
	Unreachable func()
	// Visited is told of a request that is let through to a server of somebody
	// else than who makes it.
	Visited func(r *http.Request, visitor *identity.Identity, user, server string)
}

func (o Observer) decided(decision gate.Decision) {
	if o.Decided != nil {
		o.Decided(decision)
	}
}

func (o Observer) unreachable() {
	if o.Unreachable != nil {
		o.Unreachable()
	}
}

func (o Observer) visited(r *http.Request, v *visit) {
	owner := v.client.Server.User
	if o.Visited == nil || owner == "" || v.Identity == nil || v.Identity.Owner == identity.UserOwner(owner) {
		return
	}
	o.Visited(r, v.Identity, owner, v.client.Server.Name)
}

// Closed has every WebSocket told that is closed, with the code. Call it before
// Run.
func (s *Sockets) Closed(tell func(code int)) { s.closed = tell }
