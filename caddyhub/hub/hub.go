// Package hub puts the parts together: one Hub for each store that is open, and
// one Site for each configuration that serves it.
//
// What it guarantees:
//
//   - A Hub outlives configurations. Configure changes settings and returns what
//     serves requests from then on; servers that are starting, the feed of the
//     store and what is in memory go on undisturbed.
//   - Nothing here decides anything: it is the one place that knows all parts.
package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Backend is where a hub keeps its state and its keys.
type Backend struct {
	// Store is closed with the hub.
	Store store.Store
	// Keys is where the key ring is.
	Keys keyring.Source
}

// reloadKeys is how often a node looks for keys that another has rotated in. It
// must be well below the time a new key waits before it comes into force.
const reloadKeys = 30 * time.Second

// closing is how long the end of a hub waits for what is under way.
const closing = 10 * time.Second

// Hub is an open hub.
type Hub struct {
	backend Backend
	log     *slog.Logger

	mu     sync.Mutex
	opened *parts
}

// parts are what a hub consists of once its store has been reached.
type parts struct {
	keys      *keyring.Ring
	directory *identity.Directory
	routes    *route.Mirror
	servers   *server.Manager
	throttle  *authenticator.Throttle
	cancel    context.CancelFunc
	running   sync.WaitGroup
}

// New makes a hub over a backend. It touches the store only in Configure.
func New(backend Backend, log *slog.Logger) *Hub {
	return &Hub{backend: backend, log: log}
}

// Configure puts settings in force and returns what serves with them. The first
// call opens the hub. An error that wraps store.ErrUnavailable means that
// nothing is wrong but the store is out of reach: try again.
func (h *Hub) Configure(ctx context.Context, settings Settings) (*Site, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.opened == nil {
		opened, err := h.open(ctx, settings)
		if err != nil {
			return nil, err
		}
		h.opened = opened
	} else if err := h.opened.servers.Reconfigure(settings.Servers); err != nil {
		return nil, err
	}
	h.opened.directory.Configure(settings.Identity)
	if err := h.opened.directory.Apply(ctx, settings.Configuration); err != nil {
		return nil, fmt.Errorf("hub: configuration of users, groups, roles and services: %w", err)
	}
	if err := h.opened.applyServices(ctx, settings.Base, settings.Configuration.Services); err != nil {
		return nil, err
	}
	site, err := newSite(h.opened, settings, h.log)
	if err != nil {
		return nil, err
	}
	site.rotate = h.RotateKeys
	return site, nil
}

func (h *Hub) open(ctx context.Context, settings Settings) (*parts, error) {
	keys, err := keyring.Open(ctx, h.backend.Keys, time.Now)
	if err != nil {
		return nil, err
	}
	p := &parts{keys: keys, throttle: authenticator.NewThrottle(authenticator.ThrottleOptions{})}
	p.directory = identity.New(identity.Options{
		Store: h.backend.Store, Keys: keys, Settings: settings.Identity, Log: h.log,
	})
	p.routes = route.NewMirror(h.backend.Store, route.MirrorOptions{Logger: h.log})
	p.servers, err = server.New(server.Options{
		Store: h.backend.Store, Directory: p.directory, Node: settings.Node,
		Routes: p.routes, Log: h.log, Settings: settings.Servers,
	})
	if err != nil {
		return nil, err
	}
	h.run(p)
	return p, nil
}

// run starts what goes on in the background until the hub is closed.
func (h *Hub) run(p *parts) {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.running.Go(func() { h.report("routes", p.routes.Run(ctx)) })
	p.running.Go(func() { h.report("servers", p.servers.Run(ctx)) })
	p.running.Go(func() {
		p.directory.Activity().Run(ctx, func(err error) { h.log.Warn("activity not written", "error", err) })
	})
	p.running.Go(func() { h.watchKeys(ctx, p.keys) })
}

func (h *Hub) report(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrClosed) {
		h.log.Error("a part of the hub ended", "part", what, "error", err)
	}
}

func (h *Hub) watchKeys(ctx context.Context, keys *keyring.Ring) {
	ticker := time.NewTicker(reloadKeys)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := keyring.Reload(ctx, h.backend.Keys, keys); err != nil {
				h.log.Warn("keys not reloaded", "error", err)
			}
		}
	}
}

// RotateKeys puts a new key into force, on every node within a few minutes.
func (h *Hub) RotateKeys(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.opened == nil {
		return store.ErrUnavailable
	}
	return keyring.Rotate(ctx, h.backend.Keys, h.opened.keys)
}

// Destruct closes the hub. Single-user servers go on.
func (h *Hub) Destruct() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var err error
	if p := h.opened; p != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closing)
		defer cancel()
		err = p.servers.Close(ctx)
		p.cancel()
		p.running.Wait()
		h.opened = nil
	}
	return errors.Join(err, h.backend.Store.Close())
}
