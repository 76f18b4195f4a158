package web

import (
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// Consent implements oauth.Pages.
func (s *Web) Consent(w http.ResponseWriter, r *http.Request, visit browser.Visit, view oauth.ConsentView) {
	s.setHeaders(w.Header())
	c := &call{Web: s, w: w, r: r, visit: visit}
	shown := page.Consent{Application: view.Application, RedirectURI: view.RedirectURI, Scopes: view.Scopes}
	for _, permission := range view.Permissions {
		shown.Permissions = append(shown.Permissions, page.Permission{
			Scope: permission.Scope, Description: permission.Text, Filter: permission.Filter,
		})
	}
	visitor := page.Visitor{Name: visit.Identity.Name(), Services: c.services(), XSRF: view.XSRF}
	s.options.Pages.Render(w, http.StatusOK, visitor, shown)
}

// Error implements oauth.Pages.
func (s *Web) Error(w http.ResponseWriter, r *http.Request, visit browser.Visit, told oauth.Failure) {
	s.setHeaders(w.Header())
	c := &call{Web: s, w: w, r: r, visit: visit}
	_ = c.render(told.Status, page.Error{Status: told.Status, Message: told.Message}) // never fails
}
