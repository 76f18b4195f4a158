package hub

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/appgate"
	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identitytoken"
)

// App is what a configuration says about an app that the hub guards.
type App struct {
	// Policy says who may use it.
	Policy appgate.Policy
	// IdentityHeaders are those by which it is told who visits.
	IdentityHeaders []string
}

// guard is what gates in front of apps share with the rest of a site.
type guard struct {
	parts   *parts
	browser *browser.Browser
	log     *slog.Logger
}

// Gate makes the gate in front of an app.
func (s *Site) Gate(app App) (*appgate.Gate, error) {
	p := s.guard.parts
	hidden, shown := foreignCookies(s.settings.Authenticators)
	return appgate.New(appgate.Options{
		Directory: s.directory, Browser: s.guard.browser, Sockets: p.sockets, Handover: s.Handover,
		Base: s.settings.Base, PublicURL: s.settings.PublicURL,
		Policy: app.Policy, IdentityHeaders: app.IdentityHeaders, Cookies: hidden, ReservedCookies: shown,
		Renew: s.Edge.Renew, Refused: s.Web.Refused, Decided: p.decided, Visited: p.visitedApp, Log: s.guard.log,
	})
}

// visitedApp records who uses which app, once in a while.
func (p *parts) visitedApp(r *http.Request, visitor *identity.Identity) {
	actor := visitor.Actor()
	if !p.visits.first(visit{actor: actor, server: r.Host}, time.Now()) {
		return
	}
	event := audit.Event{Action: "app.access", Actor: actor, Details: map[string]any{"host": r.Host}}
	if address, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		event.Remote = address.Addr().Unmap()
	}
	p.audit.Record(context.WithoutCancel(r.Context()), event)
}

// Issuer makes the signed tokens that tell an app who visits. Settings must name
// the algorithm.
func (s *Site) Issuer(algorithm identitytoken.Algorithm, lifetime time.Duration) (*identitytoken.Issuer, error) {
	return identitytoken.New(identitytoken.Options{Keys: s.guard.parts.tokenKeys, Algorithm: algorithm, Lifetime: lifetime})
}

// JWKS is the part of the site that tells by which keys tokens are signed.
type JWKS struct {
	*identitytoken.Keys
	path string
}

// Serves says whether a request is one for the JWKS.
func (p JWKS) Serves(r *http.Request) bool { return r.URL.Path == p.path }
