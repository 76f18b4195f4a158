package oauth

import (
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// Pages shows the pages of the provider. Both methods write the whole answer,
// with headers that forbid to frame it. What they are given may hold text of
// the client's and must be escaped.
type Pages interface {
	// Consent asks the visitor, with status 200. The visitor is logged in.
	Consent(w http.ResponseWriter, r *http.Request, visit browser.Visit, view ConsentView)
	// Error shows a refusal or a failure. The visit may be anonymous.
	Error(w http.ResponseWriter, r *http.Request, visit browser.Visit, failure Failure)
}

// ConsentView is what the consent page says: a form without action, so that it
// is posted to the page's own address with its query.
type ConsentView struct {
	// Application describes the client: "Server at /user/ada/".
	Application string
	// RedirectURI is where an agreement leads; a path if Options has no PublicURL.
	RedirectURI string
	// Scopes are posted, one hidden field "scopes" each.
	Scopes []string
	// Permissions explain those scopes that are more than being identified and
	// access to the client itself. Empty: nothing beyond that is asked.
	Permissions []scope.Description
	// XSRF is posted as the hidden field "_xsrf".
	XSRF string
}

// Failure is what an error page says.
type Failure struct {
	// Status of the answer.
	Status int
	// Message is for the visitor and holds no text of the request.
	Message string
}
