// Package browser is the hub's side of a browser: the cookies it keeps there,
// who a request comes from, and the proof that a page of ours sent it.
//
// What it guarantees:
//
//   - The session cookie is HttpOnly, SameSite=Lax, and Secure wherever the site
//     is served over TLS; there, at the root of a host, its name has the prefix
//     __Host-, so that no other host and no path can set it.
//   - A request that cannot be identified because the store is away is an error,
//     never an anonymous request.
//   - Only what is presented counts: a token that is wrong is not made up for by
//     a cookie beside it.
package browser

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/xsrf"
)

// Names of cookies. The session cookie's name may get a prefix, see Browser.
const (
	sessionCookie = "caddyhub-session"
	// BrowserSessionCookie is JupyterHub's: single-user servers read it to keep
	// what they remember of different logins apart.
	BrowserSessionCookie = "jupyterhub-session-id"
	// XSRFCookie is JupyterHub's; scripts read it and send it back.
	XSRFCookie = "_xsrf"
	// anonymousCookie ties the login form to the browser that asked for it.
	anonymousCookie = "caddyhub-login"
)

// ErrXSRF says that a request by cookie lacks the proof that a page of ours
// sent it. Its text is JupyterHub's message.
var ErrXSRF = errors.New("XSRF")

// Options are what a Browser needs. PublicURL may be nil.
type Options struct {
	Directory *identity.Directory
	Base      hubpath.Base
	// PublicURL is the address of the site as users see it. With it, cookies are
	// Secure exactly if it is https. Without it, they are when the request came
	// over TLS.
	PublicURL *url.URL
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// Browser reads and sets cookies. It is safe for concurrent use.
type Browser struct {
	directory *identity.Directory
	base      hubpath.Base
	public    *url.URL
	tokens    *xsrf.Tokens
	now       func() time.Time
	log       *slog.Logger
}

// New makes a Browser.
func New(options Options) *Browser {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	return &Browser{
		directory: options.Directory,
		base:      options.Base,
		public:    options.PublicURL,
		tokens:    xsrf.New(options.Directory.Keys().Signer("xsrf"), xsrf.Options{Now: options.Now}),
		now:       options.Now,
		log:       options.Log,
	}
}

// Visit is who a request comes from.
type Visit struct {
	// Identity is nil if the request is anonymous or its credentials are invalid.
	Identity *identity.Identity
	// ByCookie says that the session cookie spoke, so that the request has to
	// prove where it comes from.
	ByCookie bool
	// Credentials as presented.
	Credentials gate.Credentials
}

// Identify finds out who sent a request: by the token in Authorization, else by
// the session cookie (JupyterHub "Authentication of a request"). An error is
// trouble with the store.
func (b *Browser) Identify(r *http.Request) (Visit, error) {
	visit := Visit{Credentials: gate.ReadCredentials(r, b.CredentialNames(r))}
	if visit.Credentials.Ambiguous {
		return visit, nil
	}
	token := visit.Credentials.Token
	if token == "" {
		token = visit.Credentials.VisitorToken
	}
	if token != "" {
		found, err := b.directory.ByToken(r.Context(), token)
		if err == nil || !errors.Is(err, identity.ErrInvalid) {
			visit.Identity = found
			return visit, err
		}
		if visit.Credentials.Token != "" {
			return visit, nil
		}
	}
	return b.BySession(r.Context(), visit)
}

// BySession looks only at the session cookies of a visit; the valid one among
// several counts.
func (b *Browser) BySession(ctx context.Context, visit Visit) (Visit, error) {
	for _, cookie := range visit.Credentials.Sessions {
		found, err := b.directory.BySession(ctx, cookie)
		if errors.Is(err, identity.ErrInvalid) {
			continue
		}
		visit.Identity, visit.ByCookie = found, err == nil
		return visit, err
	}
	return visit, nil
}

// CredentialNames says where this site's credentials are found in a request.
func (b *Browser) CredentialNames(r *http.Request) gate.CredentialNames {
	return gate.CredentialNames{
		SessionCookies: []string{b.sessionName(r)},
		VisitorPrefix:  identity.VisitorPrefix,
	}
}

// ReservedCookies are the names that belong to the edge: they go to no upstream
// and no upstream may set them.
func (b *Browser) ReservedCookies() []string {
	return []string{sessionCookie, "__Host-" + sessionCookie, "__Secure-" + sessionCookie, anonymousCookie}
}

// Secure says whether the browser reached the site over TLS.
func (b *Browser) Secure(r *http.Request) bool {
	if b.public != nil {
		return b.public.Scheme == "https"
	}
	return r.TLS != nil
}

// Origin is the origin of the site as the browser sees it: "https://host".
func (b *Browser) Origin(r *http.Request) string {
	if b.public != nil {
		return b.public.Scheme + "://" + b.public.Host
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// SetSession puts a new session into the browser, with the session id that
// single-user servers read. The anonymous login cookie has done its work.
func (b *Browser) SetSession(w http.ResponseWriter, r *http.Request, cookie string, session identity.Session) {
	end := session.Created.Add(b.directory.SessionLifetime())
	b.set(w, r, http.Cookie{
		Name: b.sessionName(r), Value: cookie, Path: string(b.base), HttpOnly: true, Expires: end,
	})
	b.SetBrowserSession(w, r, session)
	b.clear(w, r, anonymousCookie, b.base.Hub(""))
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

// Clear takes all our cookies out of the browser.
func (b *Browser) Clear(w http.ResponseWriter, r *http.Request) {
	b.clear(w, r, b.sessionName(r), string(b.base))
	b.clear(w, r, BrowserSessionCookie, string(b.base))
	b.clear(w, r, XSRFCookie, b.base.Hub(""))
	b.clear(w, r, anonymousCookie, b.base.Hub(""))
}

// Renew prolongs the session behind a visit, if it is time to. Trouble with the
// store is logged: the session is still good, and the next request tries again.
func (b *Browser) Renew(ctx context.Context, visit Visit) {
	if visit.Identity == nil || visit.Identity.Session == nil {
		return
	}
	err := b.directory.RenewSession(ctx, visit.Identity.Session)
	if err != nil && !errors.Is(err, identity.ErrInvalid) {
		b.log.WarnContext(ctx, "session not renewed", "user", visit.Identity.Name(), "error", err)
	}
}

func (b *Browser) sessionName(r *http.Request) string {
	switch {
	case !b.Secure(r):
		return sessionCookie
	case b.base == "/":
		return "__Host-" + sessionCookie
	}
	return "__Secure-" + sessionCookie
}

func (b *Browser) set(w http.ResponseWriter, r *http.Request, cookie http.Cookie) {
	cookie.Secure = b.Secure(r)
	cookie.SameSite = http.SameSiteLaxMode
	http.SetCookie(w, &cookie)
}

func (b *Browser) clear(w http.ResponseWriter, r *http.Request, name, path string) {
	secure := b.Secure(r) || strings.HasPrefix(name, "__")
	http.SetCookie(w, &http.Cookie{
		Name: name, Path: path, MaxAge: -1, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
}
