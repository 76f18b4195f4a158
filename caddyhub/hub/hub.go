// Package hub puts the parts together: one Hub for each store that is open, and
// one Site for each configuration that serves it.
//
// What it guarantees:
//
//   - A Hub outlives configurations. Configure changes settings and returns what
//     serves requests from then on; servers that are starting, the feed of the
//     store and what is in memory go on undisturbed.
//   - A configuration comes into force as a whole or not at all, and when one is
//     given up, the one before it is in force again.
//   - Nothing here decides anything: it is the one place that knows all parts.
package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/cull"
	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/identitytoken"
	"github.com/caddyhub/caddyhub/caddyhub/loginfailures"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/service"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/telemetry"
	"github.com/caddyhub/caddyhub/caddyhub/userlist"
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
	// log goes through relay to where the configuration in force logs to, or
	// to fallback.
	log, fallback *slog.Logger
	relay         relay
	// audit goes through recorder to that of the configuration in force.
	audit    *audit.Log
	recorder relay
	metrics  *telemetry.Metrics
	made     time.Time

	mu     sync.Mutex
	opened *parts
	// sites are those that Configure made and Release has not taken back; the
	// settings of the last one are in force.
	sites []*Site
}

// parts are what a hub consists of once its store has been reached.
type parts struct {
	keys      *keyring.Ring
	directory *identity.Directory
	tokenKeys *identitytoken.Keys
	routes    *route.Mirror
	servers   *server.Manager
	users     *userlist.List
	throttle  *authenticator.Throttle
	sockets   *edge.Sockets
	services  *service.Supervisor
	culler    *cull.Culler
	census    *telemetry.Census
	metrics   *telemetry.Metrics
	audit     *audit.Log
	visits    visits
	// authenticators are those in force.
	authenticators atomic.Pointer[[]authenticator.Named]
	hubAt          atomic.Pointer[address]
	cancel         context.CancelFunc
	running        sync.WaitGroup
}

// New makes a hub over a backend. It touches the store only in Configure. The
// logger is for what is logged before a configuration names another.
func New(backend Backend, log *slog.Logger) *Hub {
	relay, recorder := newRelay(log), newRelay(nil)
	return &Hub{
		backend: backend, log: slog.New(relay), fallback: log, relay: relay,
		audit: audit.New(slog.New(recorder)), recorder: recorder, metrics: telemetry.New(), made: time.Now(),
	}
}

// Metrics are the metrics of this hub on this node, over all configurations.
func (h *Hub) Metrics() *telemetry.Metrics { return h.metrics }

// Configure puts settings in force and returns what serves with them, until it
// is given to Release. The first call opens the hub. After an error what was in
// force before still is; one that wraps store.ErrUnavailable means that nothing
// is wrong but the store is out of reach: try again.
func (h *Hub) Configure(ctx context.Context, settings Settings) (*Site, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	services, err := routesOf(settings)
	if err != nil {
		return nil, err
	}
	plan, err := planOf(settings)
	if err != nil {
		return nil, err
	}
	if h.opened == nil {
		if h.opened, err = h.open(ctx, settings); err != nil {
			return nil, err
		}
	}
	site, err := newSite(h.opened, settings, cmp.Or(settings.Log, h.log))
	if err != nil {
		return nil, err
	}
	if err := h.enforce(ctx, settings, services); err != nil {
		h.restore(ctx, !errors.Is(err, store.ErrUnavailable))
		return nil, err
	}
	if err := h.opened.shutOut(ctx, site.blocked); err != nil {
		h.restore(ctx, !errors.Is(err, store.ErrUnavailable))
		return nil, err
	}
	h.opened.applyPlan(settings, plan)
	site.rotate = h.RotateKeys
	site.warn()
	if len(h.sites) == 0 {
		h.metrics.Started(time.Since(h.made))
	}
	h.sites = append(h.sites, site)
	return site, nil
}

// Release takes back a site that serves no more. If it was the last that
// Configure made, the one before is in force again: that is what a configuration
// comes to that failed elsewhere, after its hub was ready.
func (h *Hub) Release(site *Site) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := slices.Index(h.sites, site)
	if at < 0 {
		return
	}
	last := at == len(h.sites)-1
	h.sites = slices.Delete(h.sites, at, at+1)
	if last {
		ctx, cancel := context.WithTimeout(context.Background(), closing)
		defer cancel()
		h.restore(ctx, true)
	}
}

// enforce puts settings in force: first what may fail, then what does not.
func (h *Hub) enforce(ctx context.Context, settings Settings, services []route.Route) error {
	p := h.opened
	if err := p.servers.Reconfigure(p.serverSettings(settings)); err != nil {
		return err
	}
	h.recorder.to(settings.Audit)
	err := p.directory.Apply(ctx, settings.Configuration)
	p.recordConfiguration(ctx, settings, err)
	if err != nil {
		return fmt.Errorf("hub: configuration of users, groups, roles and services: %w", err)
	}
	if err := p.applyServices(ctx, settings, services); err != nil {
		return err
	}
	if err := p.inTouch(ctx); err != nil {
		return err
	}
	if err := p.tokenKeys.Use(ctx, settings.TokenAlgorithms...); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	p.directory.Configure(settings.Identity)
	p.sockets.Review() // sessions may end sooner now
	p.throttle.Configure(settings.LoginLimits)
	p.authenticators.Store(&settings.Authenticators)
	p.culler.Configure(settings.Cull)
	p.reviews(settings.Refresh.Every)
	h.relay.to(cmp.Or(settings.Log, h.fallback))
	return nil
}

