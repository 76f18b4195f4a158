package edge

import (
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// forward hands an allowed request on, with the visitor's identity and without
// what is ours.
func (e *Edge) forward(w http.ResponseWriter, r *http.Request, v *visit, forward Forward) error {
	e.options.Browser.Renew(r.Context(), v.Visit)
	e.touch(v)

	out := r.Clone(r.Context())
	e.hygiene.SanitizeRequest(out.Header)
	if v.request.Class.Kind != gate.KindWebSocket {
		gate.StripUpgrade(out.Header)
	}
	prefix := e.prefix(v)
	clean := &sanitizer{ResponseWriter: w, hygiene: e.hygiene, prefix: prefix}
	if session := v.Identity.Session; session != nil {
		e.introduce(out, session, v)
		clean.ours = func(header http.ResponseWriter) { e.equip(header, r, v, prefix) }
	}
	return forward(clean, out, *v.route)
}

// introduce tells the upstream who visits, by a token that the edge mints. A
// token of the edge's own that a page sent back is replaced, wherever it stood.
func (e *Edge) introduce(out *http.Request, session *identity.Session, v *visit) {
	out.Header.Set("Authorization", "token "+e.options.Directory.VisitorToken(session, v.client))
	if v.Credentials.VisitorToken != "" {
		out.URL.RawQuery = gate.WithoutParameter(out.URL.RawQuery, "token")
		out.RequestURI = out.URL.RequestURI()
	}
	if len(gate.CookieValues(out.Header, browser.BrowserSessionCookie)) == 0 {
		out.AddCookie(&http.Cookie{Name: browser.BrowserSessionCookie, Value: session.BrowserSession})
	}
}

// equip gives the browser what its later requests to the same upstream need.
func (e *Edge) equip(w http.ResponseWriter, r *http.Request, v *visit, prefix string) {
	if v.request.Class.Kind != gate.KindNavigation {
		return
	}
	e.options.Browser.SetBrowserSession(w, r, *v.Identity.Session)
	if _, err := e.options.Browser.XSRFToken(w, r, v.Visit, prefix); err != nil {
		e.log.ErrorContext(r.Context(), "no XSRF token", "error", err)
	}
}

// touch notes activity. What a server's own token does is not the user's.
func (e *Edge) touch(v *visit) {
	now, activity := e.now(), e.options.Directory.Activity()
	if server := v.client.Server; !server.IsZero() {
		activity.Touch(identity.ActivityOfServer(server.User, server.Name), now)
	}
	if token := v.Identity.Token; token != nil {
		activity.Touch(identity.ActivityOfToken(token.ID), now)
		if token.OfServer() {
			return
		}
	}
	if v.Identity.User != nil {
		activity.Touch(identity.ActivityOfUser(v.Identity.User.Name), now)
	}
}

// sanitizer cleans the headers of an upstream before they are sent.
type sanitizer struct {
	http.ResponseWriter
	hygiene *gate.Hygiene
	prefix  string
	// ours sets headers of the edge's own.
	ours func(http.ResponseWriter)
	done bool
}

// WriteHeader cleans and sends the headers. Informational answers have a set of
// their own.
func (s *sanitizer) WriteHeader(status int) {
	informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if !s.done || informational {
		s.hygiene.SanitizeResponse(s.Header(), s.prefix)
	}
	if !s.done && !informational {
		s.done = true
		if s.ours != nil {
			s.ours(s.ResponseWriter)
		}
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write sends the headers first, as the writer below would.
func (s *sanitizer) Write(data []byte) (int, error) {
	if !s.done {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriter.Write(data)
}

// Unwrap lets http.ResponseController reach the writer below, to flush and to
// hijack.
func (s *sanitizer) Unwrap() http.ResponseWriter { return s.ResponseWriter }
