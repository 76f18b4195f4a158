package appgate

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/handover"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// Options are what a Gate is made of. Directory, Browser, Sockets, Base and
// Policy are required.
type Options struct {
	Directory *identity.Directory
	// Browser must know the hosts of apps as guests that are not the hub's own.
	Browser *browser.Browser
	// Sockets is where open WebSockets are entered, to be decided about again.
	Sockets *edge.Sockets
	// Handover brings logins to guests; nil if there are none.
	Handover *handover.Guest
	// Base is the path of the hub.
	Base hubpath.Base
	// PublicURL is the origin of the hub as browsers see it; nil if only the
	// request can tell, and then every app is on the host of the hub.
	PublicURL *url.URL

	// Policy says who may use the app.
	Policy Policy
	// IdentityHeaders are those by which this app is told who visits, beside
	// those that are known for it. No client gets one past the gate.
	IdentityHeaders []string
	// Cookies are credentials for other sites, by exact name: no app sees one.
	// ReservedCookies are those that apps may see but, as with Cookies, not set.
	Cookies, ReservedCookies []string

	// Renew prolongs the session behind a visit, if it is time to, and does not
	// wait for it; nil prolongs none.
	Renew func(ctx context.Context, visit browser.Visit)
	// Refused shows a person on the hub's own host a refusal. Nil gives plain text.
	Refused func(w http.ResponseWriter, r *http.Request, visit browser.Visit, decision gate.Decision)
	// Decided is told every decision, and Visited of every request of somebody
	// known that is let through; each may be nil and must not wait.
	Decided func(gate.Decision)
	Visited func(r *http.Request, visitor *identity.Identity)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log is for operators; nil discards.
	Log *slog.Logger
}

// Gate is the gate in front of one app. It is safe for concurrent use.
type Gate struct {
	options Options
	rules   rules
	hygiene *gate.Hygiene
	now     func() time.Time
	log     *slog.Logger
	custom  custom
}

// commonHeaders are what apps are known to take for the word of whoever stands in
// front of them, whether this site uses them or not. X-Forwarded-For, -Proto and
// -Host are not among them: the proxy behind the gate writes these itself.
var commonHeaders = []string{
	"Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "Remote-Group", "X-Remote-User", "X-Remote-Group",
	"X-Remote-Groups", "X-Remote-Name", "X-Remote-Email", "X-User", "X-Username", "X-Groups", "X-Email", "X-Webauth-User", "X-Webauth-Name",
	"X-Webauth-Email", "X-Webauth-Groups", "X-Webauth-Role", "X-Forwarded-User", "X-Forwarded-Username",
	"X-Forwarded-Groups", "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Forwarded-Access-Token",
	"X-Auth-Request-User", "X-Auth-Request-Groups", "X-Auth-Request-Email", "X-Auth-Request-Preferred-Username",
	"X-Auth-Request-Access-Token", "X-Authenticated-User", "X-Authenticated-Groups", "X-JupyterHub-User", "X-RStudio-Username",
	"X-Proxy-User", "SSL-Client-S-DN", "SSL-Client-Verify", "X-SSL-Client-DN", "X-SSL-Client-Verify", "X-SSL-Client-CN",
	"X-Authentik-Username", "X-Authentik-Groups", "X-Authentik-Entitlements", "X-Authentik-Email", "X-Authentik-Name", "X-Authentik-UID", "X-Authentik-JWT",
	"X-Token-Subject", "X-Token-User-Name", "X-Token-User-Email", "X-Token-User-Roles", "X-Vouch-User", "X-Pomerium-JWT-Assertion",
	"X-Amzn-OIDC-Identity", "X-Amzn-OIDC-Data", "X-Amzn-OIDC-AccessToken", "X-MS-Client-Principal", "X-MS-Client-Principal-Name",
	"X-MS-Client-Principal-ID", "X-MS-Client-Principal-IDP", "X-Goog-Authenticated-User-Email", "X-Goog-Authenticated-User-ID",
	"Cf-Access-Authenticated-User-Email", "Tailscale-User-Login", "Tailscale-User-Name",
	"X-Forwarded-Client-Cert", "X-JWT-Assertion", "X-Goog-IAP-JWT-Assertion", "Cf-Access-Jwt-Assertion",
	"X-Real-IP", "X-Scheme", "Forwarded", "X-Original-URL", "X-Original-URI", "X-Rewrite-URL",
	"X-Original-Method", "X-Forwarded-Uri", "X-Forwarded-Method",
}