// restore puts the settings of the last site in force again, in the store too if
// something may have been written there.
func (h *Hub) restore(ctx context.Context, written bool) {
	if len(h.sites) == 0 {
		return
	}
	settings := h.sites[len(h.sites)-1].settings
	services, err := routesOf(settings)
	if err == nil && written {
		err = h.enforce(ctx, settings, services)
	}
	if plan, wrong := planOf(settings); wrong == nil {
		h.opened.applyPlan(settings, plan)
	}
	if err == nil && !written {
		err = h.opened.servers.Reconfigure(h.opened.serverSettings(settings))
	}
	if err != nil {
		h.log.Error("the configuration before could not be put back", "error", err)
	}
	h.opened.directory.Configure(settings.Identity)
	h.opened.throttle.Configure(settings.LoginLimits)
}

// inTouch waits for the first routes: before, services would seem not to exist.
func (p *parts) inTouch(ctx context.Context) error {
	select {
	case <-p.routes.Loaded():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: routes not loaded: %w", store.ErrUnavailable, ctx.Err())
	}
}

func (h *Hub) open(ctx context.Context, settings Settings) (*parts, error) {
	keys, err := keyring.Open(ctx, h.backend.Keys, time.Now)
	if err != nil {
		return nil, err
	}
	p := &parts{
		keys: keys, throttle: authenticator.NewThrottle(authenticator.ThrottleOptions{
			Limits: settings.LoginLimits, Failures: loginfailures.New(h.backend.Store, keys),
		}), sockets: edge.NewSockets(h.log),
		metrics: h.metrics, audit: h.audit,
	}
	p.directory = identity.New(identity.Options{
		Store: h.backend.Store, Keys: keys, Settings: settings.Identity, Log: h.log,
	})
	p.tokenKeys = identitytoken.NewKeys(identitytoken.KeysOptions{Store: h.backend.Store, Ring: keys, Log: h.log})
	p.routes = route.NewMirror(h.backend.Store, route.MirrorOptions{Logger: h.log})
	p.servers, err = server.New(server.Options{
		Store: h.backend.Store, Directory: p.directory, Node: settings.Node,
		Routes: p.routes, Log: h.log, Settings: p.serverSettings(settings),
	})
	if err != nil {
		return nil, err
	}
	if p.services, err = h.supervisor(p, settings); err != nil {
		return nil, err
	}
	p.users = userlist.New(userlist.Options{
		Store: h.backend.Store, Activity: p.directory.Activity(), Log: h.log,
	})
	h.account(p, settings)
	h.run(p)
	return p, nil
}

// run starts what goes on in the background until the hub is closed.
func (h *Hub) run(p *parts) {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.running.Go(func() { h.report("routes", p.routes.Run(ctx)) })
	p.running.Go(func() { h.report("servers", p.servers.Run(ctx)) })
	p.running.Go(func() { h.report("users", p.users.Run(ctx)) })
	p.running.Go(func() { h.report("sockets", p.sockets.Run(ctx, h.backend.Store)) })
	p.running.Go(func() {
		p.directory.Activity().Run(ctx, func(err error) {
			p.culler.Blind() // other nodes do not know of it yet
			h.log.Warn("activity not written", "error", err)
		})
	})
	p.running.Go(func() { h.report("census", p.census.Run(ctx, h.backend.Store)) })
	p.running.Go(func() { h.report("culler", p.culler.Run(ctx)) })
	p.running.Go(func() { h.countActive(ctx, p) })
	p.running.Go(func() { h.watchKeys(ctx, p.keys) })
	p.running.Go(func() { h.report("token keys", p.tokenKeys.Run(ctx)) })
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

// RotateKeys puts new keys into force, on every node within a few minutes: one of
// the ring, and those that sign tokens for apps.
func (h *Hub) RotateKeys(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.opened == nil {
		return store.ErrUnavailable
	}
	if err := keyring.Rotate(ctx, h.backend.Keys, h.opened.keys); err != nil {
		return err
	}
	return h.opened.tokenKeys.Rotate(ctx)
}

// Destruct closes the hub. Single-user servers go on, services that it runs end.
func (h *Hub) Destruct() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var err, stopped error
	if p := h.opened; p != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closing)
		defer cancel()
		var stopping sync.WaitGroup
		stopping.Go(func() { stopped = p.stopServices() })
		err = p.servers.Close(ctx)
		stopping.Wait()
		p.cancel()
		p.running.Wait()
		h.opened, h.sites = nil, nil
	}
	return errors.Join(err, stopped, h.backend.Store.Close())
}
