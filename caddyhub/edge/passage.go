package edge

import (
	"context"

	"github.com/caddyhub/caddyhub/caddyhub/proxy"
	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// Passage is what the edge has to say to the proxy behind it about a request that
// it lets through.
type Passage struct {
	// Target is where the request goes.
	Target route.Target
	// Opened wants to know of a WebSocket that lives on without its handler; see
	// proxy.Exchange. Nil for other requests. A proxy that does not call it has to
	// end the WebSocket with the context of the request, before it returns.
	Opened func(*proxy.Tunnel) (ended func())
	// Activity is to be told when bytes move, and when a person does something over
	// a WebSocket; nil if nobody asks.
	Activity proxy.Interaction
}

type passageKey struct{}

// WithPassage returns a context that has a passage.
func WithPassage(ctx context.Context, passage *Passage) context.Context {
	return context.WithValue(ctx, passageKey{}, passage)
}

// PassageOf returns the passage of a request from its context.
func PassageOf(ctx context.Context) (*Passage, bool) {
	passage, ok := ctx.Value(passageKey{}).(*Passage)
	return passage, ok
}
