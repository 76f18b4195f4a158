package server

import (
	"context"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// Hooks let others take part. Each may be nil.
type Hooks struct {
	// Refresh looks at the user's external login before a start
	// (refresh_pre_spawn) and refuses with AuthExpired. Other errors end the
	// start as they are.
	Refresh func(ctx context.Context, user identity.User) error
	// PreSpawn may change what is about to be started (pre_spawn_hook). An
	// error fails the start; a *spawner.Error tells the user why.
	PreSpawn func(ctx context.Context, user identity.User, request *spawner.Request) error
	// PostStop is called when a server has gone (post_stop_hook), perhaps more
	// than once if a node dies meanwhile. Its error is logged.
	PostStop func(ctx context.Context, server Server) error
	// Spawned tells that a start has ended on this node, after how long; the
	// reason is empty if it succeeded.
	Spawned func(server Server, took time.Duration, reason spawner.Reason)
	// Refused tells that a start was refused before it began, and why.
	Refused func(user, name string, took time.Duration, err error)
	// Stopped tells that a stop has ended on this node, and after how long; or
	// that an attempt failed, which is repeated.
	Stopped func(server Server, took time.Duration, err error)
	// Polled tells that a server was polled, and how long it took.
	Polled func(running bool, took time.Duration)
	// RouteAdded and RouteDeleted tell that a server got its route or lost it, or
	// should have, and how long that took: the commit, and this node's table.
	RouteAdded, RouteDeleted func(took time.Duration, err error)
	// Initialized tells that every server was looked at for the first time since
	// this Manager runs, and how long that took.
	Initialized func(took time.Duration)
}
