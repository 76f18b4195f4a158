// Package app is the app "caddyhub": the global option of a Caddyfile, the
// state that all handlers share, and the configuration of the hub.
//
// It guarantees that a configuration can be adapted and validated without
// network, store or files: what those need happens in Start. State that must
// outlive a reload (the store, servers being started, open feeds) sits in a pool
// of the process, under the identity of the store; a reload changes settings and
// disturbs nothing that runs. While the store is out of reach the handlers
// answer 503, and recover with it.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/identitytoken"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/modules/internal/accesslog"
)

func init() {
	caddy.RegisterModule(new(App))
}

// hubs are the open hubs of this process, by the identity of their store.
var hubs = caddy.NewUsagePool()

// App is the hub: who may log in, how their servers run, and where all of that
// is kept. Handlers such as hub_api and hub_auth serve it at sites.
type App struct {
	// Store keeps all state. Default: the embedded store, one file in Caddy's
	// data directory.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=caddyhub.stores inline_key=type"`

	// Authenticators log people in; the login page offers each. At least one.
	AuthenticatorsRaw []json.RawMessage `json:"authenticators,omitempty" caddy:"namespace=caddyhub.authenticators inline_key=type"`

	// Spawner runs single-user servers.
	SpawnerRaw json.RawMessage `json:"spawner,omitempty" caddy:"namespace=caddyhub.spawners inline_key=type"`

	// AllowAll lets in everybody whom an authenticator accepts. Without any of
	// allow_all, allow, allow_groups and admins, nobody gets in.
	AllowAll bool `json:"allow_all,omitempty"`
	// Allow lets in these users.
	Allow []string `json:"allow,omitempty"`
	// AllowGroups lets in members of these groups.
	AllowGroups []string `json:"allow_groups,omitempty"`
	// AllowExistingUsers lets in users whom the hub has already, such as those that
	// an administrator has added. Default: yes if allow names somebody, else no.
	AllowExistingUsers *bool `json:"allow_existing_users,omitempty"`
	// Admins may come in and administer the hub.
	Admins []string `json:"admins,omitempty"`
	// Blocked users stay out, whatever else allows them.
	Blocked []string `json:"blocked,omitempty"`
	// UsernamePattern is a regular expression (RE2) that user names must match
	// from their first character on. Default: any name.
	UsernamePattern string `json:"username_pattern,omitempty"`
	// UsernameMap gives names of an authenticator another name in the hub.
	UsernameMap map[string]string `json:"username_map,omitempty"`

	// Session limits browser sessions. Default: see its fields.
	Session *Session `json:"session,omitempty"`
	// Token limits API tokens. Default: see its fields.
	Token *Token `json:"token,omitempty"`
	// Limits bounds what all users together may do. Default: see its fields.
	Limits *Limits `json:"limits,omitempty"`
	// LoginLimits bounds how many logins may fail. Default: see its fields.
	LoginLimits *LoginLimits `json:"login_limits,omitempty"`
	// Servers is what holds for servers with every spawner; in a Caddyfile it
	// stands in the spawner's block. Default: see its fields.
	Servers *Servers `json:"servers,omitempty"`
	// NamedServers lets users have servers beside their default one. Default:
	// they may not.
	NamedServers *NamedServers `json:"named_servers,omitempty"`
	// Roles are lists of scopes and who has them, beside the roles that every
	// hub has. Who is taken off a list, or whose role is removed, loses it at
	// the next start.
	Roles []Role `json:"roles,omitempty"`
	// Groups are made, and their users added, at every start.
	Groups []Group `json:"groups,omitempty"`
	// Services are programs that use the hub.
	Services []Service `json:"services,omitempty"`
	// ServiceCheckInterval is how often services with a URL are asked whether they
	// are there; the log tells when one is gone. Default: 60s; "off" for never.
	ServiceCheckInterval CheckInterval `json:"service_check_interval,omitempty"`
	// CustomScopes are scopes that services and servers interpret.
	CustomScopes []CustomScope `json:"custom_scopes,omitempty"`
	// Cull stops servers that nobody uses. Default: nothing is culled.
	Cull *Cull `json:"cull,omitempty"`
	// AuthenticatePrometheus wants the scope read:metrics of whoever reads
	// {base_url}hub/metrics. Default: true.
	AuthenticatePrometheus *bool `json:"authenticate_prometheus,omitempty"`
	// AllowWebSocketCookieAuth lets the session cookie open WebSockets to servers,
	// for pages of the same origin. Off, they have to carry the token that their page
	// was given: JupyterLab sends it if its page_config.json has "appendToken": "true".
	// It makes no difference where servers have hosts of their own. Default: true.
	AllowWebSocketCookieAuth *bool `json:"allow_websocket_cookie_auth,omitempty"`
	// Pages is the look of the hub. Default: ours.
	Pages *Pages `json:"pages,omitempty"`

	// PublicURL is where users reach the hub: "https://hub.example.org". Set it
	// when something in front of Caddy changes scheme or host. Default: the
	// address of the site that serves the hub.
	PublicURL string `json:"public_url,omitempty"`
	// Subdomains gives every user and every service a host of their own below this
	// one, "hub.example.org", so that pages of one user are kept from the servers
	// of others by every browser: ada's are at ada.hub.example.org. The site must
	// answer for all these hosts, with a wildcard certificate or on-demand TLS. A
	// port may be written if it is not that of the public URL. Default: all share
	// the host of the hub and are told apart by path.
	Subdomains string `json:"subdomains,omitempty"`
	// BaseURL is the path that the whole hub is under. Default: /.
	BaseURL string `json:"base_url,omitempty"`
	// APIURL is how single-user servers reach the hub, an origin:
	// "http://127.0.0.1:8081". With it they need not trust the site's
	// certificate. Default: the public URL.
	APIURL string `json:"api_url,omitempty"`
	// APIListen is the address on which the API is served for servers, beside
	// the site. Default: the host and port of api_url if that is http and its
	// host an IP address or localhost; else only the site serves it.
	APIListen string `json:"api_listen,omitempty"`
	// DefaultURL is where a user lands after logging in. Default: the user's
	// server.
	DefaultURL string `json:"default_url,omitempty"`

	// DefaultTarget is where a proxy sends what no route is for, see ProxyOnly:
	// "http://127.0.0.1:8081". A route for / that was added over the API comes
	// first. Default: such requests are answered 404.
	DefaultTarget string `json:"default_target,omitempty"`

	// proxyOnly and registry are of an app without a hub, hub and site of one with.
	proxyOnly      bool
	registry       *sharedRegistry
	starters       []func() error
	store          StoreModule
	authenticators []namedAuthenticator
	spawner        SpawnerModule
	spawnerName    string
	base           settingsBase
	places         places
	// signBy and appOrigins are of apps that the hub guards.
	signBy     []identitytoken.Algorithm
	appOrigins []string

	ctx      caddy.Context
	log      *slog.Logger
	requests *accesslog.Log
	poolKey  string
	hub      *hub.Hub // from acquire to Cleanup
	site     atomic.Pointer[hub.Site]
	tried    context.Context // ends when Start has opened the hub, or could not
	endTry   context.CancelFunc
	stop     context.CancelFunc
	trying   sync.WaitGroup
	internal *http.Server
}

