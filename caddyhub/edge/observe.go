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
	// Granted is told of a browser that has got a grant of a token.
	Granted func(r *http.Request, granted Granted)
}

// Granted is a grant with who got it. It may wait to be agreed to.
type Granted struct {
	// By is who is logged in; nil if nobody is.
	By *identity.Identity
	// Identity is that of the token.
	Identity *identity.Identity
	Grant    identity.Grant
}

func (o Observer) granted(r *http.Request, granted Granted) {
	if o.Granted != nil {
		o.Granted(r, granted)
	}
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
