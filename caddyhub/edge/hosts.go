package edge

import (
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/subdomain"
)

// hostOf is the host that a path belongs to, in canonical form: that of the user
// or the service that it names. Empty if any host will do.
func (e *Edge) hostOf(path gate.Path) string {
	if e.options.Domain.IsZero() || !path.InBase() {
		return ""
	}
	name := path.Segment(1)
	switch {
	case name == "":
	case path.Segment(0) == "user":
		return e.options.Domain.OfUser(name)
	case path.Segment(0) == "services":
		return e.options.Domain.OfService(name)
	}
	return ""
}

// elsewhere is the origin that a request should have been sent to; empty if it
// came to the right one. Nothing else keeps the pages of users apart: whatever a
// path says, it is served at the one host that belongs to it.
func (e *Edge) elsewhere(r *http.Request, path gate.Path) string {
	belongs := e.hostOf(path)
	if belongs == "" {
		return ""
	}
	if host, ok := subdomain.Canonical(r.Host, e.options.Browser.Secure(r)); ok && host == belongs {
		return ""
	}
	return e.options.Domain.Origin(belongs)
}

// misdirected is what there is to know of a request that belongs elsewhere.
func misdirected(r *http.Request, path gate.Path, origin string) *visit {
	v := &visit{path: path}
	v.request = gate.Request{
		Class: gate.Classify(r, path), Method: r.Method, URI: asSent(r), Elsewhere: origin,
	}
	return v
}

// routedHost is the host by which the route of a request is found. That of the
// request has been compared with it before.
func (e *Edge) routedHost(r *http.Request, path gate.Path) string {
	if host := e.hostOf(path); host != "" {
		return host
	}
	return r.Host
}

// originOf is the origin to put before a path; empty if that is the hub's.
func (e *Edge) originOf(path gate.Path) string {
	if host := e.hostOf(path); host != "" {
		return e.options.Domain.Origin(host)
	}
	return ""
}

// links are where people are sent from the host of a request.
func (e *Edge) links(r *http.Request) gate.Links {
	links := gate.Links{Hub: e.options.Base.Hub("")}
	if guest, is := e.options.Browser.GuestHost(r); is && e.options.PublicURL != nil {
		links.Hub = e.options.PublicURL.Scheme + "://" + e.options.PublicURL.Host + links.Hub
		links.Site = e.options.Domain.Origin(guest)
	}
	return links
}

// fetchesLogin says whether a visitor who must log in first gets a session for
// this host that way: the hub's own is not seen here.
func (e *Edge) fetchesLogin(v *visit, decision gate.Decision) bool {
	return v.Guest != "" && e.options.Handover != nil && v.request.Elsewhere == "" &&
		decision.Verdict == gate.Redirect && v.subject.Identity != gate.IdentityVerified
}
