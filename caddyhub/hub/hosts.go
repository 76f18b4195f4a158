package hub

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/handover"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/subdomain"
)

// hosts sees to it that every host of a hub is asked only for what is its own:
// with subdomains that is the servers of one user, or one service, and never the
// hub itself, whose pages and API must not be in anybody else's origin.
type hosts struct {
	site   *Site
	domain subdomain.Domain
	// origin and host are those of the hub.
	origin, host string
	secure       bool
}

// addresses is where services are reached: a path, with subdomains absolute.
func (s Settings) addresses() oauth.Addresses {
	return func(service string) string {
		path := s.Base.Service(service)
		if s.Domain.IsZero() {
			return path
		}
		return s.Domain.Origin(s.Domain.OfService(service)) + path
	}
}

// publicService is the whole URL of a service that has a host of its own; empty if
// it is at that of the hub.
func (s Settings) publicService(name string) string {
	if s.Domain.IsZero() {
		return ""
	}
	return s.addresses()(name)
}

// guests says whether the login is handed over to a host; nil if to none.
func (s Settings) guests() func(host string) bool {
	if s.Domain.IsZero() {
		return s.Guest
	}
	return func(host string) bool { return s.Domain.Owns(host) || s.Guest != nil && s.Guest(host) }
}

// handOver makes what hands logins over to other hosts, and what looks after them.
func (s *Site) handOver(visitors *browser.Browser, log *slog.Logger) *handover.Handover {
	s.hosts = &hosts{site: s, domain: s.settings.Domain}
	if public := s.settings.PublicURL; public != nil {
		s.hosts.origin, s.hosts.secure = public.Scheme+"://"+public.Host, public.Scheme == "https"
		s.hosts.host, _ = subdomain.Canonical(public.Host, s.hosts.secure)
	}
	allow := s.settings.guests()
	if allow == nil {
		allow = func(string) bool { return false }
	}
	codes := handover.New(handover.Options{Directory: s.directory, Allow: allow, Log: log})
	s.Handover = handover.NewGuest(handover.GuestOptions{
		Codes: codes, Browser: visitors, HubURL: s.hosts.origin + s.settings.Base.Hub(""), Audit: s.audit, Log: log,
	})
	return codes
}

// Astray says whether a request is for none of the other parts at the host that it
// came to: ask it first, and have Lead answer.
func (s *Site) Astray(r *http.Request) bool { return s.hosts.serves(r) }

// Lead answers a request that is astray.
func (s *Site) Lead(w http.ResponseWriter, r *http.Request) { s.hosts.serve(w, r) }

// serves says whether a request is not for any of the other parts at the host
// that it came to: a login arrives there, or it came to the wrong one.
func (h *hosts) serves(r *http.Request) bool {
	return h.site.Handover.Serves(r) || !h.domain.IsZero() && h.foreign(r) && !h.local(r)
}

// foreign says whether a request came to a host where the hub itself is not: that
// of a user or a service, or one that looks as if it was.
func (h *hosts) foreign(r *http.Request) bool {
	host, ok := subdomain.Canonical(r.Host, h.secure)
	return !ok || host != h.host && h.domain.Below(host)
}

// local says whether a request at a foreign host is answered there all the same:
// by the gate, or because it is a picture or a style of the hub's own pages, which
// refusals have there too.
func (h *hosts) local(r *http.Request) bool {
	host, ok := subdomain.Canonical(r.Host, h.secure)
	if !ok || !h.domain.Owns(host) {
		return false
	}
	escaped := r.URL.EscapedPath()
	base := h.site.settings.Base
	if strings.HasPrefix(escaped, base.Hub("static/")) || escaped == base.Hub("logo") {
		return r.Method == http.MethodGet || r.Method == http.MethodHead
	}
	return h.site.Edge.Serves(r)
}

// serve answers a request that serves has claimed: it lets a login arrive, and
// sends people who are at the wrong host to the hub.
func (h *hosts) serve(w http.ResponseWriter, r *http.Request) {
	if h.site.Handover.Serves(r) {
		h.site.Handover.Arrive(w, r)
		return
	}
	path, err := gate.Canonical(r, string(h.site.settings.Base))
	request := gate.Request{
		Class: gate.Classify(r, path), Method: r.Method, URI: r.URL.RequestURI(), PathError: err, Elsewhere: h.origin,
	}
	gate.Decide(request, gate.Subject{}, gate.Resource{}, gate.Links{}).Write(w, nil)
}
