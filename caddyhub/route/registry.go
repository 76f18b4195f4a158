package route

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Registry is a routing table that no hub has: the one of a proxy alone. Make one
// with OpenRegistry.
type Registry struct {
	*Keeper
	mirror  *Mirror
	logger  *slog.Logger
	now     func() time.Time
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// OpenRegistry shows the routes of a store and follows it until Close, which
// closes the store too. When they were last used is written every
// ActivityInterval and by Close; the activity of a route is the latest that any
// Registry over this store has seen. A nil store keeps routes in memory, where
// they end with the Registry.
func OpenRegistry(s store.Store, options MirrorOptions) *Registry {
	g := &Registry{logger: options.Logger, now: options.Now, cancel: func() {}}
	if g.logger == nil {
		g.logger = slog.New(slog.DiscardHandler)
	}
	if g.now == nil {
		g.now = time.Now
	}
	if s == nil {
		g.Keeper = NewMemoryKeeper()
		return g
	}
	g.mirror = NewMirror(s, options)
	g.mirror.activities = newActivities(s, g.mirror.Table(), g.logger)
	g.Keeper = NewKeeper(s, g.mirror)
	ctx, cancel := context.WithCancel(context.Background())
	g.cancel = cancel
	g.running.Go(func() {
		if err := g.mirror.Run(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrClosed) {
			g.logger.Error("routes are not followed any more", "error", err)
		}
	})
	g.running.Go(func() { g.mirror.activities.run(ctx) })
	return g
}

// Known waits until the routes have been read for the first time. It is the
// error of the context if that ends before.
func (g *Registry) Known(ctx context.Context) error {
	if g.mirror == nil {
		return nil
	}
	select {
	case <-g.mirror.Loaded():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// IsKnown is Known without waiting.
func (g *Registry) IsKnown() bool {
	if g.mirror == nil {
		return true
	}
	select {
	case <-g.mirror.Loaded():
		return true
	default:
		return false
	}
}

// SetDefault makes a target that of the root, for whatever no route is for; none
// takes away the one that SetDefault has set before. A root that a client has
// added is left alone. The routes must be known.
func (g *Registry) SetDefault(ctx context.Context, to Target) error {
	root, err := NewSpec("")
	if err != nil {
		return err
	}
	known, found := g.Table().Get(root)
	switch {
	case found && !known.Data().Default:
		return nil
	case !to.IsZero():
		return g.Put(ctx, Route{
			Spec: root, Target: to, Data: Data{Default: true, Extra: "{}"},
			Added: g.now().UTC().Truncate(time.Millisecond),
		})
	case found:
		_, err = g.Remove(ctx, root)
	}
	return err
}

// Close ends the following of the store, and closes it.
func (g *Registry) Close() error {
	g.cancel()
	g.running.Wait()
	if g.store == nil {
		return nil
	}
	return g.store.Close()
}
