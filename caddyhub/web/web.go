package web

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/handover"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/useroptions"
	"github.com/caddyhub/caddyhub/caddyhub/subdomain"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// Options are what the pages need. Directory, Browser, Servers, Login, Pages and
// UserPath are required.
type Options struct {
	Directory *identity.Directory
	Browser   *browser.Browser
	Servers   *server.Manager
	Login     *authenticator.Login
	// Pages must have been made for the same path of the hub.
	Pages *page.Pages

	// Base is the hub's path. Default "/".
	Base hubpath.Base
	// PublicURL is the origin of the site as browsers see it; nil if only the
	// request can tell.
	PublicURL *url.URL
	// DefaultURL is where people go who did not say where (default_url). Empty
	// means their own server.
	DefaultURL string
	// Named says whether users have servers beside the default one.
	Named server.NamedServers
	// UserOptions are what is asked before a server starts; nil asks nothing.
	// They must be those of Servers.
	UserOptions *useroptions.Form
	// TokenMaxLifetime bounds tokens that are asked for here
	// (token_expires_in_max_seconds). Zero means no bound.
	TokenMaxLifetime time.Duration

	// Domain is where users and services have hosts of their own; zero: paths.
	Domain subdomain.Domain
	// Handover gives the login to other hosts; nil if there are none.
	Handover *handover.Handover

	// Started, unless nil, is asked before a server of a user starts; it says no
	// with an error of package refresh. The request is nil if somebody else starts it.
	Started func(ctx context.Context, r *http.Request, user string) error
	// UserPath answers {hub}user/..., where requests for servers that do not
	// run come by, with whatever the gate says.
	UserPath http.HandlerFunc

	// Observe, unless nil, is told of every request that was answered: the
	// pattern of its path, its method, the status and how long it took.
	Observe func(handler, method string, status int, took time.Duration)
	// Attempted, unless nil, is told what came of each attempt to log in.
	Attempted func(audit.Outcome)
	// Audit records logins, logouts and all that pages change; nil discards.
	Audit *audit.Log
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log is for operators; nil discards.
	Log *slog.Logger
}

// Web serves the pages. It is safe for concurrent use.
type Web struct {
	options Options
	// hub is the path of the hub, with a slash at both ends.
	hub    string
	routes []route
	now    func() time.Time
	log    *slog.Logger
}

// New makes the pages.
func New(options Options) *Web {
	options.Base = cmp.Or(options.Base, "/")
	w := &Web{options: options, hub: options.Base.Hub(""), now: options.Now, log: options.Log}
	if w.now == nil {
		w.now = time.Now
	}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	w.routes = w.table()
	return w
}
