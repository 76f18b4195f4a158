package handover

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/nexturl"
)

// Path is where codes arrive, on every host that is not the hub's. No app behind
// such a host ever sees a request for it.
const Path = "/.caddyhub/handover"

// GuestOptions are what a Guest is made of. Codes, Browser and HubURL are
// required.
type GuestOptions struct {
	Codes *Handover
	// Browser must know the hosts as guests.
	Browser *browser.Browser
	// HubURL is the hub's prefix as browsers see it, "https://hub.example.org/hub/".
	HubURL string
	// Audit records logins that arrive; nil discards.
	Audit *audit.Log
	// Log is for operators; nil discards.
	Log *slog.Logger
}

// Guest is the side of the hosts that a login is handed over to.
type Guest struct {
	options GuestOptions
	log     *slog.Logger
}

// NewGuest makes a Guest.
func NewGuest(options GuestOptions) *Guest {
	g := &Guest{options: options, log: options.Log}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	return g
}

// Begin sends a navigation round by the hub, to come back to where it is. The
// host must be a guest of Browser.
func (g *Guest) Begin(w http.ResponseWriter, r *http.Request) {
	host, ok := g.options.Browser.GuestHost(r)
	if !ok {
		http.Error(w, "Misdirected Request", http.StatusMisdirectedRequest)
		return
	}
	values := url.Values{
		"host":  {host},
		"next":  {wayBack(r)},
		"state": {State(g.options.Browser.HandoverSecret(w, r))},
	}
	g.redirect(w, g.options.HubURL+"handover?"+values.Encode(), http.StatusFound)
}

// Serves says whether a request is one for Arrive: it came to a host that is not
// the hub's, for Path in exactly this spelling.
func (g *Guest) Serves(r *http.Request) bool {
	if r.URL.EscapedPath() != Path {
		return false
	}
	_, guest := g.options.Browser.GuestHost(r)
	return guest
}

// Arrive exchanges the code of a request for a session on this host and sends
// the browser where it wanted to go. Only a navigation by GET does: what looks
// ahead at links uses up nothing.
func (g *Guest) Arrive(w http.ResponseWriter, r *http.Request) {
	host, ok := g.options.Browser.GuestHost(r)
	switch {
	case !ok:
		http.Error(w, "Misdirected Request", http.StatusMisdirectedRequest)
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	case !Deliberate(r):
		g.refuse(w, http.StatusForbidden, "This address is for browsers on their way from the hub.")
		return
	}
	arrival, err := g.options.Codes.Redeem(r.Context(), r.URL.Query().Get("code"), host, g.options.Browser.HandoverSecrets(r))
	switch {
	case errors.Is(err, ErrCode):
		g.record(r, audit.Event{Outcome: audit.Refused, Reason: "invalid code", Actor: audit.Actor{Kind: audit.Anonymous}}, host)
		g.refuse(w, http.StatusForbidden, "This link has been used before, is too old, or was made in another browser. Please open the page you wanted again.")
		return
	case err != nil:
		g.log.ErrorContext(r.Context(), "login not handed over", "host", host, "error", err)
		w.Header().Set("Retry-After", "5")
		g.refuse(w, http.StatusServiceUnavailable, "The service is temporarily unavailable. Please try again.")
		return
	}
	session := arrival.Session
	g.record(r, audit.Event{Actor: audit.Actor{Kind: audit.User, Name: session.User, SessionID: session.ID}}, host)
	g.options.Browser.SetGuestSession(w, r, arrival.Cookie, session)
	g.redirect(w, arrival.Next, http.StatusSeeOther)
}

// wayBack is where a request wanted to go, as far as that can be said to a hub.
func wayBack(r *http.Request) string {
	for _, next := range []string{r.URL.RequestURI(), r.URL.EscapedPath()} {
		if clean, ok := (nexturl.Site{}).Clean(next); ok {
			return clean
		}
	}
	return "/"
}

// Deliberate says whether a browser goes to a page, as far as it says what it
// does, and not only looks ahead (Sec-Purpose; Purpose and X-Moz are older).
func Deliberate(r *http.Request) bool {
	if r.Header.Get("Sec-Purpose") != "" || r.Header.Get("Purpose") != "" || r.Header.Get("X-Moz") != "" {
		return false
	}
	return gate.Classify(r, gate.Path{}).Kind == gate.KindNavigation
}

func (g *Guest) record(r *http.Request, event audit.Event, host string) {
	event.Action, event.Details = "session.hand_over", map[string]any{"host": host}
	if address, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		event.Remote = address.Addr().Unmap()
	}
	event.Target.User = event.Actor.Name
	g.options.Audit.Record(r.Context(), event)
}

// redirect sends a browser on, so that neither the address nor what is in it
// stays anywhere.
func (g *Guest) redirect(w http.ResponseWriter, location string, status int) {
	quiet(w.Header())
	w.Header().Set("Location", location)
	w.WriteHeader(status)
}

func (g *Guest) refuse(w http.ResponseWriter, status int, message string) {
	quiet(w.Header())
	http.Error(w, message, status)
}

func quiet(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
}
