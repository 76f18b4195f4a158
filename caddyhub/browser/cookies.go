package browser

import (
	"net/http"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// Names of cookies. Those that log in get a prefix over TLS, see name.
const (
	sessionCookie = "caddyhub-session"
	// anonymousCookie ties the login form to the browser that asked for it.
	anonymousCookie = "caddyhub-login"
	// BrowserSessionCookie is JupyterHub's: single-user servers read it to keep
	// what they remember of different logins apart.
	BrowserSessionCookie = "jupyterhub-session-id"
	// XSRFCookie is JupyterHub's; scripts read it and send it back.
	XSRFCookie = "_xsrf"
)

// Prefixes of names by which a browser guards a cookie (RFC 6265bis, 4.1.3).
const (
	hostPrefix   = "__Host-"
	securePrefix = "__Secure-"
)

// CredentialNames says where this site's credentials are found in a request.
func (b *Browser) CredentialNames(r *http.Request) gate.CredentialNames {
	names := &b.sessionNames
	if _, guest := b.guestOf(r); guest {
		names = &b.guestNames
	}
	chosen := names[0]
	if b.Secure(r) {
		chosen = names[1]
	}
	return gate.CredentialNames{SessionCookies: chosen, VisitorPrefix: identity.VisitorPrefix}
}

// ReservedCookies are the names that belong to the edge: they go to no upstream
// and no upstream may set them.
func (b *Browser) ReservedCookies() []string {
	return slices.Concat(variants(sessionCookie), variants(anonymousCookie), variants(handoverCookie), variants(arrivalCookie))
}

// variants are all names that a cookie may have.
func variants(name string) []string { return []string{name, hostPrefix + name, securePrefix + name} }

// name is the name of a cookie on this site: with the strictest prefix that is
// possible.
func (b *Browser) name(r *http.Request, name string) string {
	return nameOver(b.Secure(r), b.path, name)
}

func nameOver(secure bool, path, name string) string {
	switch {
	case !secure:
		return name
	case path == "/":
		return hostPrefix + name
	}
	return securePrefix + name
}

// SetSession puts a new session into the browser, with the session id that
// single-user servers read. The anonymous login cookie has done its work.
func (b *Browser) SetSession(w http.ResponseWriter, r *http.Request, cookie string, session identity.Session) {
	left := session.Created.Add(b.directory.SessionLifetime()).Sub(b.now())
	b.set(w, r, http.Cookie{
		Name: b.name(r, sessionCookie), Value: cookie, Path: b.path, HttpOnly: true,
		// Not Expires: the clock of a browser may be wrong.
		MaxAge: max(1, int(left.Seconds())),
	})
	b.SetBrowserSession(w, r, session)
	b.clear(w, r, b.name(r, anonymousCookie), b.path)
}

// SetBrowserSession puts the session id that single-user servers read into the
// browser, where it is missing or another one.
func (b *Browser) SetBrowserSession(w http.ResponseWriter, r *http.Request, session identity.Session) {
	if values := gate.CookieValues(r.Header, BrowserSessionCookie); len(values) == 1 && values[0] == session.BrowserSession {
		return
	}
	b.set(w, r, http.Cookie{
		Name: BrowserSessionCookie, Value: session.BrowserSession, Path: string(b.base), HttpOnly: true,
	})
}

// Clear takes our cookies out of the browser, also those that it got while the
// site had no TLS. XSRF cookies of servers stay: their tokens end with the session.
func (b *Browser) Clear(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{sessionCookie, anonymousCookie} {
		b.clear(w, r, name, b.path)
		if b.Secure(r) {
			b.clear(w, r, b.name(r, name), b.path)
		}
	}
	b.clear(w, r, BrowserSessionCookie, string(b.base))
	b.clear(w, r, XSRFCookie, b.base.Hub(""))
}

func (b *Browser) set(w http.ResponseWriter, r *http.Request, cookie http.Cookie) {
	cookie.Secure = b.Secure(r)
	cookie.SameSite = http.SameSiteLaxMode
	http.SetCookie(w, &cookie)
}

func (b *Browser) clear(w http.ResponseWriter, r *http.Request, name, path string) {
	b.set(w, r, http.Cookie{Name: name, Path: path, MaxAge: -1, HttpOnly: true})
}
