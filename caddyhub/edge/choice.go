package edge

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

const (
	// choiceParameter names the grant that a form is about, in its address. It is
	// how the form is told from what goes upstream: it counts only if this browser
	// has a grant of this name.
	choiceParameter = "caddyhub_grant"
	// maxChoice is how long the form may be.
	maxChoice = 16 << 10
)

// asks shows the choice to a person who opens a page while it has not been made.
// What scripts ask for meanwhile goes on as it did.
func (e *Edge) asks(w http.ResponseWriter, r *http.Request, v *visit) bool {
	if v.undecided == nil || v.request.Class.Kind != gate.KindNavigation || v.request.Method != http.MethodGet {
		return false
	}
	login, err := e.options.Browser.BySession(r.Context(), v.Visit)
	if err != nil || login.Identity == nil {
		return false
	}
	grant := v.undecided.Grant
	token, err := e.options.Browser.FormToken(login, grant.ID)
	if err != nil || e.options.Choose == nil {
		e.refuse(w, r, v, gate.Decision{Verdict: gate.Refuse, Status: http.StatusForbidden, Message: "The link acts as somebody else."})
		return true
	}
	separator := "?"
	if strings.Contains(v.request.URI, "?") {
		separator = "&"
	}
	w.Header().Add("Vary", "Cookie, Authorization")
	gate.KeepApart(w.Header()) // nobody else's page clicks on this one
	e.options.Choose(w, r, login, browser.Choice{
		Login: login.Identity.Owner, Link: grant.Owner,
		User: v.client.Server.User, Server: v.client.Server.Name, Service: v.client.Service,
		Action: v.request.URI + separator + choiceParameter + "=" + url.QueryEscape(grant.ID), XSRF: token,
	})
	return true
}

// choice takes the form, and sends the browser to the page that it was about.
func (e *Edge) choice(w http.ResponseWriter, r *http.Request, v *visit) bool {
	if r.Method != http.MethodPost || v.undecided == nil {
		return false
	}
	grant := v.undecided.Grant
	named := gate.QueryValues(r.URL.RawQuery, choiceParameter)
	if len(named) != 1 || named[0] != grant.ID {
		return false
	}
	v.request.URI = withoutParameter(v.request.URI, choiceParameter)
	login, err := e.options.Browser.BySession(r.Context(), v.Visit)
	if err == nil && (login.Identity == nil || login.Identity.Session == nil) {
		err = identity.ErrInvalid
	}
	if err == nil && !formOf(w, r) {
		e.refuse(w, r, v, gate.Decision{Verdict: gate.Refuse, Status: http.StatusBadRequest, Message: "Bad Request"})
		return true
	}
	if err == nil && !e.options.Browser.FormChecks(r, login, grant.ID) {
		e.refuse(w, r, v, gate.Decision{Verdict: gate.Refuse, Status: http.StatusForbidden, Message: "'_xsrf' argument missing or wrong"})
		return true
	}
	if err == nil {
		err = e.chosen(w, r, v, login.Identity)
	}
	switch {
	case errors.Is(err, errChoice):
		e.refuse(w, r, v, gate.Decision{Verdict: gate.Refuse, Status: http.StatusBadRequest, Message: "Bad Request"})
		return true
	case err != nil && !errors.Is(err, identity.ErrInvalid):
		e.report(r.Context(), "choice not taken", err)
		v.subject.Identity = gate.IdentityUnavailable
		e.refuse(w, r, v, v.decide(e.links(r)))
		return true
	}
	// Of a token that has ended meanwhile the page itself will tell.
	toCleanPage(w, v)
	return true
}

var errChoice = errors.New("edge: no such choice")

// chosen does what the form says.
func (e *Edge) chosen(w http.ResponseWriter, r *http.Request, v *visit, login *identity.Identity) error {
	switch r.PostForm.Get(browser.ChoiceField) {
	case browser.ChooseGrant:
		agreed, err := e.options.Directory.Agree(r.Context(), *v.undecided.Grant, login.Session)
		if err != nil {
			return err
		}
		e.options.Browser.SetGrant(w, r, agreed, e.prefix(v))
		e.options.Observer.granted(r, Granted{By: login, Grant: agreed, Identity: v.undecided})
		return nil
	case browser.ChooseLogin:
		e.options.Browser.ClearGrant(w, r, e.prefix(v))
		return nil
	}
	return errChoice
}

// formOf parses a form as browsers send it.
func formOf(w http.ResponseWriter, r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxChoice)
	return r.ParseForm() == nil
}
