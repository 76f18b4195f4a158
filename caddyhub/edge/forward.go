package edge

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// forward hands an allowed request on, with the visitor's identity and without
// what is ours. It says whether an answer has begun.
func (e *Edge) forward(w http.ResponseWriter, r *http.Request, v *visit, forward Forward) (begun bool, err error) {
	if v.Identity == nil {
		v.Identity = new(identity.Identity) // nobody we know
	}
	e.renew(r.Context(), v)
	active, now := e.activities.of(v), e.now()
	active.Touch(now)
	if v.interacts() {
		active.Interact(now)
	}

	prefix := e.prefix(v)
	// One object for what a request needs on its way.
	way := &struct {
		writer  Writer
		clean   sanitizer
		passage Passage
	}{
		clean: sanitizer{
			request: r, hygiene: e.rules(v), prefix: prefix, site: gate.OfSite(w.Header()), apart: e.separation(r, v, prefix),
		},
		passage: Passage{Target: v.route.Target(), Activity: active},
	}
	way.writer = Writer{ResponseWriter: w, Cleaner: &way.clean}
	if v.minted() && v.request.Class.Kind == gate.KindNavigation {
		way.clean.ours = func() { e.equip(w, r, v, prefix) }
	}
	ctx := r.Context()
	if v.request.Class.Kind == gate.KindWebSocket {
		open, leave := e.watch(r, v)
		defer leave()
		way.passage.Opened, way.writer.Taken, ctx = open.handOver, open.taken, open.ctx
		way.passage.Activity = &socketActivity{active, now.Add(settling)}
	}
	err = forward(&way.writer, e.outgoing(WithPassage(ctx, &way.passage), r, v), v.route.Route())
	return way.writer.Done(), err
}

// rules are those for what may pass to the upstream and back.
func (e *Edge) rules(v *visit) *gate.Hygiene {
	if v.resource.Open {
		return e.publicHygiene
	}
	return e.hygiene
}

// watch enters a WebSocket in the list of those that are decided about again
// while they are open. Its context ends when the socket has to, unless it has been
// handed over. Call leave when the handler is done with it.
func (e *Edge) watch(r *http.Request, v *visit) (open *webSocket, leave func()) {
	ctx, cancel := context.WithCancel(r.Context())
	open = &webSocket{edge: e, asked: e.essenceOf(r, v)}
	open.ctx, open.cancel = ctx, cancel
	if user := v.Identity.User; user != nil {
		open.user = user.Name
	}
	entered := e.options.Sockets.add(open, e.grounds(v))
	// Between the decision and its entry in the list something may have changed.
	e.options.Sockets.decide(ctx, entered)
	return open, open.leave
}

// grounds are those for letting in a WebSocket. The groups of the owner of the
// server that it leads to may be what allows it.
func (e *Edge) grounds(v *visit) grounds {
	return groundsOf(v.Identity, v.client.Server.User, e.now())
}

// outgoing is the request as the upstream gets it.
func (e *Edge) outgoing(ctx context.Context, r *http.Request, v *visit) *http.Request {
	out := r.WithContext(ctx)
	// Fields are replaced and removed here, but no value is changed in its place.
	out.Header = maps.Clone(r.Header)
	address := *r.URL
	out.URL = &address
	if sent := out.URL.RawPath; sent != "" && sent != out.URL.EscapedPath() {
		// net/url would encode what the client has sent as it is, "|" or "ü".
		out.URL.Opaque = sent
	}
	e.rules(v).SanitizeRequest(out.Header)
	// Fields behind a body may be dropped (RFC 9110, 6.5.1). An upstream that
	// merges them into the headers would take them for ours.
	out.Trailer = nil
	if v.request.Class.Kind != gate.KindWebSocket {
		gate.StripUpgrade(out.Header)
	}
	switch {
	case v.minted():
		e.introduce(out, v)
	case v.Credentials.FromURL:
		out.Header.Del("Authorization")
	}
	if v.misleads(out) {
		out.URL.RawQuery = gate.WithoutParameter(out.URL.RawQuery, "token")
		out.RequestURI = out.URL.RequestURI()
	}
	return out
}

// minted says whether the upstream learns who visits by a token of the edge's own:
// the visitor has a session or a grant.
func (v *visit) minted() bool { return v.Identity.CookieID() != "" }

// introduce tells the upstream who visits, by a token that the edge mints, in
// place of whatever stood there. The cookie only keeps apart what the upstream
// remembers of different logins, so that one that is there may stay.
func (e *Edge) introduce(out *http.Request, v *visit) {
	out.Header.Set("Authorization", "token "+e.visitorToken(v.Identity, v.client))
	if session := v.Identity.Session; session != nil && len(gate.CookieValues(out.Header, browser.BrowserSessionCookie)) == 0 {
		out.AddCookie(&http.Cookie{Name: browser.BrowserSessionCookie, Value: session.BrowserSession})
	}
}

// misleads says whether the upstream would find another token in the URL than
// the one that was decided by: one that the edge has minted and a page sent
// back, or any on a WebSocket, where a single-user server looks there first
// (JupyterHub 5.4). Elsewhere the parameter belongs to the application.
func (v *visit) misleads(out *http.Request) bool {
	if v.resource.Open || out.URL.RawQuery == "" || !v.minted() && v.Credentials.FromURL {
		return false
	}
	if v.request.Class.Kind == gate.KindWebSocket {
		return true
	}
	names := gate.CredentialNames{VisitorPrefix: identity.VisitorPrefix}
	return v.Credentials.VisitorToken != "" &&
		gate.ReadCredentials(&http.Request{URL: out.URL}, names).VisitorToken != ""
}

// equip gives the browser what its later requests to the same upstream need.
func (e *Edge) equip(w http.ResponseWriter, r *http.Request, v *visit, prefix string) {
	if session := v.Identity.Session; session != nil {
		e.options.Browser.SetBrowserSession(w, r, *session)
	}
	if _, err := e.options.Browser.XSRFToken(w, r, v.Visit, prefix); err != nil {
		e.log.ErrorContext(r.Context(), "no XSRF token", "error", err)
	}
}

const (
	// renewTimeout bounds the prolonging of a session, maxRenewals how many are
	// prolonged at once.
	renewTimeout = 10 * time.Second
	maxRenewals  = 32
	// renewals is into how many parts the life of a session is divided; traffic
	// in the first of them does not prolong it.
	renewals = 10
)

// renew prolongs the session, if it is time to, without the request waiting for
// it: the session is good for now, and if this fails the next request tries.
func (e *Edge) renew(ctx context.Context, v *visit) {
	session := v.Identity.Session
	if session == nil {
		return
	}
	if e.now().Sub(session.Renewed) < session.Expires.Sub(session.Renewed)/renewals {
		return
	}
	visit := v.Visit
	e.renewals.start(session.ID, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTimeout)
		defer cancel()
		e.options.Browser.Renew(ctx, visit)
	})
}
