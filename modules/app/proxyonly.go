package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

// registries are the open routing tables of proxies without a hub, by the
// identity of their store.
var registries = caddy.NewUsagePool()

// RoutesStore is a StoreModule that can keep the routes of a proxy without a hub,
// which needs no keys.
type RoutesStore interface {
	// OpenRoutes opens the store. Nil means that routes are kept in memory.
	OpenRoutes(log *slog.Logger) (store.Store, error)
}

// ProxyOnly says that the app is a routing table and nothing else: it has neither
// an authenticator nor a spawner, nor any other word of a hub.
func (a *App) ProxyOnly() bool { return a.proxyOnly }

// onlyRoutes says the same of a configuration that is not provisioned yet.
func (a *App) onlyRoutes() bool {
	least, _ := json.Marshal(&App{StoreRaw: a.StoreRaw, DefaultTarget: a.DefaultTarget})
	all, _ := json.Marshal(a)
	return string(all) == string(least)
}

// Routes are the routes of the hub, or of the proxy; nil while they are not
// known. The first requests wait for the end of Start.
func (a *App) Routes(ctx context.Context) *route.Keeper {
	if !a.proxyOnly {
		if site := a.Await(ctx); site != nil {
			return site.Routes
		}
		return nil
	}
	select {
	case <-a.tried.Done():
	case <-ctx.Done():
	}
	if a.registry == nil || !a.registry.IsKnown() {
		return nil
	}
	return a.registry.Keeper
}

// patience is how long a proxy waits for the one before it to let go of the file
// with the routes: longer than the requests that it lets finish may take.
const patience = 20 * time.Second

// startProxy opens the routing table, or takes over the one that the
// configuration before had open.
func (a *App) startProxy() error {
	target, err := a.defaultTarget()
	if err != nil {
		return err
	}
	if err := a.acquireRegistry(); err != nil {
		return err
	}
	var ctx context.Context
	ctx, a.stop = context.WithCancel(a.ctx)
	first, cancel := context.WithTimeout(ctx, firstTry)
	defer cancel()
	err = a.serveRoutes(first, target)
	if err == nil || !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	a.log.Error("the store is out of reach; requests are answered 503 until it is back", "error", err)
	a.trying.Go(func() { a.keepTryingRoutes(ctx, target) })
	return nil
}

// serveRoutes waits for the routes to be known and puts the default target there.
func (a *App) serveRoutes(ctx context.Context, target route.Target) error {
	if err := a.registry.Known(ctx); err != nil {
		return err
	}
	if err := a.registry.SetDefault(ctx, target); err != nil {
		return fmt.Errorf("caddyhub: default_target: %w", err)
	}
	if !target.IsZero() {
		a.log.Info(fmt.Sprintf("Route added / -> %s", target))
	}
	return nil
}

func (a *App) keepTryingRoutes(ctx context.Context, target route.Target) {
	for {
		err := a.serveRoutes(ctx, target)
		if err == nil || ctx.Err() != nil {
			return
		}
		a.log.Warn("routes are not known yet", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retry):
		}
	}
}

func (a *App) acquireRegistry() error {
	keeping, ok := a.store.(RoutesStore)
	if !ok {
		return errors.New("caddyhub: this store cannot keep the routes of a proxy without a hub; use one of: embedded, memory, redis")
	}
	a.poolKey = a.store.Identity()
	value, _, err := registries.LoadOrNew(a.poolKey, func() (caddy.Destructor, error) {
		opened, err := openPatiently(a.ctx, func() (store.Store, error) { return keeping.OpenRoutes(a.log) })
		if err != nil {
			return nil, fmt.Errorf("caddyhub: store: %w", err)
		}
		return &sharedRegistry{route.OpenRegistry(opened, route.MirrorOptions{Logger: a.log})}, nil
	})
	if err != nil {
		return err
	}
	a.registry = value.(*sharedRegistry)
	return nil
}

// openPatiently waits for another process to let go of a file.
func openPatiently(ctx context.Context, open func() (store.Store, error)) (store.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		opened, err := open() // waits for a second by itself
		if !errors.Is(err, embedded.ErrInUse) || ctx.Err() != nil {
			return opened, err
		}
	}
}

func (a *App) defaultTarget() (route.Target, error) {
	if a.DefaultTarget == "" {
		return route.Target{}, nil
	}
	target, err := route.ParseTargetURL(a.DefaultTarget)
	if err != nil {
		return route.Target{}, fmt.Errorf("caddyhub: default_target: %w", err)
	}
	return target, nil
}

// cleanupProxy gives the routing table back; the last one closes it.
func (a *App) cleanupProxy() error {
	if a.registry == nil || a.poolKey == "" {
		return nil
	}
	stopped := a.Stop()
	// Requests that are under way go on with the registry.
	_, err := registries.Delete(a.poolKey)
	a.poolKey = ""
	return errors.Join(stopped, err)
}

// sharedRegistry is a registry in the pool.
type sharedRegistry struct{ *route.Registry }

// Destruct closes the registry.
func (s *sharedRegistry) Destruct() error { return s.Close() }
