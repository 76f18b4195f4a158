package appgate

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/refresh"
	"github.com/caddyhub/caddyhub/caddyhub/subdomain"
)

// visit is everything that was found out about one request.
type visit struct {
	browser.Visit
	request gate.Request
	subject gate.Subject
	// guest: the host is another one than the hub's, which logins are handed over
	// to. stranger: it is neither.
	guest, stranger bool
	// byToken: a token of ours in Authorization said who this is.
	byToken bool
	// crossed: a cookie came with the request and does not speak for it.
	crossed bool
	// unspeakable: the name of the visitor cannot stand in a header.
	unspeakable bool
}

// look finds out what the gate needs to know.
func (g *Gate) look(r *http.Request) *visit {
	v := new(visit)
	path, pathError := gate.Plain(r)
	v.request = gate.Request{
		Class: gate.Classify(r, path), Method: r.Method, URI: asSent(r), PathError: pathError,
	}
	_, v.guest = g.options.Browser.GuestHost(r)
	v.guest = v.guest && g.options.Handover != nil
	v.stranger = !v.guest && !g.home(r)
	if pathError != nil {
		return v
	}
	found, err := g.identify(r)
	v.Visit, v.byToken = found.Visit, found.byToken
	v.subject.Ambiguous = found.Credentials.Ambiguous
	v.subject.ByCookie = found.ByCookie
	switch {
	case errors.Is(err, refresh.ErrUnconfirmed):
		v.subject.Identity = gate.IdentityUnconfirmed
		return v
	case err != nil:
		v.subject.Identity = gate.IdentityUnavailable
		g.report(r.Context(), "request not identified", err)
		return v
	case found.Identity == nil:
		return v
	}
	g.lookAtVisitor(r, v)
	return v
}

// home says whether a request came to the host of the hub.
func (g *Gate) home(r *http.Request) bool {
	public := g.options.PublicURL
	if public == nil {
		return true
	}
	secure := public.Scheme == "https"
	own, _ := subdomain.Canonical(public.Host, secure)
	host, ok := subdomain.Canonical(r.Host, secure)
	return ok && host == own
}

// lookAtVisitor finds out what somebody known may do with this request.
func (g *Gate) lookAtVisitor(r *http.Request, v *visit) {
	origins := g.options.Browser.Origins(r)
	v.subject.SameOrigin = origins.Same(r)
	v.subject.XSRF = gate.XSRFPassed
	if v.ByCookie && gate.XSRFRequired(r, gate.AreaOwnOrigin, origins) {
		v.subject.XSRF = gate.XSRFMissing
	}
	v.crossed = v.ByCookie && (v.subject.XSRF != gate.XSRFPassed ||
		v.request.Class.Kind == gate.KindWebSocket && !v.subject.SameOrigin)
	if v.crossed && g.rules.Anonymous {
		// Whoever let the browser send this may as well send it without the cookie.
		v.Identity, v.ByCookie, v.subject = nil, false, gate.Subject{}
		return
	}
	v.subject.Identity = gate.IdentityVerified
	if v.unspeakable = !speakable(v.Identity.Name()); v.unspeakable {
		return
	}
	v.subject.Access = gate.AccessGranted
	if !g.rules.Anonymous {
		v.subject.Access = g.access(r.Context(), v.Identity)
	}
}

// identified is a visit with where it comes from.
type identified struct {
	browser.Visit
	byToken bool
}

// identify finds out who sent a request: by a token of ours in Authorization, else
// by the session cookie. Tokens that are none of ours belong to the app. Those that
// the edge mints for visitors of servers prove nothing here: servers see them.
func (g *Gate) identify(r *http.Request) (identified, error) {
	b := g.options.Browser
	visit := b.Presented(r, b.CredentialNames(r))
	if visit.Credentials.Ambiguous {
		return identified{Visit: visit}, nil
	}
	if token := visit.Credentials.Token; token != "" && !visit.Credentials.FromURL {
		found, err := g.options.Directory.ByToken(r.Context(), token)
		if !errors.Is(err, identity.ErrInvalid) {
			visit.Identity = found
			return identified{Visit: visit, byToken: err == nil}, err
		}
	}
	visit, err := b.BySession(r.Context(), visit)
	return identified{Visit: visit}, err
}

// decide asks the gate.
func (g *Gate) decide(v *visit) gate.Decision {
	resource := gate.Resource{State: gate.StateReady, Open: g.rules.Anonymous}
	decision := gate.Decide(v.request, v.subject, resource, g.links(v))
	refused := decision.Verdict == gate.Refuse && decision.Status == http.StatusForbidden
	switch {
	case v.unspeakable && (refused || decision.Allowed()):
		return gate.Decision{
			Verdict: gate.Refuse, Status: http.StatusForbidden, JSON: v.request.Class.Kind != gate.KindNavigation,
			Message: "Your name cannot be told to this application: it has characters that no header may have.",
		}
	case refused && v.crossed:
		decision.Message = "A request by cookie must come from a page of this site."
	case refused && v.subject.Identity == gate.IdentityVerified:
		decision.Message = g.rules.refusal()
	}
	return decision
}

// links are where people are sent from here.
func (g *Gate) links(v *visit) gate.Links {
	links := gate.Links{Hub: g.options.Base.Hub("")}
	if public := g.options.PublicURL; v.guest && public != nil {
		links.Hub = public.Scheme + "://" + public.Host + links.Hub
	}
	return links
}

// asSent is path and query byte for byte as they came, without scheme and host.
func asSent(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}
