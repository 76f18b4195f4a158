// Package browser is the hub's side of a browser: the cookies it keeps there,
// who a request comes from, and the proof that a page of ours sent it.
//
// What it guarantees:
//
//   - The cookies that log in are HttpOnly, SameSite=Lax, and Secure wherever the
//     site is served over TLS; there, at the root of a host, their names have the
//     prefix __Host-, so that no other host and no path can set them.
//   - A request that cannot be identified because the store is away is an error,
//     never an anonymous request.
//   - Only what is presented counts: a token that is wrong is not made up for by
//     a cookie beside it. A token in the URL is never one, since whoever makes a
//     link could log others in as somebody.
package browser

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/xsrf"
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
	// Guest says whether a host, in canonical form, is another one than the hub's
	// that the login is handed over to. A session cookie there is good for this
	// host alone, and the hub's own for none of them. Nil: there are none.
	Guest func(host string) bool
	// Subdomains says that hosts below that of the hub belong to users. Cookies of
	// the hub then have the prefix __Host- over TLS whatever Base is, since else
	// these hosts could set them.
	Subdomains bool
	// Confirmer asks about the logins behind sessions; nil asks nobody.
	Confirmer Confirmer
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
	confirmer Confirmer
	guest     func(host string) bool
	// path is that of the cookies that log in on the hub's own host.
	path string
	// sessionNames are the names of the session cookie, without TLS and with it;
	// guestNames are those on other hosts than the hub's.
	sessionNames, guestNames [2][]string
	// origins are those of the last request that asked for them.
	origins atomic.Pointer[ownOrigins]
}

// ownOrigins are the origins of the site with what they were made of.
type ownOrigins struct {
	host    string
	secure  bool
	origins gate.Origins
}

// New makes a Browser.
func New(options Options) *Browser {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	b := &Browser{
		directory: options.Directory,
		base:      options.Base,
		public:    options.PublicURL,
		tokens:    xsrf.New(options.Directory.Keys().Signer("xsrf"), xsrf.Options{Now: options.Now}),
		now:       options.Now,
		log:       options.Log,
		confirmer: options.Confirmer,
		guest:     options.Guest,
		path:      string(options.Base),
	}
	if options.Subdomains {
		b.path = "/"
	}
	b.sessionNames = [2][]string{{nameOver(false, b.path, sessionCookie)}, {nameOver(true, b.path, sessionCookie)}}
	b.guestNames = [2][]string{{nameOver(false, "/", sessionCookie)}, {nameOver(true, "/", sessionCookie)}}
	return b
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
	// Request is what presented them, for those who confirm the login behind a
	// session; nil if it is gone.
	Request *http.Request
	// Guest is the host that its session cookies are for; empty on the hub's own.
	Guest string
}

// Identify finds out who sent a request: by the token in Authorization, else by
// the session cookie (JupyterHub "Authentication of a request"). An error is
// trouble with the store.
func (b *Browser) Identify(r *http.Request) (Visit, error) {
	visit := b.Presented(r, b.CredentialNames(r))
	if visit.Credentials.Ambiguous {
		return visit, nil
	}
	token := visit.Credentials.Token
	if token == "" {
		token = b.visitorToken(r)
	}
	if token != "" {
		found, err := b.ByToken(r.Context(), visit, token)
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

// visitorToken is the visitor token of the Authorization header. Credentials
// also tell of one in the URL, which has to be replaced but proves nothing.
func (b *Browser) visitorToken(r *http.Request) string {
	names := gate.CredentialNames{VisitorPrefix: identity.VisitorPrefix}
	return gate.ReadCredentials(&http.Request{Header: r.Header, URL: new(url.URL)}, names).VisitorToken
}

// BySession looks only at the session cookies of a visit; the valid one among
// several counts.
func (b *Browser) BySession(ctx context.Context, visit Visit) (Visit, error) {
	for _, cookie := range visit.Credentials.Sessions {
		found, err := b.confirmed(ctx, visit, func() (*identity.Identity, error) {
			return b.bySession(ctx, cookie, visit.Guest)
		})
		if errors.Is(err, identity.ErrInvalid) {
			continue
		}
		visit.Identity, visit.ByCookie = found, err == nil
		return visit, err
	}
	return visit, nil
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

// Secure says whether the browser reached the site over TLS.
func (b *Browser) Secure(r *http.Request) bool {
	if b.public != nil {
		return b.public.Scheme == "https"
	}
	return r.TLS != nil
}

// Origins are the origins of the site as the browser sees it.
func (b *Browser) Origins(r *http.Request) gate.Origins {
	// With a public URL the request makes no difference, and this is right too.
	host, secure := r.Host, r.TLS != nil
	if known := b.origins.Load(); known != nil && known.host == host && known.secure == secure {
		return known.origins
	}
	made := &ownOrigins{host, secure, gate.NewOrigins(b.Origin(r))}
	b.origins.Store(made)
	return made.origins
}

// Origin is the origin of the site as the browser sees it: "https://host".
func (b *Browser) Origin(r *http.Request) string {
	if guest, is := b.guestOf(r); is {
		return b.scheme(r) + "://" + guest
	}
	if b.public != nil {
		return b.public.Scheme + "://" + b.public.Host
	}
	return b.scheme(r) + "://" + r.Host
}
