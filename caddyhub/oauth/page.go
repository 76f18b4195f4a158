package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/refresh"
)

// serveAuthorize answers {hub}api/oauth2/authorize: a page, in the tree of the
// API. Only the session cookie counts; a token has no person who could agree.
func (p *Provider) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	// The address holds the client's state, which is nobody else's business.
	w.Header().Set("Referrer-Policy", "strict-origin")
	visit, err := p.visit(r)
	switch {
	case err != nil:
		p.failPage(w, r, visit, err)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, POST")
		p.pages.Error(w, r, visit, Failure{http.StatusMethodNotAllowed, "Method Not Allowed"})
		return
	case visit.Identity == nil:
		p.toLogin(w, r)
		return
	}
	p.browser.Renew(r.Context(), visit)
	p.browser.SetBrowserSession(w, r, *visit.Identity.Session)
	agreed, err := p.readConsent(w, r, visit)
	if err != nil {
		p.failPage(w, r, visit, err)
		return
	}
	p.authorize(w, r, visit, agreed)
}

func (p *Provider) visit(r *http.Request) (browser.Visit, error) {
	credentials := gate.ReadCredentials(r, p.browser.CredentialNames(r))
	return p.browser.BySession(r.Context(), browser.Visit{Credentials: credentials, Request: r})
}

// toLogin sends the visitor through login and back here.
func (p *Provider) toLogin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", p.base.Hub("login")+"?next="+url.QueryEscape(r.URL.RequestURI()))
	w.WriteHeader(http.StatusFound)
}

// readConsent returns the scopes that the consent form posts, not nil, or nil if
// the request is no form. Its errors are refusals on a page.
func (p *Provider) readConsent(w http.ResponseWriter, r *http.Request, visit browser.Visit) ([]string, error) {
	if r.Method != http.MethodPost {
		return nil, nil
	}
	form, err := readForm(w, r, maxConsentForm)
	switch {
	case errors.Is(err, errTooLong):
		return nil, refuseOnPage(http.StatusRequestEntityTooLarge, "The form is too long.")
	case err != nil:
		return nil, refuseOnPage(http.StatusBadRequest, "Unable to parse the form.")
	}
	r.PostForm = form.values
	if err := p.browser.CheckXSRF(r, visit, gate.AreaPage, p.base.Hub("")); err != nil {
		return nil, refuseOnPage(http.StatusForbidden, err.Error())
	}
	// The request stands in the query. A second opinion in the form is refused
	// like any other duplicate.
	for _, name := range authorizeParameters {
		if len(form.all(name)) > 0 {
			return nil, refuseOnPage(http.StatusBadRequest, "Duplicate "+name+" parameter.")
		}
	}
	return append([]string{}, form.all("scopes")...), nil
}

// authorize goes on where the visitor is known and, if agreed is not nil, has
// agreed to scopes.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request, visit browser.Visit, agreed []string) {
	request, err := parseAuthorizeRequest(r.URL.RawQuery)
	if err != nil {
		p.failPage(w, r, visit, err)
		return
	}
	found, err := p.weigh(r.Context(), visit.Identity, request, agreed)
	if err != nil {
		p.authorized(r, visit, found.client.ID, request.scopes, err)
	}
	if refused := new(refusal); errors.As(err, &refused) && refused.status == 0 {
		p.log.WarnContext(r.Context(), "OAuth request refused", "client_id", found.client.ID,
			"user", visit.Identity.Name(), "error", refused.code)
		redirect(w, found.client.RedirectURI, url.Values{
			"error": {refused.code}, "error_description": {refused.description}, "state": {request.state},
		})
		return
	}
	if err != nil {
		p.failPage(w, r, visit, err)
		return
	}
	if found.confirm {
		p.askConsent(w, r, visit, found)
		return
	}
	secret, err := p.issue(r.Context(), visit, request, found)
	p.authorized(r, visit, found.client.ID, found.granted, err)
	if err != nil {
		p.failPage(w, r, visit, err)
		return
	}
	redirect(w, found.client.RedirectURI, url.Values{"code": {secret}, "state": {request.state}})
}

// askConsent shows the consent page, to people only: a script of another user's
// page on this origin could read the form's proof out of it and agree by itself.
func (p *Provider) askConsent(w http.ResponseWriter, r *http.Request, visit browser.Visit, found authorization) {
	if mode := r.Header.Values("Sec-Fetch-Mode"); len(mode) > 0 && (len(mode) > 1 || mode[0] != "navigate") {
		p.failPage(w, r, visit, refuseOnPage(http.StatusForbidden, "Open this address in the browser to authorize the application."))
		return
	}
	token, err := p.browser.XSRFToken(w, r, visit, p.base.Hub(""))
	if err != nil {
		p.failPage(w, r, visit, err)
		return
	}
	p.pages.Consent(w, r, visit, ConsentView{
		Application: found.client.Description,
		RedirectURI: p.inFull(found.client.RedirectURI),
		Scopes:      found.posted,
		Permissions: found.permissions,
		XSRF:        token,
	})
}

// inFull puts the address of the site before a path, if it is known.
func (p *Provider) inFull(uri string) string {
	if p.public == nil || !strings.HasPrefix(uri, "/") {
		return uri
	}
	return p.public.Scheme + "://" + p.public.Host + uri
}

// failPage shows a refusal or a failure. The cause of a failure goes to the log.
func (p *Provider) failPage(w http.ResponseWriter, r *http.Request, visit browser.Visit, err error) {
	failure := Failure{http.StatusInternalServerError, "Internal Server Error"}
	refused := new(refusal)
	switch {
	case errors.As(err, &refused):
		failure = Failure{refused.status, refused.description}
	case errors.Is(err, refresh.ErrUnconfirmed):
		w.Header().Set("Retry-After", retryAfter)
		failure = Failure{http.StatusServiceUnavailable, "The login service does not answer, so that your login could not be confirmed. Try again in a moment."}
	case isAway(err):
		w.Header().Set("Retry-After", retryAfter)
		failure = Failure{http.StatusServiceUnavailable, "The hub cannot reach its store. Try again in a moment."}
	}
	if failure.Status >= http.StatusInternalServerError {
		p.log.ErrorContext(r.Context(), "OAuth request failed", "status", failure.Status, "error", err)
	}
	p.pages.Error(w, r, visit, failure)
}

// redirect tells a client the answer through the browser. Empty values are left
// out. The address is a registered one; what the request said is encoded.
func redirect(w http.ResponseWriter, uri string, answer url.Values) {
	for name, values := range answer {
		if values[0] == "" {
			answer.Del(name)
		}
	}
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	w.Header().Set("Location", uri+separator+answer.Encode())
	w.WriteHeader(http.StatusFound)
}
