package browser

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// grantCookie begins the names of the cookies with grants. What follows is one
// for each prefix, since the cookie of /user/ada/ is sent to /user/ada/lab/ too,
// which may have one of its own.
const grantCookie = "caddyhub-grant-"

// ReservedCookiePrefixes begin the names of further cookies that belong to the
// edge, in the sense of ReservedCookies.
func (b *Browser) ReservedCookiePrefixes() []string { return variants(grantCookie) }

// GrantCookie is the name of the cookie with the grant for a path prefix.
func (b *Browser) GrantCookie(r *http.Request, prefix string) string {
	sum := sha256.Sum256([]byte(prefix))
	return nameOver(b.Secure(r), prefix, grantCookie+base64.RawURLEncoding.EncodeToString(sum[:16]))
}

// Grants are the grants for a path prefix that a browser has, in the order in which
// they came. Another page on the same host may have put some there; whether one
// counts the caller decides.
func (b *Browser) Grants(r *http.Request, prefix string) []identity.Grant {
	if len(r.Header["Cookie"]) == 0 {
		return nil
	}
	values := gate.CookieValues(r.Header, b.GrantCookie(r, prefix))
	var grants []identity.Grant
	for _, value := range values[:min(len(values), gate.MaxSessionCookies)] {
		if grant, ok := b.directory.OpenGrant(value); ok {
			grants = append(grants, grant)
		}
	}
	return grants
}

// SetGrant puts a grant into the browser, for a path prefix and until the browser
// is closed.
func (b *Browser) SetGrant(w http.ResponseWriter, r *http.Request, grant identity.Grant, prefix string) {
	b.set(w, r, http.Cookie{
		Name: b.GrantCookie(r, prefix), Value: b.directory.SealGrant(grant), Path: prefix, HttpOnly: true,
	})
}

// ClearGrant takes the grant for a path prefix out of the browser.
func (b *Browser) ClearGrant(w http.ResponseWriter, r *http.Request, prefix string) {
	b.clear(w, r, b.GrantCookie(r, prefix), prefix)
}

// FormToken is a token for one form and nothing else, with which FormChecks must
// find it again. Unlike XSRFToken's it is in no cookie, so that no script of
// another page can read it there. The visit must be one by session.
func (b *Browser) FormToken(visit Visit, form string) (string, error) {
	return b.tokens.Mint(visit.proves(), "form "+form)
}

// FormChecks says whether a request that sends a form has the token that the form
// was given for this session. The form must have been parsed.
func (b *Browser) FormChecks(r *http.Request, visit Visit, form string) bool {
	if visit.Identity == nil || visit.Identity.Session == nil || b.Origins(r).Foreign(r) {
		return false
	}
	for _, token := range gate.XSRFTokens(r) {
		if b.tokens.Verify(token, visit.proves(), "form "+form) == nil {
			return true
		}
	}
	return false
}
