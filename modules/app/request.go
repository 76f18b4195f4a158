package app

import (
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/hub"
)

// Of returns the app for a handler that needs a hub.
func Of(ctx caddy.Context, directive string) (*App, error) {
	found, err := Any(ctx, directive)
	if err == nil && found.ProxyOnly() {
		return nil, fmt.Errorf("%s: the global option caddyhub has neither a spawner nor an authenticator, so that it is a proxy and no hub; add \"spawner process\" and an authenticator, or remove %s", directive, directive)
	}
	return found, err
}

// Any returns the app for a handler that works with and without a hub.
func Any(ctx caddy.Context, directive string) (*App, error) {
	loaded, err := ctx.AppIfConfigured("caddyhub")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, fmt.Errorf("%s: no hub is configured; add the global option \"caddyhub { ... }\" at the top of the Caddyfile", directive)
	}
	if err != nil {
		return nil, err
	}
	return loaded.(*App), nil
}

// Part is one face of the hub: its API, its pages, its OAuth provider.
type Part interface {
	http.Handler
	// Serves says whether a request is one for this part.
	Serves(r *http.Request) bool
}

// Serve lets a part answer what it serves and passes on the rest.
func (a *App) Serve(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, part func(*hub.Site) Part) error {
	return a.Guard(w, r, func(w http.ResponseWriter, r *http.Request) error { return a.serveGuarded(w, r, next, part) })
}

// Guard keeps secrets of a request out of Caddy's logs, see package accesslog, and
// answers one that may be a replay.
func (a *App) Guard(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter, *http.Request) error) error {
	if gate.TooEarly(r) {
		serve = func(w http.ResponseWriter, _ *http.Request) error {
			gate.RefuseEarly(w)
			return nil
		}
	}
	return a.requests.Guard(w, r, serve)
}

func (a *App) serveGuarded(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, part func(*hub.Site) Part) error {
	site := a.Await(r.Context())
	if site == nil {
		hub.Unavailable(w)
		return nil
	}
	if site.Astray(r) {
		site.Lead(w, Prepare(r))
		return nil
	}
	serving := part(site)
	if !serving.Serves(r) {
		return next.ServeHTTP(w, r)
	}
	serving.ServeHTTP(w, Prepare(r))
	return nil
}

// Prepare returns a request whose RemoteAddr is the client's as Caddy knows it,
// trusted proxies taken into account: what limits and logs go by.
func Prepare(r *http.Request) *http.Request {
	client, ok := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	if !ok || client == "" {
		return r
	}
	host, port, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		port = "0" // a proxy on a Unix socket has none
	}
	if host == client {
		return r
	}
	prepared := new(http.Request)
	*prepared = *r
	prepared.RemoteAddr = net.JoinHostPort(client, port)
	return prepared
}
