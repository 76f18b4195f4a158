// Package edge takes a request for a single-user server or a service to its
// upstream, or answers it. It gathers what package gate needs to decide, and
// does what gate decided; it decides nothing itself.
//
// What it guarantees:
//
//   - No request reaches an upstream that the gate has not allowed, and the path
//     that was decided about is the path that is forwarded.
//   - The upstream learns who visits by a token of this visitor's own, fresh at
//     every request, that opens this one server and ends with the session. An
//     own server therefore opens without an OAuth round trip, and no cookie in
//     between can expire. Tokens that clients bring themselves are passed on.
//   - The upstream finds no other credential than the one that was decided by,
//     wherever it looks first.
//   - Cookies of the edge and stale tokens of its own never reach an upstream,
//     and no upstream sets a cookie of ours.
//   - No request waits for a write to the store, and what one request has set
//     off is bounded, however many follow.
package edge

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/handover"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/proxy"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/subdomain"
)

// Options are what an Edge is made of. All but PublicURL, NamedServers and Log
// are required.
type Options struct {
	Directory *identity.Directory
	Browser   *browser.Browser
	Servers   *server.Manager
	Routes    *route.Mirror
	// Sockets are the open WebSockets of this node, whatever configuration let
	// them in. Nil means a list of this Edge's own, which nobody reviews.
	Sockets *Sockets
	Base    hubpath.Base
	// PublicURL is the origin of the site as browsers see it; nil if only the
	// request can tell.
	PublicURL *url.URL
	// Domain is where users and services have hosts of their own; the zero Domain
	// means that all are reached by path.
	Domain subdomain.Domain
	// Handover fetches the login for such a host. Required with Domain.
	Handover *handover.Guest
	// NamedServers says whether a path may name a server of a user.
	NamedServers bool
	// TokenSockets says that WebSockets to servers which share an origin need the
	// token of their page: the cookie is not enough.
	TokenSockets bool
	// Cookies are credentials for other sites, by exact name: no upstream sees one.
	// ReservedCookies are those that upstreams may see but, as with Cookies, not set.
	Cookies, ReservedCookies []string
	// Refused shows a person why there is nothing to see: the server that they
	// asked for is not running, or another refusal. Nil gives plain text.
	Refused func(w http.ResponseWriter, r *http.Request, visit browser.Visit, decision gate.Decision)
	// Choose asks a person who is logged in as whom they want to act. Nil refuses
	// them with 403.
	Choose func(w http.ResponseWriter, r *http.Request, visit browser.Visit, choice browser.Choice)
	// Observer is told what becomes of requests.
	Observer Observer
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// Edge is the way to upstreams. It is safe for concurrent use.
type Edge struct {
	options Options
	hygiene *gate.Hygiene
	// publicHygiene is for services that find out themselves who is there.
	publicHygiene *gate.Hygiene
	now           func() time.Time
	log           *slog.Logger
	// renewals prolong sessions, checks look after servers that do not answer.
	renewals, checks *errands
	activities       activities
}

// identityHeaders are what upstreams may take for the word of the edge: who
// visits, from where, and over what. Single-user servers believe the last two
// kinds (Tornado's xheaders). X-Forwarded-For, -Proto and -Host are not among
// them: the proxy writes these itself.
var identityHeaders = []string{
	"X-Forwarded-User", "Remote-User", "X-Remote-User", "X-JupyterHub-User",
	"X-Real-IP", "X-Scheme", "Forwarded",
}

// New makes an Edge.
func New(options Options) *Edge {
	e := &Edge{options: options, now: options.Now, log: options.Log}
	if e.now == nil {
		e.now = time.Now
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.options.Sockets == nil {
		e.options.Sockets = NewSockets(e.log)
	}
	e.renewals = newErrands(maxRenewals, 0, e.now)
	e.checks = newErrands(maxChecks, checkPause, e.now)
	e.activities.to = options.Directory.Activity()
	host := ""
	if options.PublicURL != nil && options.Domain.IsZero() {
		host = options.PublicURL.Hostname()
	}
	rules := gate.HygieneOptions{
		IdentityHeaders: identityHeaders,
		Cookies:         slices.Concat(options.Browser.ReservedCookies(), options.Cookies),
		CookiePrefixes:  options.Browser.ReservedCookiePrefixes(),
		ReservedCookies: append(slices.Clone(options.ReservedCookies), browser.XSRFCookie, browser.BrowserSessionCookie),
		HubHost:         host,
	}
	e.hygiene = gate.NewHygiene(rules)
	// Who finds out for himself who is there proves requests for himself too.
	rules.ReservedCookies = append(slices.Clone(options.ReservedCookies), browser.BrowserSessionCookie)
	e.publicHygiene = gate.NewHygiene(rules)
	return e
}

// ErrUpstream says that the upstream of a request did not answer, and that
// nothing has been sent to the client yet.
var ErrUpstream = proxy.ErrUpstream

// Forward sends an allowed request to its upstream. If that does not answer, the
// error wraps ErrUpstream.
type Forward func(w http.ResponseWriter, r *http.Request, to route.Route) error

// Serve is ServeBy with the zero Rules.
func (e *Edge) Serve(w http.ResponseWriter, r *http.Request, forward Forward) error {
	return e.ServeBy(Rules{}, w, r, forward)
}

// ServeBy answers a request below {base}user/ or {base}services/, or forwards it.
// Outside the base path there is nothing for anybody. An error is one of
// forward's; ErrUpstream is answered here unless the answer has begun.
func (e *Edge) ServeBy(rules Rules, w http.ResponseWriter, r *http.Request, forward Forward) error {
	v := e.look(r, rules)
	if e.followsLink(w, r, v) {
		return nil
	}
	// Asked for when a socket is opened only: the token of its page ends before it.
	v.subject.TokenOnly = e.options.TokenSockets && !v.client.Server.IsZero() && !v.alone()
	decision := v.decide(e.links(r))
	e.options.Observer.decided(decision)
	if !decision.Allowed() {
		e.refuse(w, r, v, decision)
		return nil
	}
	if e.addsSlash(w, r, v) {
		return nil
	}
	e.options.Observer.visited(r, v)
	begun, err := e.forward(w, r, v, forward)
	if errors.Is(err, ErrUpstream) && !begun {
		e.upstreamGone(w, r, v)
		return nil
	}
	return err
}

// Serves says whether a path, as it stands in the request, is one for Serve.
func (e *Edge) Serves(r *http.Request) bool {
	path, err := gate.Canonical(r, string(e.options.Base))
	if err != nil {
		// Ambiguous paths are refused here rather than guessed about elsewhere.
		return true
	}
	first, _, _ := strings.Cut(path.Below(), "/")
	return path.InBase() && (first == "user" || first == "services")
}
