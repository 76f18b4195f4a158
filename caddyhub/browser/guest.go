package browser

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/subdomain"
)

// A host other than the hub's gets a session of its own, handed over from the
// hub's (package handover). What is here keeps the two apart: by the host of a
// request it is certain which of them its cookie can be.

// handoverCookie ties a hand-over to the browser that asked for it.
const handoverCookie = "caddyhub-handover"

// handoverAge is how long a browser may take from asking for a hand-over to its
// end; people log in meanwhile.
const handoverAge = time.Hour

// Presented is the visit of a request that nobody has looked into yet.
func (b *Browser) Presented(r *http.Request, names gate.CredentialNames) Visit {
	guest, _ := b.guestOf(r)
	return Visit{Credentials: gate.ReadCredentials(r, names), Guest: guest, Request: r}
}

// GuestHost is the host that a request was sent to, in canonical form, if it is
// one that logins are handed over to; ok is false on the hub's own host, and on
// hosts that nobody knows.
func (b *Browser) GuestHost(r *http.Request) (host string, ok bool) { return b.guestOf(r) }

func (b *Browser) guestOf(r *http.Request) (host string, is bool) {
	if b.guest == nil {
		return "", false
	}
	host, ok := subdomain.Canonical(r.Host, b.Secure(r))
	if !ok || !b.guest(host) {
		return "", false
	}
	return host, true
}

func (b *Browser) bySession(ctx context.Context, cookie, guest string) (*identity.Identity, error) {
	if guest != "" {
		return b.directory.ByHostSession(ctx, cookie, guest)
	}
	return b.directory.BySession(ctx, cookie)
}

// proves is what XSRF tokens of a visit are signed for: one that is good on a
// host is worth nothing on any other, though the session behind both is the same.
func (v Visit) proves() string {
	if v.Guest == "" {
		return v.Identity.CookieID()
	}
	return v.Identity.CookieID() + "@" + v.Guest
}

func (b *Browser) scheme(r *http.Request) string {
	if b.Secure(r) {
		return "https"
	}
	return "http"
}

// SetGuestSession puts the session of a guest host into the browser. The cookie
// that tied its hand-over to this browser has done its work.
func (b *Browser) SetGuestSession(w http.ResponseWriter, r *http.Request, cookie string, session identity.Session) {
	left := session.Created.Add(b.directory.SessionLifetime()).Sub(b.now())
	b.set(w, r, http.Cookie{
		Name: nameOver(b.Secure(r), "/", sessionCookie), Value: cookie, Path: "/", HttpOnly: true,
		MaxAge: max(1, int(left.Seconds())),
	})
	b.clear(w, r, nameOver(b.Secure(r), "/", handoverCookie), "/")
}

// HandoverSecret is the secret by which this browser will be known when its
// hand-over comes back. A browser that has one keeps it, so that several tabs may
// be on their way at once.
func (b *Browser) HandoverSecret(w http.ResponseWriter, r *http.Request) string {
	if secrets := b.HandoverSecrets(r); len(secrets) > 0 {
		return secrets[0]
	}
	secret := rand.Text() + rand.Text()
	b.set(w, r, http.Cookie{
		Name: nameOver(b.Secure(r), "/", handoverCookie), Value: secret, Path: "/", HttpOnly: true,
		MaxAge: int(handoverAge.Seconds()),
	})
	return secret
}

// HandoverSecrets are those that the browser has, or that somebody put there
// where no TLS guards the name of the cookie: no more than are worth a check.
func (b *Browser) HandoverSecrets(r *http.Request) []string {
	var secrets []string
	for _, secret := range gate.CookieValues(r.Header, nameOver(b.Secure(r), "/", handoverCookie)) {
		if len(secret) == handoverLength && len(secrets) < gate.MaxSessionCookies {
			secrets = append(secrets, secret)
		}
	}
	return secrets
}

// handoverLength is how long a secret of ours is.
const handoverLength = 52