type namedAuthenticator struct {
	name   string
	module AuthenticatorModule
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub", New: func() caddy.Module { return new(App) }}
}

// Provision loads the guest modules and checks what can be checked alone.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx, a.log = ctx, ctx.Slogger()
	a.requests = accesslog.New(ctx.Logger(new(caddyhttp.App)))
	a.tried, a.endTry = context.WithCancel(ctx)
	if err := a.loadGuests(ctx); err != nil {
		return err
	}
	if a.proxyOnly {
		_, err := a.defaultTarget()
		return err
	}
	base, err := a.parseSettings()
	a.base = base
	return err
}

// complete says what a hub cannot do without. A proxy can do without anything.
func (a *App) complete() error {
	if a.onlyRoutes() {
		return nil
	}
	if a.DefaultTarget != "" {
		return errors.New("caddyhub: default_target is for a proxy without a hub; what no route of a hub is for is the hub's own")
	}
	if a.SpawnerRaw == nil {
		return errors.New(`caddyhub: no spawner: nothing could start servers; add a line such as "spawner process"`)
	}
	if len(a.AuthenticatorsRaw) == 0 {
		return errors.New(`caddyhub: no authenticator: nobody could log in; add a line such as "authenticator shared_password", or "authenticator null" for a hub that is used through its API alone`)
	}
	return nil
}

func (a *App) loadGuests(ctx caddy.Context) error {
	if a.StoreRaw == nil {
		a.StoreRaw = json.RawMessage(`{"type":"embedded"}`)
	}
	if err := a.complete(); err != nil {
		return err
	}
	a.proxyOnly = a.onlyRoutes()
	loaded, err := ctx.LoadModule(a, "StoreRaw")
	if err != nil {
		return fmt.Errorf("caddyhub: store: %w", err)
	}
	a.store = loaded.(StoreModule)
	if a.proxyOnly {
		return nil
	}
	// Loading a module forgets its raw configuration, and with it its name.
	if a.spawnerName, err = typeOf(a.SpawnerRaw); err != nil {
		return err
	}
	if loaded, err = ctx.LoadModule(a, "SpawnerRaw"); err != nil {
		return fmt.Errorf("caddyhub: spawner: %w", err)
	}
	a.spawner = loaded.(SpawnerModule)
	return a.loadAuthenticators(ctx)
}

