package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/api"
	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/caddyhub/handover"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/web"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// Site serves a hub with one configuration. Its parts share what the hub has.
type Site struct {
	// API is JupyterHub's REST API.
	API *api.API
	// OAuth is the OAuth provider.
	OAuth *oauth.Provider
	// Web is the pages.
	Web *web.Web
	// Edge is the gate before servers and services.
	Edge *edge.Edge
	// Routes are for clients that add routes of their own.
	Routes *route.Keeper
	// Handover fetches the login for hosts other than the hub's.
	Handover *handover.Guest

	// JWKS are the keys by which tokens for apps are signed.
	JWKS JWKS

	hosts *hosts
	guard guard

	settings  Settings
	directory *identity.Directory
	routes    *route.Mirror
	rotate    func(context.Context) error
	audit     *audit.Log
	throttle  *authenticator.Throttle
	// blocked are the users who must have nothing.
	blocked []string
	// warn logs what the operator should know about the settings.
	warn func()
}

func newSite(p *parts, settings Settings, log *slog.Logger) (*Site, error) {
	pages, err := page.New(settings.Pages)
	if err != nil {
		return nil, fmt.Errorf("hub: pages: %w", err)
	}
	login, err := authenticator.New(authenticator.Options{
		Authenticators: settings.Authenticators, Rules: settings.Rules,
		Users: users{p.directory}, Throttle: p.throttle, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("hub: login: %w", err)
	}
	checker := p.checker(settings, login, log)
	visitors := browser.New(browser.Options{
		Confirmer: checker,
		Directory: p.directory, Base: settings.Base, PublicURL: settings.PublicURL,
		Guest: settings.guests(), Subdomains: !settings.Domain.IsZero(), Log: log,
	})
	site := &Site{settings: settings, directory: p.directory, routes: p.routes, audit: p.audit, throttle: p.throttle}
	site.Routes = route.NewKeeper(p.directory.Store(), p.routes)
	codes := site.handOver(visitors, log)
	site.guard = guard{parts: p, browser: visitors, log: log}
	site.JWKS = JWKS{p.tokenKeys, settings.Base.Hub(".well-known/jwks.json")}
	for _, text := range settings.Rules.Blocked {
		name, err := login.UserName(text)
		if err != nil {
			return nil, fmt.Errorf("hub: blocked: %w", err)
		}
		site.blocked = append(site.blocked, name)
	}
	site.warn = func() {
		for _, warning := range login.Warnings() {
			log.Warn(warning)
		}
	}
	site.Web = web.New(web.Options{
		Directory: p.directory, Browser: visitors, Servers: p.servers, Login: login, Pages: pages,
		Base: settings.Base, PublicURL: settings.PublicURL, DefaultURL: settings.DefaultURL,
		Named: settings.Servers.Named, TokenMaxLifetime: settings.Tokens.MaxLifetime, Log: log,
		UserOptions: settings.Servers.UserOptions,
		Domain:      settings.Domain, Handover: codes,
		Observe: p.metrics.Request, Audit: p.audit,
		Started:   checker.Started,
		Attempted: func(outcome audit.Outcome) { p.metrics.Login(string(outcome)) },
		// The edge needs the pages for its refusals, so it is made after them.
		UserPath: func(w http.ResponseWriter, r *http.Request) { site.Edge.Answer(w, r) },
	})
	hidden, shown := foreignCookies(settings.Authenticators)
	site.Edge = edge.New(edge.Options{
		Cookies: hidden, ReservedCookies: shown,
		Directory: p.directory, Browser: visitors, Servers: p.servers, Routes: p.routes,
		Sockets: p.sockets, TokenSockets: settings.TokenSockets,
		Base: settings.Base, PublicURL: settings.PublicURL, NamedServers: settings.Servers.Named.Enabled,
		Domain: settings.Domain, Handover: site.Handover,
		Refused: site.Web.Refused, Choose: site.Web.Choose, Observer: p.edgeObserver(), Log: log,
	})
	site.API = api.New(api.Options{
		Directory: p.directory, Browser: visitors, Servers: p.servers, Login: login, Users: p.users,
		Base: settings.Base, PublicURL: settings.PublicURL, TokenMaxLifetime: settings.Tokens.MaxLifetime,
		NamedServers: settings.Servers.Named.Enabled, Started: checker.Started,
		RegisterService: registerServices(p.directory, settings.addresses()), Routes: p.routes, ServicePID: pidOf,
		CheckRoutes:      func(ctx context.Context) error { return p.checkRoutes(ctx, settings.Base) },
		Shutdown:         p.shutdown(settings.Exit, log),
		PageDefaultLimit: settings.Pagination.DefaultLimit, PageMaxLimit: settings.Pagination.MaxLimit,
		Metrics: p.metrics.WriteText, MetricsForAll: settings.MetricsForAll,
		Observe: p.metrics.Request, Audit: p.audit,
		SpawnerName: settings.SpawnerName, AuthenticatorName: settings.AuthenticatorName, Log: log,
	})
	site.OAuth = oauth.New(oauth.Options{
		Directory: p.directory, Browser: visitors, Base: settings.Base, PublicURL: settings.PublicURL,
		Lifetime: settings.Tokens.OAuthLifetime, Pages: site.Web, Log: log,
		Observe: p.metrics.Request, Audit: p.audit,
	})
	return site, nil
}

// RotateKeys puts a new key into force, for an operator.
func (s *Site) RotateKeys(ctx context.Context) error {
	err := s.rotate(ctx)
	s.operated(ctx, audit.Event{Action: "keys.rotate"}, err)
	return err
}

// operated records what an operator has done.
func (s *Site) operated(ctx context.Context, event audit.Event, err error) {
	event.Actor.Kind = audit.Operator
	if err != nil {
		event.Outcome, event.Reason = audit.Failure, err.Error()
	}
	s.audit.Record(ctx, event)
}

// Health says what keeps this node from serving well; nil if nothing does.
func (s *Site) Health(ctx context.Context) error {
	if fresh, since := s.routes.Fresh(); !fresh {
		return fmt.Errorf("out of touch with the store since %s", since.UTC())
	}
	return s.directory.Store().View(ctx, func(r store.Reader) error {
		_, err := r.List("counter", store.Page{Limit: 1})
		return err
	})
}

// Unavailable answers a request that came before the store was reached.
func Unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "The hub is starting. Please try again in a moment.", http.StatusServiceUnavailable)
}

// users tells the login rules who exists.
type users struct{ directory *identity.Directory }

// LookupUser implements authenticator.UserDirectory.
func (u users) LookupUser(ctx context.Context, name string) (exists bool, groups []string, err error) {
	user, err := u.directory.User(ctx, name)
	if errors.Is(err, identity.ErrNotFound) {
		return false, nil, nil
	}
	return err == nil, user.Groups, err
}
