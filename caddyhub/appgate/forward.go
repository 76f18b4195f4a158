package appgate

import (
	"context"
	"crypto/tls"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// forward hands an allowed request on.
func (g *Gate) forward(w http.ResponseWriter, r *http.Request, v *visit, forward Forward) error {
	if g.options.Renew != nil && v.Identity != nil && v.Identity.Session != nil {
		g.options.Renew(r.Context(), v.Visit)
	}
	clean := &edge.Writer{ResponseWriter: w, Cleaner: sanitizer(g.hygiene.SanitizeCookies)}
	if !v.guest {
		clean.Cleaner = beyond(w.Header(), g.hygiene)
	}
	ctx := r.Context()
	if v.request.Class.Kind == gate.KindWebSocket {
		open, until := g.options.Sockets.Watch(ctx, v.Identity, g.again(r, v.user()))
		defer open.Leave()
		clean.Taken, ctx = open.Taken, until
	}
	return forward(clean, g.outgoing(ctx, r, v), Visitor{who: v.Identity, gate: g, ctx: ctx})
}

// user is whose credentials came with the request; empty if no user's.
func (v *visit) user() string {
	if v.Identity == nil || v.Identity.User == nil {
		return ""
	}
	return v.Identity.User.Name
}

// outgoing is the request as the app gets it.
func (g *Gate) outgoing(ctx context.Context, r *http.Request, v *visit) *http.Request {
	out := r.WithContext(ctx)
	// Fields are replaced and removed here, but no value is changed in its place.
	out.Header = maps.Clone(r.Header)
	g.hygiene.SanitizeRequest(out.Header)
	// Fields behind a body may be dropped (RFC 9110, 6.5.1). An upstream that
	// merges them into the headers would take them for ours.
	out.Trailer = nil
	if v.request.Class.Kind != gate.KindWebSocket {
		gate.StripUpgrade(out.Header)
	}
	if v.byToken || v.Credentials.VisitorToken != "" {
		delete(out.Header, "Authorization")
	}
	return out
}

// again decides about an open WebSocket of a user as if it was opened now. Of its
// request only that is kept which the decision hangs on.
func (g *Gate) again(r *http.Request, user string) edge.Decide {
	kept := &http.Request{
		Method: http.MethodGet, URL: r.URL, RequestURI: asSent(r), Host: r.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
			"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
		},
	}
	if r.TLS != nil {
		kept.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	for _, name := range []string{"Authorization", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode"} {
		if values := r.Header[name]; len(values) > 0 {
			kept.Header[name] = slices.Clone(values)
		}
	}
	var cookies []string
	for _, name := range g.options.Browser.ReservedCookies() {
		for _, value := range gate.CookieValues(r.Header, name) {
			cookies = append(cookies, name+"="+value)
		}
	}
	if len(cookies) > 0 {
		kept.Header["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	return func(ctx context.Context) (gate.Decision, *identity.Identity) {
		v := g.look(kept.WithContext(ctx))
		if decision := g.decide(v); !decision.Allowed() || v.user() == user || v.subject.Identity == gate.IdentityUnavailable {
			return decision, v.Identity
		}
		// An app that is open to everybody still talks to somebody who has gone.
		return gate.Decision{Verdict: gate.Refuse, Status: http.StatusUnauthorized, Message: "The session has ended."}, nil
	}
}

// sanitizer takes what is not an app's to say out of its answer. It is an
// edge.Cleaner.
type sanitizer func(http.Header)

// Clean implements edge.Cleaner.
func (s sanitizer) Clean(h http.Header, status int, _ bool) int {
	s(h)
	return status
}

// beyond takes from an app's headers also those that act on all of a host, which
// an app below a path of the hub's does not decide about. Those that were there
// before are not the app's.
func beyond(before http.Header, hygiene *gate.Hygiene) sanitizer {
	site := gate.OfSite(before)
	return func(h http.Header) {
		hygiene.SanitizeResponse(h, "")
		site.Restore(h)
	}
}