// New makes a Gate. ErrPolicy says what is wrong with the policy.
func New(options Options) (*Gate, error) {
	g := &Gate{options: options, now: options.Now, log: options.Log}
	if g.now == nil {
		g.now = time.Now
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if g.rules, err = rulesOf(options.Policy, options.Directory.Definitions()); err != nil {
		return nil, err
	}
	host := ""
	if options.PublicURL != nil {
		host = options.PublicURL.Hostname()
	}
	g.hygiene = gate.NewHygiene(gate.HygieneOptions{
		IdentityHeaders: slices.Concat(commonHeaders, options.IdentityHeaders),
		Cookies:         append(slices.Concat(options.Browser.ReservedCookies(), options.Cookies), browser.BrowserSessionCookie),
		ReservedCookies: options.ReservedCookies,
		HubHost:         host,
	})
	return g, nil
}

// Forward sends an allowed request on, which says nothing about who visits but what
// Forward adds.
type Forward func(w http.ResponseWriter, r *http.Request, visitor Visitor) error

// Serve answers a request, or has it forwarded. An error is one of forward's.
func (g *Gate) Serve(w http.ResponseWriter, r *http.Request, forward Forward) error {
	if g.Arrives(w, r) {
		return nil
	}
	v := g.look(r)
	decision := g.decide(v)
	g.tell(r, v, decision)
	if !decision.Allowed() {
		g.refuse(w, r, v, decision)
		return nil
	}
	g.noteActivity(v)
	return g.forward(w, r, v, forward)
}

// Arrives answers a request that brings a login to this host, and says whether it
// was one. No app ever sees it.
func (g *Gate) Arrives(w http.ResponseWriter, r *http.Request) bool {
	if g.options.Handover == nil || !g.options.Handover.Serves(r) {
		return false
	}
	g.options.Handover.Arrive(w, r)
	return true
}

// tell has those told who want to know of a decision.
func (g *Gate) tell(r *http.Request, v *visit, decision gate.Decision) {
	if g.options.Decided != nil {
		g.options.Decided(decision)
	}
	if g.options.Visited != nil && decision.Allowed() && v.Identity != nil {
		g.options.Visited(r, v.Identity)
	}
}

// noteActivity keeps who uses the app from being taken for idle.
func (g *Gate) noteActivity(v *visit) {
	if v.Identity == nil {
		return
	}
	now := g.now()
	for _, name := range v.Identity.Activities() {
		g.options.Directory.Activity().Touch(name, now)
	}
}

// refuse answers a request that is not allowed.
func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, v *visit, decision gate.Decision) {
	switch {
	case decision.Verdict == gate.Redirect && v.stranger:
		misdirected.Write(w, nil)
	case decision.Verdict == gate.Redirect && v.guest:
		g.options.Handover.Begin(w, r)
	case decision.JSON || decision.Verdict == gate.Redirect || v.guest || g.options.Refused == nil:
		decision.Write(w, nil)
	default:
		g.options.Refused(w, r, v.Visit, decision)
	}
}

// misdirected answers on a host where nobody can be logged in.
var misdirected = gate.Decision{
	Verdict: gate.Refuse, Status: http.StatusMisdirectedRequest,
	Message: "Nobody can log in under this address. It is not that of the hub, and no site of this server has it for its own.",
}

// issuer is the address of the hub as tokens have it.
func (g *Gate) issuer(r *http.Request) string {
	origin := ""
	if g.options.PublicURL != nil {
		origin = g.options.PublicURL.Scheme + "://" + g.options.PublicURL.Host
	} else {
		origin = g.options.Browser.Origin(r)
	}
	return origin + string(g.options.Base) + "hub"
}

// report logs trouble of ours; that a client has gone is none.
func (g *Gate) report(ctx context.Context, message string, err error) {
	if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
		g.log.ErrorContext(ctx, message, "error", err)
	}
}
