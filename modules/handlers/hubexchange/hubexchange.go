// Package hubexchange is the module http.handlers.hub_exchange: people come in by a
// one-time token that a portal has given them.
package hubexchange

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/hub"
	"github.com/caddyhub/caddyhub/caddyhub/web"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("hub_exchange", parseCaddyfile)
}

// Handler logs people in whom a portal has sent with a one-time token, wherever on
// the site the link of the portal leads. The token is exchanged for a session, and
// the browser goes on to the same address without it. Requests without a token are
// passed on.
//
// The portal is trusted as an authenticator is: users that it names come in unless
// blocked; where the hub has allow rules, they count. It is either asked what a
// token is worth (redeem, the protocol of JupyterHub's forced login), or signs what
// it says (jwt).
type Handler struct {
	// Parameter of the query, or field of a posted form, that has the token. Its name
	// must tell that it is secret, as one does with "token", "ticket", "code" or "key"
	// in it: by the name the access log hides it. Default: login_token.
	Parameter string `json:"parameter,omitempty"`
	// Header that may have the token instead, such as X-Login-Token. Default: none.
	Header string `json:"header,omitempty"`

	// Redeem is where the portal is asked. Either this or JWT.
	Redeem *Redeem `json:"redeem,omitempty"`
	// Timeout is how long the portal may take to answer. Default: 10s.
	Timeout words.Duration `json:"timeout,omitempty"`
	// JWT says which signed tokens are believed.
	JWT *JWT `json:"jwt,omitempty"`

	// UsernameClaim is the member of the portal's answer, or the claim of the signed
	// token, that is the user name. Objects are entered with dots. Default: name in an
	// answer, sub in a signed token.
	UsernameClaim string `json:"username_claim,omitempty"`
	// GroupsClaim is a list of groups, which replaces those of the user. Default:
	// groups are not touched.
	GroupsClaim string `json:"groups_claim,omitempty"`
	// AdminClaim is true or false, and makes the user an administrator or takes that
	// away. Default: the portal makes nobody one.
	AdminClaim string `json:"admin_claim,omitempty"`
	// AuthStateClaim is kept sealed with the user, for hooks around servers. Default:
	// nothing is kept.
	AuthStateClaim string `json:"auth_state_claim,omitempty"`
	// ScopesClaim is a list of scopes that the session is limited to, of those that
	// the user has. It limits whenever it is there, also by this default: scopes.
	ScopesClaim string `json:"scopes_claim,omitempty"`
	// ServerClaim is the name of the user's server to go to; empty means the default
	// server. Default: server.
	ServerClaim string `json:"server_claim,omitempty"`
	// NextClaim is where to go, an address on this site; before ServerClaim. Default:
	// next.
	NextClaim string `json:"next_claim,omitempty"`

	// CreateUsers creates users that the hub does not have. Default: true.
	CreateUsers *bool `json:"create_users,omitempty"`
	// StartServer starts the server to go to, unless it runs. Default: false.
	StartServer bool `json:"start_server,omitempty"`
	// LimitToServer limits every session to the server that the token names: it opens
	// nothing else, and no page of the hub but the ones to start it again. Tokens that
	// name none are refused. Default: false.
	LimitToServer bool `json:"limit_to_server,omitempty"`
	// Portal is the address of the portal for people: where they are sent whose token
	// is worth nothing, and who come without one where nobody else logs them in.
	// Default: nowhere.
	Portal string `json:"portal,omitempty"`

	app      *app.App
	arrivals *web.Arrivals
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.hub_exchange", New: func() caddy.Module { return new(Handler) }}
}

// Provision finds the hub. What depends on secrets is checked when it starts.
func (h *Handler) Provision(ctx caddy.Context) (err error) {
	if h.app, err = app.Of(ctx, "hub_exchange"); err != nil {
		return err
	}
	if err := h.complete(); err != nil {
		return err
	}
	arrivals, wrong := h.make(ctx.Slogger())
	h.app.OnStart(func() error {
		if wrong == nil {
			arrivals.Pages = h.app.ServesPages()
			h.arrivals = arrivals
		}
		return wrong
	})
	return nil
}

// ServeHTTP answers requests with a token and passes on all others.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.app.Guard(w, r, func(w http.ResponseWriter, r *http.Request) error {
		site := h.app.Await(r.Context())
		if site == nil {
			hub.Unavailable(w)
			return nil
		}
		prepared := app.Prepare(r)
		if site.Web.Arrive(w, prepared, h.arrivals) {
			return nil
		}
		r.Body = prepared.Body // it may have been looked into
		return next.ServeHTTP(w, r)
	})
}

func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	return handler, handler.UnmarshalCaddyfile(h.Dispenser)
}

// Interface guards
var (
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
)
