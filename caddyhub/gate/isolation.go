package gate

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Where the servers of all users share an origin, browsers let a page of one user
// reach into the windows and frames of another. Some of that the browser can be
// told not to do, by headers on the pages of both sides. They are worth what the
// browser makes of them; what changes something is proved to the edge besides
// (XSRFRequired).

// openerPolicy is the header by which a page keeps other windows from its own.
const openerPolicy = "Cross-Origin-Opener-Policy"

// KeepApart tells the browser that no window that was opened by, or opens, a page
// of somebody else's server may reach into this page (HTML, "Cross-origin opener
// policies": the policies of such pages differ, see Confine). An upstream that
// has a policy of its own keeps it.
func KeepApart(h http.Header) {
	if len(h[openerPolicy]) == 0 {
		h[openerPolicy] = keptApart
	}
}

// keptApart is shared between answers. Windows of other sites, which log in
// somewhere or pay for something, still can be opened.
var keptApart = []string{"same-origin-allow-popups"}

// KeepUncached tells the browser to keep an answer from the pages of other users: a
// script can ask its cache for what another page of the same origin was given, and
// the cache asks nobody for a proof. Pages and data are not stored at all. What
// else there is, scripts and pictures, the cache gives only to requests that are
// sent the same way, with the same proof.
func KeepUncached(h http.Header, store bool) {
	if !store {
		h["Cache-Control"] = unstored
		delete(h, "Expires")
		return
	}
	if len(h["Vary"]) == 0 {
		h["Vary"] = proofs
		return
	}
	h["Vary"] = slices.Concat(h["Vary"], proofs)
}

// These are shared between answers.
var (
	unstored = []string{"no-store"}
	proofs   = []string{"Sec-Fetch-Mode, Sec-Fetch-Dest, Authorization, X-XSRFToken, X-CSRFToken"}
)

// Confinement is what pages of a server are held to that somebody else than its
// owner visits. Make one with NewConfinement.
type Confinement struct {
	prefix string
	host   string
	policy []string
}

// NewConfinement is for pages below a prefix (a path, with a slash at its end) of
// an origin ("https://hub.example.org"). An origin that is none gives pages that
// may open nothing.
func NewConfinement(origin, prefix string) *Confinement {
	own, sockets, host := "", "", ""
	if parsed, ok := ParseOrigin(origin); ok {
		// In a policy these would end a value or the whole policy.
		path := strings.NewReplacer(";", "%3B", ",", "%2C").Replace(prefix)
		own, sockets = parsed+path, "ws"+strings.TrimPrefix(parsed, "http")+path
		_, host, _ = strings.Cut(parsed, "://")
	}
	return &Confinement{prefix: prefix, host: host, policy: []string{strings.Join([]string{
		// The scheme https is not that of a WebSocket.
		strings.TrimSpace("connect-src http: https: data: blob: " + sockets),
		strings.TrimSpace("frame-src data: blob: " + own),
		strings.TrimSpace("worker-src data: blob: " + own),
		strings.TrimSpace("object-src data: blob: " + own),
	}, "; ")}}
}

// Apply sets the headers of an answer to a request, whatever the upstream has
// said, and returns the status to send.
//
// Such a page gets no hand on the windows of its visitor, no frame of the
// visitor's own servers and no WebSocket to them. The policy of the upstream
// stays in force beside ours. A frame that is redirected out of the prefix is
// stopped here, since browsers do not look at the path again.
func (c *Confinement) Apply(r *http.Request, h http.Header, status int) int {
	h[openerPolicy] = alone
	h["Content-Security-Policy"] = slices.Concat(h["Content-Security-Policy"], c.policy)
	if locations := h["Location"]; len(locations) > 0 && framed(r.Header) {
		if slices.ContainsFunc(locations, func(location string) bool { return c.leaves(r.URL, location) }) {
			delete(h, "Location")
			return http.StatusForbidden
		}
	}
	return status
}

// alone is shared between answers. It differs from keptApart, and is as strict
// towards the windows that such a page opens.
var alone = []string{"same-origin"}

// leaves tells whether a redirect may lead out of the prefix on this host. Where
// it leads to another host, the policy judges.
func (c *Confinement) leaves(from *url.URL, location string) bool {
	target, err := url.Parse(location)
	switch {
	case err != nil, target.Opaque != "", strings.ContainsAny(location, "\\\t\r\n"):
		return true
	case target.Host != "" && !strings.EqualFold(target.Host, c.host):
		return false
	}
	return !within(from.ResolveReference(target).EscapedPath(), c.prefix)
}

// framed tells whether the answer is for something inside another page. A
// browser that does not say so has sent no Sec-Fetch header at all.
func framed(h http.Header) bool {
	switch single(h, "Sec-Fetch-Dest") {
	case "", "document", "empty":
		return false
	}
	return true
}
