package cull

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Servers are the servers that are culled; server.Manager implements it.
type Servers interface {
	// Active returns a page of servers that are ready or pending.
	Active(ctx context.Context, afterUser, afterName string, limit int) ([]server.Server, error)
	// Stop begins to stop a server; done says that it is stopped already.
	Stop(ctx context.Context, user, name string, remove bool) (done bool, err error)
	// Wait waits until nothing is pending with a server, but no longer than limit.
	Wait(ctx context.Context, user, name string, limit time.Duration) (server.Server, error)
}

// Leases let one node at a time do something; lease.Keeper implements it.
type Leases interface {
	// Hold does the work while this node has the lease, and returns when ctx has
	// ended and the work with it.
	Hold(ctx context.Context, name string, work func(ctx context.Context))
}

// leaseName is the name of the lease of whoever culls.
const leaseName = "cull"

// Options are what a Culler is made of. Directory, Servers, Leases and
// DeleteUser are required.
type Options struct {
	Directory *identity.Directory
	Servers   Servers
	Leases    Leases
	// DeleteUser deletes a user with what is left of the user's servers. It must
	// refuse a user who has an active one.
	DeleteUser func(ctx context.Context, name string) error
	// Culled, unless nil, is told of everything that was culled: "server" or
	// "user", and the reason.
	Culled func(kind, reason string)
	// Audit records what was done; nil discards.
	Audit *audit.Log
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log is for operators; nil discards.
	Log *slog.Logger
}

// Culler culls. It is safe for concurrent use.
type Culler struct {
	options Options

	mu       sync.Mutex
	settings Settings
	// changed is closed by Configure, and another takes its place.
	changed chan struct{}
	// since is from when on it has seen who is active.
	since time.Time
}

// New makes a Culler, which culls nothing until Configure and Run.
func New(options Options) *Culler {
	if options.Now == nil {
		options.Now = time.Now
	}
	options.Log = cmp.Or(options.Log, slog.New(slog.DiscardHandler))
	return &Culler{options: options, changed: make(chan struct{}), since: options.Now()}
}

// Configure replaces the settings. A pass that is under way ends; what it has
// begun to stop goes on stopping.
func (c *Culler) Configure(settings Settings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if settings == c.settings {
		return
	}
	c.settings = settings
	close(c.changed)
	c.changed = make(chan struct{})
}

// Blind tells that activity may have gone unseen until now, because the store
// was out of reach: nothing from before counts as inactivity.
func (c *Culler) Blind() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since = c.options.Now()
}

func (c *Culler) watched() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.since
}

func (c *Culler) current() (Settings, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.settings, c.changed
}

// Run culls until the context ends, and returns its error. Call it once, in a
// goroutine of its own.
func (c *Culler) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		settings, changed := c.current()
		inForce, end := context.WithCancel(ctx)
		var culling sync.WaitGroup
		if settings.enabled() {
			culling.Go(func() {
				c.options.Leases.Hold(inForce, leaseName, func(ctx context.Context) { c.cullAlways(ctx, settings) })
			})
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
		end()
		culling.Wait()
	}
	return ctx.Err()
}

// cullAlways makes a pass every interval until ctx ends.
func (c *Culler) cullAlways(ctx context.Context, settings Settings) {
	ticker := time.NewTicker(settings.interval())
	defer ticker.Stop()
	for {
		err := c.pass(ctx, settings)
		switch {
		case err == nil, ctx.Err() != nil:
		case errors.Is(err, store.ErrUnavailable):
			c.Blind()
			c.options.Log.Warn("nothing culled: the store is away", "error", err)
		default:
			c.options.Log.Error("not everything culled", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
