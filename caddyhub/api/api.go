package api

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/userlist"
)

// Options are what an API is made of. Directory, Browser, Servers and Login are
// required.
type Options struct {
	Directory *identity.Directory
	Browser   *browser.Browser
	Servers   *server.Manager
	Login     *authenticator.Login
	// Started, unless nil, is asked before a server of a user starts; it says no
	// with an error of package refresh. The request is nil unless the user made it in
	// a browser.
	Started func(ctx context.Context, r *http.Request, user string) error
	// Users answers about users from memory. Nil asks the store every time.
	Users *userlist.List
	// Base is the hub's path. Default "/".
	Base hubpath.Base
	// PublicURL is the site as users see it, for the absolute URLs in models;
	// nil leaves those null.
	PublicURL *url.URL
	// TokenMaxLifetime bounds tokens that are asked for here
	// (token_expires_in_max_seconds). Zero means no bound.
	TokenMaxLifetime time.Duration
	// NamedServers says whether users may have servers beside the default one
	// (allow_named_servers).
	NamedServers bool
	// PageDefaultLimit is how many entries a page has when the client knows about
	// pages and does not say (api_page_default_limit). Default 50.
	PageDefaultLimit int
	// PageMaxLimit is how many entries an answer has at most
	// (api_page_max_limit). Default 200.
	PageMaxLimit int
	// SpawnerName and AuthenticatorName are what GET /info tells; empty means
	// "unknown".
	SpawnerName       string
	AuthenticatorName string
	// SlowSpawn and SlowStop are how long a request waits for a server before it
	// answers 202 (slow_spawn_timeout, slow_stop_timeout). Default 10 s.
	SlowSpawn time.Duration
	SlowStop  time.Duration
	// ActivityResolution is how much later than the recorded activity of a user
	// or token another one must be to be recorded (activity_resolution).
	// Default 30 s.
	ActivityResolution time.Duration
	// Metrics writes the metrics of this node in the text format of Prometheus;
	// nil means that there are none.
	Metrics func(to io.Writer) error
	// MetricsForAll lets everybody read the metrics (authenticate_prometheus
	// off). Default: the scope read:metrics is needed.
	MetricsForAll bool
	// Observe, unless nil, is told of every request that was answered: the
	// pattern of its path, its method, the status and how long it took.
	Observe func(handler, method string, status int, took time.Duration)
	// Audit records every request that changes something; nil discards.
	Audit *audit.Log
	// Remote is the address of the client of a request, trusted proxies taken
	// into account. Default: the peer of the connection.
	Remote func(*http.Request) netip.Addr
	// RegisterService makes a service that was just created an OAuth client, with
	// its API token as the secret, if it is one at all; inside the transaction
	// that creates it. An error that wraps ErrService is the caller's fault. Nil
	// registers nothing.
	RegisterService func(w store.Writer, service identity.Service, token string) error
	// ServicePID is the process number of a service that the hub runs, inside a
	// transaction; 0 if it does not run now. Nil knows of none.
	ServicePID func(r store.Reader, name string) (int, error)
	// Routes are those of this node; nil shows none, and leaves it to the feed of
	// the store to make known those that are written here.
	Routes Routes
	// CheckRoutes makes the routes in the store and on this node agree with
	// servers and services; nil has nothing to check.
	CheckRoutes func(context.Context) error
	// Shutdown ends this program gracefully, with servers after it has stopped
	// all servers of the hub. It returns at once, and the request that asked for
	// it still gets its answer. Nil refuses such requests.
	Shutdown func(servers bool)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log is for operators; nil discards.
	Log *slog.Logger
}

// API serves the REST API. It is safe for concurrent use.
type API struct {
	options Options
	// root is the path of the API without a slash at the end: "/hub/api". Beside it
	// are health and metrics.
	root, health, metrics string

	routes router
	// headers are those of every answer.
	headers http.Header
	log     *slog.Logger
}

// New makes an API.
func New(options Options) *API {
	options = options.withDefaults()
	a := &API{
		options: options, root: strings.TrimSuffix(options.Base.API(""), "/"), health: options.Base.Hub("health"), metrics: options.Base.Hub("metrics"),
		headers: headersOf(options.Base), log: options.Log,
	}
	for _, endpoints := range [][]endpoint{
		a.hubEndpoints(), a.userEndpoints(), a.serverEndpoints(), a.tokenEndpoints(), a.groupEndpoints(), a.serviceEndpoints(),
		a.proxyEndpoints(), a.authorizationEndpoints(),
	} {
		a.routes.add(endpoints...)
	}
	a.routes.add(a.metricsEndpoint())
	return a
}

func (o Options) withDefaults() Options {
	o.Base = cmp.Or(o.Base, "/")
	o.PageDefaultLimit = cmp.Or(o.PageDefaultLimit, 50)
	o.PageMaxLimit = cmp.Or(o.PageMaxLimit, 200)
	o.SpawnerName = cmp.Or(o.SpawnerName, "unknown")
	o.AuthenticatorName = cmp.Or(o.AuthenticatorName, "unknown")
	o.SlowSpawn = cmp.Or(o.SlowSpawn, 10*time.Second)
	o.SlowStop = cmp.Or(o.SlowStop, 10*time.Second)
	o.ActivityResolution = cmp.Or(o.ActivityResolution, 30*time.Second)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Remote == nil {
		o.Remote = peer
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Serves says whether a request is one for this API: {hub}health, {hub}metrics,
// {hub}api or a path below it, but none of the OAuth provider.
func (a *API) Serves(r *http.Request) bool {
	path := r.URL.EscapedPath()
	if path == a.health || path == a.metrics || path == a.root {
		return true
	}
	rest, below := strings.CutPrefix(path, a.root+"/")
	return below && !strings.HasPrefix(rest, "oauth2/")
}

// peer is the other end of the connection.
func peer(r *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap()
}
