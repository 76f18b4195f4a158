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
//   - Cookies of the edge and stale tokens of its own never reach an upstream,
//     and no upstream sets a cookie of ours.
package edge

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/server"
)

// Options are what an Edge is made of. All but PublicURL, NamedServers and Log
// are required.
type Options struct {
	Directory *identity.Directory
	Browser   *browser.Browser
	Servers   *server.Manager
	Routes    *route.Mirror
	Base      hubpath.Base
	// PublicURL is the origin of the site as browsers see it; nil if only the
	// request can tell.
	PublicURL *url.URL
	// NamedServers says whether a path may name a server of a user.
	NamedServers bool
	// Refused shows a person why there is nothing to see: the server that they
	// asked for is not running, or another refusal. Nil gives plain text.
	Refused func(w http.ResponseWriter, r *http.Request, visit browser.Visit, decision gate.Decision)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// Edge is the way to upstreams. It is safe for concurrent use.
type Edge struct {
	options Options
	hygiene *gate.Hygiene
	now     func() time.Time
	log     *slog.Logger
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
	host := ""
	if options.PublicURL != nil {
		host = options.PublicURL.Hostname()
	}
	e.hygiene = gate.NewHygiene(gate.HygieneOptions{
		IdentityHeaders: []string{"X-Forwarded-User", "Remote-User", "X-Remote-User", "X-JupyterHub-User"},
		Cookies:         options.Browser.ReservedCookies(),
		ReservedCookies: []string{browser.XSRFCookie, browser.BrowserSessionCookie},
		HubHost:         host,
	})
	return e
}

// ErrUpstream says that the upstream of a request did not answer, and that
// nothing has been sent to the client yet.
var ErrUpstream = errors.New("edge: the upstream does not answer")

// Forward sends an allowed request to its upstream. If that does not answer, the
// error wraps ErrUpstream.
type Forward func(w http.ResponseWriter, r *http.Request, to route.Route) error

// Serve answers a request below {base}user/ or {base}services/, or forwards it.
// An error is one of forward's, but not ErrUpstream, which it answers.
func (e *Edge) Serve(w http.ResponseWriter, r *http.Request, forward Forward) error {
	v := e.look(r)
	decision := v.decide(e.links())
	if !decision.Allowed() {
		e.refuse(w, r, v, decision)
		return nil
	}
	err := e.forward(w, r, v, forward)
	if errors.Is(err, ErrUpstream) {
		e.upstreamGone(w, r, v)
		return nil
	}
	return err
}

// upstreamGone answers for an upstream that should be there and is not, and has
// its server looked after, so that the next request gets a better answer.
func (e *Edge) upstreamGone(w http.ResponseWriter, r *http.Request, v *visit) {
	if server := v.client.Server; !server.IsZero() {
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), checkTimeout)
			defer cancel()
			if _, err := e.options.Servers.Check(ctx, server.User, server.Name); err != nil {
				e.log.Warn("server not looked after", "user", server.User, "server", server.Name, "error", err)
			}
		}()
	}
	e.refuse(w, r, v, gate.Decision{
		Verdict: gate.Refuse, Status: http.StatusServiceUnavailable, RetryAfter: retryAfter,
		Message: "Your server appears to be down. Try restarting it from the hub.",
		JSON:    v.request.Class.Kind != gate.KindNavigation,
	})
}

const (
	// checkTimeout bounds a look at a server that did not answer.
	checkTimeout = 30 * time.Second
	// retryAfter is told to clients of a server that did not answer.
	retryAfter = 5 * time.Second
)

// Serves says whether a path, as it stands in the request, is one for Serve.
func (e *Edge) Serves(r *http.Request) bool {
	path, err := gate.Canonical(r, string(e.options.Base))
	if err != nil {
		// Ambiguous paths are refused here rather than guessed about elsewhere.
		return true
	}
	first := path.Segment(0)
	return path.InBase() && (first == "user" || first == "services") && path.HasSegment(first)
}

// Answer is Serve for a request that came to {hub}user/... instead: what is
// running is redirected to, everything else is answered.
func (e *Edge) Answer(w http.ResponseWriter, r *http.Request) {
	inner := r.Clone(r.Context())
	rest := r.URL.EscapedPath()[len(e.options.Base.Hub("")):]
	target := string(e.options.Base) + rest
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	parsed, err := url.ParseRequestURI(target)
	if err != nil {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	inner.URL, inner.RequestURI = parsed, target
	v := e.look(inner)
	decision := v.decide(e.links())
	if !decision.Allowed() {
		e.refuse(w, inner, v, decision)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, target, http.StatusFound)
}

func (e *Edge) links() gate.Links { return gate.Links{Hub: e.options.Base.Hub("")} }

func (e *Edge) refuse(w http.ResponseWriter, r *http.Request, v *visit, decision gate.Decision) {
	if decision.JSON || decision.Verdict == gate.Redirect || e.options.Refused == nil {
		decision.Write(w, nil)
		return
	}
	e.options.Refused(w, r, v.Visit, decision)
}
