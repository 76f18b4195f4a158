package server

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/useroptions"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Options are what a Manager is made of. Store, Directory and Settings.Spawner
// are required.
type Options struct {
	Store     store.Store
	Directory *identity.Directory
	// Node is the name of this machine among the nodes of the hub, the same
	// after every restart; default the host name. Machines, and containers with
	// process numbers of their own, must not share a name. Several hubs on one
	// machine may.
	Node string
	// Routes shows this node's routing table what was committed, so that who
	// waits for a server finds it routed; nil if there is none here.
	Routes RouteApplier
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log is for operators; nil discards.
	Log *slog.Logger
	// Settings may be replaced later with Reconfigure.
	Settings Settings
}

// RouteApplier is the part of route.Mirror that a Manager uses.
type RouteApplier interface {
	Apply(ctx context.Context, specs ...route.Spec) error
}

// Settings are what a new configuration may change while servers run.
type Settings struct {
	// Spawner runs the servers. Required.
	Spawner spawner.Spawner
	// Base is the hub's path; default "/".
	Base hubpath.Base
	// APIURL is how servers reach the hub: http://10.0.0.1/hub/api. Required
	// for servers that are jupyterhub-singleuser.
	APIURL string
	// PublicURL is the hub's origin for browsers, https://hub.example.org;
	// empty if not known.
	PublicURL string
	// UserOrigin is the origin under which a user's servers are reached when
	// each user has a subdomain: https://ada.hub.example.org. Nil means that all
	// are reached by path.
	UserOrigin func(user string) string

	Limits   Limits
	Named    NamedServers
	Timeouts Timeouts
	Launch   Launch
	Hooks    Hooks

	// GroupOverrides change Launch and Timeouts for members of groups
	// (group_overrides).
	GroupOverrides []GroupOverride
	// UserOptions are what users may choose, and what their choices change; nil
	// means that whatever they send is handed to the spawner unread.
	UserOptions *useroptions.Form

	// Probe makes the request that finds out whether a server answers; nil
	// means a plain transport without proxy. For servers with TLS of their own.
	Probe http.RoundTripper
}

// Limits of servers in the whole hub, over all nodes.
type Limits struct {
	// ConcurrentSpawns is how many servers may be starting at once
	// (concurrent_spawn_limit). 0 means 100, negative means no limit.
	ConcurrentSpawns int
	// ActiveServers is how many may be active (active_server_limit). 0 means no limit.
	ActiveServers int
}

// NamedServers says whether users may have servers beside the default one.
type NamedServers struct {
	Enabled bool
	// LimitPerUser is how many (named_server_limit_per_user), the default one
	// not counted. 0 means no limit.
	LimitPerUser int
}

// Timeouts of operations; zero means the default.
type Timeouts struct {
	// Start is how long the spawner may take until the server has an address
	// (start_timeout). Default 60 s.
	Start time.Duration
	// HTTP is how long the server may take until it answers (http_timeout). Default 30 s.
	HTTP time.Duration
	// Poll is how often each server is looked at (poll_interval), 10 % more or
	// less. Default 30 s; negative means never.
	Poll time.Duration
	// Lease is after how long without a sign of life the work of a node is
	// taken over. Default 15 s.
	Lease time.Duration
	// Elsewhere is after how long an operation is given up that only one
	// machine can carry on, and that machine does not come back. Default 5 m.
	Elsewhere time.Duration
}

// Launch is how servers are started.
type Launch struct {
	// Environment is the operator's, applied last (Spawner.environment).
	Environment map[string]string
	// DefaultURL and NotebookDir (default_url, notebook_dir) may use the fields
	// of a spawner.Template. Empty means unset.
	DefaultURL  string
	NotebookDir string
	// AllowedScopes is oauth_client_allowed_scopes: what servers may ask for
	// beside access to themselves.
	AllowedScopes []string
	// TokenScopes is server_token_scopes; nil means those of the role "server".
	TokenScopes []string
	// Spawner is spawner.Request.Overrides.
	Spawner map[string][]string
	// CookieOptions, CookieHostPrefix, Debug, DisableUserConfig, Resources and
	// TLS are as in spawner.Params.
	CookieOptions     map[string]any
	CookieHostPrefix  bool
	Debug             bool
	DisableUserConfig bool
	Resources         spawner.Limits
	TLS               *spawner.TLSFiles
}

func (s Settings) withDefaults() Settings {
	s.Base = cmp.Or(s.Base, "/")
	s.Limits.ConcurrentSpawns = cmp.Or(s.Limits.ConcurrentSpawns, 100)
	s.Timeouts.Start = cmp.Or(s.Timeouts.Start, time.Minute)
	s.Timeouts.HTTP = cmp.Or(s.Timeouts.HTTP, 30*time.Second)
	s.Timeouts.Poll = cmp.Or(s.Timeouts.Poll, 30*time.Second)
	s.Timeouts.Lease = cmp.Or(s.Timeouts.Lease, 15*time.Second)
	s.Timeouts.Elsewhere = cmp.Or(s.Timeouts.Elsewhere, 5*time.Minute)
	if s.Probe == nil {
		s.Probe = defaultProbe()
	}
	return s
}
