package browser

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/xsrf"
)

// CheckXSRF returns nil if a request may be believed: it was not sent by
// cookie, its kind needs no proof, or it carries a token of ours for this
// session and path prefix. Else the error wraps ErrXSRF. A form must have been
// parsed before.
func (b *Browser) CheckXSRF(r *http.Request, visit Visit, area gate.Area, prefix string) error {
	return explain(r, b.XSRF(r, visit, area, prefix))
}

// CheckForeign is CheckXSRF for a request without valid credentials. One that a
// page of another site sends is answered as if it had some, so that the page
// does not learn whether its visitor is logged in (JupyterHub does the same).
func (b *Browser) CheckForeign(r *http.Request, area gate.Area) error {
	if len(r.Header["Origin"]) == 0 {
		return nil
	}
	return explain(r, gate.CheckXSRF(r, area, b.Origins(r), func(string) bool { return false }))
}

func explain(r *http.Request, result gate.XSRF) error {
	switch result {
	case gate.XSRFPassed:
		return nil
	case gate.XSRFMismatch:
		return mismatch(r)
	}
	return &missing{r.Method}
}

// XSRF says how a request stands with the proof that a page of ours sent it.
func (b *Browser) XSRF(r *http.Request, visit Visit, area gate.Area, prefix string) gate.XSRF {
	if visit.Identity == nil || !visit.ByCookie || visit.Identity.CookieID() == "" {
		return gate.XSRFPassed
	}
	return gate.CheckXSRF(r, area, b.Origins(r), func(token string) bool {
		return b.tokens.Verify(token, visit.proves(), prefix) == nil
	})
}

// XSRFToken mints a token for the pages of a session below a path prefix and,
// on a navigation, puts it into the cookie that scripts read. Anonymous visits
// get one that is bound to this browser, for the login form.
func (b *Browser) XSRFToken(w http.ResponseWriter, r *http.Request, visit Visit, prefix string) (string, error) {
	if visit.Identity == nil || visit.Identity.CookieID() == "" {
		return b.anonymousToken(w, r, prefix)
	}
	token, err := b.tokens.Mint(visit.proves(), prefix)
	if err != nil {
		return "", err
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode == "" || mode == "navigate" {
		b.set(w, r, http.Cookie{Name: XSRFCookie, Value: token, Path: prefix})
	}
	return token, nil
}

// CheckAnonymousXSRF checks the login form: its token must be one that this
// browser was given. Errors wrap ErrXSRF.
func (b *Browser) CheckAnonymousXSRF(r *http.Request, prefix string) error {
	offered := gate.XSRFTokens(r)
	if len(offered) == 0 {
		return &missing{r.Method}
	}
	for _, id := range b.anonymousIDs(r) {
		for _, token := range offered {
			if b.tokens.VerifyAnonymous(token, id, prefix) == nil {
				return nil
			}
		}
	}
	return mismatch(r)
}

func (b *Browser) anonymousToken(w http.ResponseWriter, r *http.Request, prefix string) (string, error) {
	if ids := b.anonymousIDs(r); len(ids) > 0 {
		return b.tokens.MintAnonymous(ids[0], prefix)
	}
	id := xsrf.NewBrowserID()
	b.set(w, r, http.Cookie{Name: b.name(r, anonymousCookie), Value: id, Path: b.path, HttpOnly: true})
	return b.tokens.MintAnonymous(id, prefix)
}

// anonymousIDs are the ids that this browser was given, or that somebody put
// there: no more and no longer ones than are worth a check.
func (b *Browser) anonymousIDs(r *http.Request) []string {
	var ids []string
	for _, id := range gate.CookieValues(r.Header, b.name(r, anonymousCookie)) {
		if len(id) >= minBrowserID && len(id) <= maxBrowserID && len(ids) < gate.MaxSessionCookies {
			ids = append(ids, id)
		}
	}
	return ids
}

// Lengths of ids that can be ours; anything else is replaced.
const (
	minBrowserID = 26
	maxBrowserID = 64
)

func mismatch(r *http.Request) error {
	return fmt.Errorf("%w cookie does not match %s argument", ErrXSRF, r.Method)
}

// missing is the error for a request without any token.
type missing struct{ method string }

func (m *missing) Error() string { return "'_xsrf' argument missing from " + m.method }

func (m *missing) Is(target error) bool { return errors.Is(target, ErrXSRF) }
