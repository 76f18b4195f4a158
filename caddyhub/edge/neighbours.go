package edge

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

// dataOfJupyter are the paths below a server at which Jupyter Server gives out
// what is its user's. JupyterLab puts the XSRF token into the addresses of what it
// shows from there.
var dataOfJupyter = []string{"api", "files", "nbconvert"}

// alone says whether what is visited has a host to itself, so that there are no
// neighbours.
func (v *visit) alone() bool { return v.Guest != "" || v.route != nil && v.route.Spec().Host() != "" }

// byOwner says whether the browser of its owner visits a server.
func (v *visit) byOwner() bool {
	identity := v.Identity
	return identity != nil && identity.Session != nil && identity.User != nil && identity.User.Name == v.client.Server.User
}

// confined says whether pages may do no more than what they need: those of a
// server that somebody else than its owner visits.
func (v *visit) confined() bool {
	return !v.client.Server.IsZero() && !v.alone() && !v.byOwner()
}

// area is by which rules a request by cookie has to prove where it comes from.
func (e *Edge) area(v *visit) gate.Area {
	if v.alone() {
		return gate.AreaOwnOrigin
	}
	if v.route == nil || v.client.Server.IsZero() {
		return gate.AreaServer
	}
	below, _ := strings.CutPrefix(v.path.String(), e.prefix(v))
	first, _, _ := strings.Cut(strings.TrimLeft(below, "/"), "/")
	plain, err := url.PathUnescape(first)
	for _, data := range dataOfJupyter {
		if err != nil || strings.EqualFold(plain, data) {
			return gate.AreaData
		}
	}
	return gate.AreaServer
}

// separation is by which headers what is visited is kept from the pages of other
// users on the same origin. The zero separation is by none.
type separation struct {
	needed bool
	// page says that a browser shows the answer as a page of its own, stored that it
	// may keep it.
	page, stored bool
	// confinement holds a page to what it needs; nil if it may do more.
	confinement *gate.Confinement
}

func (e *Edge) separation(r *http.Request, v *visit, prefix string) separation {
	if v.alone() || v.resource.Open || !v.minted() {
		return separation{} // to a program nothing needs to be said
	}
	apart := separation{needed: true, page: v.request.Class.Kind == gate.KindNavigation}
	apart.stored = !apart.page && e.area(v) != gate.AreaData
	if v.confined() {
		apart.confinement = gate.NewConfinement(e.options.Browser.Origin(r), prefix)
	}
	return apart
}

// apply sets the headers of an answer to a request, and returns the status to send.
func (s separation) apply(r *http.Request, h http.Header, status int) int {
	if !s.needed {
		return status
	}
	gate.KeepUncached(h, s.stored)
	switch {
	case s.confinement != nil:
		return s.confinement.Apply(r, h, status)
	case s.page:
		gate.KeepApart(h)
	}
	return status
}

// addsSlash sends whoever asks for a prefix without the slash at its end there. An
// upstream's answer in that place could be the script of a service worker for all
// servers beside it. Single-user servers do the same.
func (e *Edge) addsSlash(w http.ResponseWriter, r *http.Request, v *visit) bool {
	prefix := e.prefix(v)
	reads := v.request.Method == http.MethodGet || v.request.Method == http.MethodHead
	missing, begins := strings.CutPrefix(prefix, v.path.String())
	if !reads || v.request.Class.Kind == gate.KindWebSocket || !begins || missing != "/" {
		return false
	}
	target := url.URL{RawQuery: r.URL.RawQuery}
	w.Header().Set("Cache-Control", "no-store")
	gate.KeepApart(w.Header())
	gate.Decision{Verdict: gate.Redirect, Status: http.StatusFound, Location: prefix + target.String()}.Write(w, nil)
	return true
}