func (a *App) loadAuthenticators(ctx caddy.Context) error {
	names, err := authenticatorNames(a.AuthenticatorsRaw)
	if err != nil {
		return err
	}
	loaded, err := ctx.LoadModule(a, "AuthenticatorsRaw")
	if err != nil {
		return fmt.Errorf("caddyhub: authenticator: %w", err)
	}
	for i, module := range loaded.([]any) {
		a.authenticators = append(a.authenticators, namedAuthenticator{names[i], module.(AuthenticatorModule)})
	}
	return nil
}

// typeOf is the name of a guest module in its raw configuration.
func typeOf(raw json.RawMessage) (string, error) {
	var inline struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &inline); err != nil {
		return "", fmt.Errorf("caddyhub: %w", err)
	}
	return inline.Type, nil
}

// retry is how long to wait before the store is tried again at start-up.
const retry = time.Second

// Start opens the hub, or takes over the one that the configuration before had
// open, and puts the settings in force. If the store is out of reach it goes on
// trying while the handlers answer 503.
func (a *App) Start() error {
	defer a.endTry()
	for _, start := range a.starters {
		if err := start(); err != nil {
			return err
		}
	}
	if a.proxyOnly {
		return a.startProxy()
	}
	settings, err := a.settings()
	if err != nil {
		return err
	}
	a.telemetrySettings(&settings)
	if err := a.checkAddresses(settings); err != nil {
		return err
	}
	if a.hub, err = a.acquire(); err != nil {
		return err
	}
	a.showMetrics()
	// Last comes what other configurations notice.
	if err := a.listen(); err != nil {
		return err
	}
	var ctx context.Context
	ctx, a.stop = context.WithCancel(a.ctx)
	err = a.serve(ctx, settings)
	switch {
	case errors.Is(err, store.ErrUnavailable):
		a.log.Error("the store is out of reach; requests are answered 503 until it is back", "error", err)
		a.trying.Go(func() { a.keepTrying(ctx, settings) })
	case err != nil:
		return errors.Join(err, a.stopListening())
	}
	return nil
}

func (a *App) acquire() (*hub.Hub, error) {
	a.poolKey = a.store.Identity()
	value, _, err := hubs.LoadOrNew(a.poolKey, func() (caddy.Destructor, error) {
		backend, err := a.store.Open(a.log)
		if err != nil {
			return nil, fmt.Errorf("caddyhub: store: %w", err)
		}
		return hub.New(backend, a.log), nil
	})
	if err != nil {
		return nil, err
	}
	return value.(*hub.Hub), nil
}

// firstTry is how long Start waits for the store before it lets Caddy go on.
const firstTry = 5 * time.Second

func (a *App) serve(ctx context.Context, settings hub.Settings) error {
	ctx, cancel := context.WithTimeout(ctx, firstTry)
	defer cancel()
	site, err := a.hub.Configure(ctx, settings)
	if err != nil {
		return err
	}
	a.site.Store(site)
	return nil
}

func (a *App) keepTrying(ctx context.Context, settings hub.Settings) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(retry):
		}
		err := a.serve(ctx, settings)
		if err == nil {
			a.log.Info("the store is back; the hub serves")
			return
		}
		if !errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
			a.log.Error("the hub cannot start", "error", err)
		}
	}
}

// OnStart has a function called when the configuration starts, for a handler that
// reads files: it must not when it is provisioned, for that is all that "validate"
// does. An error keeps the configuration from coming into force. Requests that
// wait in Await or Routes come after it.
func (a *App) OnStart(start func() error) { a.starters = append(a.starters, start) }

// Stop ends what belongs to this configuration alone.
func (a *App) Stop() error {
	if a.stop != nil {
		a.stop()
	}
	a.trying.Wait()
	return a.stopListening()
}

// Cleanup gives the hub back; the last one closes it. It is called without Stop
// if another part of the configuration could not start.
func (a *App) Cleanup() error {
	if a.proxyOnly {
		return a.cleanupProxy()
	}
	if a.hub == nil {
		return nil
	}
	stopped := a.Stop()
	if site := a.site.Load(); site != nil {
		a.hub.Release(site)
	}
	a.hub = nil
	_, err := hubs.Delete(a.poolKey)
	return errors.Join(stopped, err)
}

// Site is what serves requests with this configuration; nil while the store has
// not been reached yet.
func (a *App) Site() *hub.Site { return a.site.Load() }

// Await is Site for a request. Caddy starts its apps in any order, so that the
// first requests may be there before the hub is: they wait for the end of Start.
func (a *App) Await(ctx context.Context) *hub.Site {
	if site := a.site.Load(); site != nil {
		return site
	}
	select {
	case <-a.tried.Done():
	case <-ctx.Done():
	}
	return a.site.Load()
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
