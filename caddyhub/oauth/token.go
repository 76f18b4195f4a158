package oauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// tokenParameters are the parameters of a token request; each may come once.
var tokenParameters = []string{
	"client_id", "client_secret", "grant_type", "code", "redirect_uri", "code_verifier",
}

// tokenRequest is a token request that is well-formed (RFC 6749, 4.1.3).
type tokenRequest struct {
	clientID, clientSecret string
	code                   string
	// redirectURI must be what the authorization request said.
	redirectURI string
	// verifier of PKCE; empty for none.
	verifier string
}

// tokenAnswer is the body of a successful answer (RFC 6749, 5.1).
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	// ExpiresIn is in seconds.
	ExpiresIn int64  `json:"expires_in"`
	TokenType string `json:"token_type"`
	// Scope is the list of granted scopes, unexpanded, with spaces between.
	Scope string `json:"scope"`
}

// tokenFailure is the body of any other answer (RFC 6749, 5.2).
type tokenFailure struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// serveToken answers {hub}api/oauth2/token. There is no XSRF check: cookies mean
// nothing here.
func (p *Provider) serveToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeJSON(w, http.StatusMethodNotAllowed, tokenFailure{invalidRequest, "Only POST is allowed."})
		return
	}
	request, err := readTokenRequest(w, r)
	if err != nil {
		p.failToken(w, r, err)
		return
	}
	made, client, err := p.exchange(r.Context(), request)
	p.exchanged(r, client, made, err)
	if err != nil {
		p.failToken(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, tokenAnswer{
		AccessToken: made.secret,
		ExpiresIn:   int64(made.lifetime / time.Second),
		TokenType:   "Bearer",
		Scope:       strings.Join(made.scopes, " "),
	})
}

// readTokenRequest reads the form of a token request. Parameters in the query
// are refused: queries end up in logs.
func readTokenRequest(w http.ResponseWriter, r *http.Request) (request tokenRequest, err error) {
	if r.URL.RawQuery != "" {
		return request, refuseAsJSON(invalidRequest, "URL query parameters are not allowed")
	}
	form, err := readForm(w, r, maxTokenForm)
	switch {
	case errors.Is(err, errTooLong):
		return request, &refusal{http.StatusRequestEntityTooLarge, invalidRequest, "The request is too long."}
	case errors.Is(err, errContentType):
		return request, refuseAsJSON(invalidRequest, "The body must be application/x-www-form-urlencoded.")
	case err != nil:
		return request, refuseAsJSON(invalidRequest, "Unable to parse the body.")
	}
	if name, found := form.duplicate(tokenParameters); found {
		return request, refuseAsJSON(invalidRequest, "Duplicate "+name+" parameter.")
	}
	request = tokenRequest{
		clientID: form.get("client_id"), clientSecret: form.get("client_secret"),
		code: form.get("code"), redirectURI: form.get("redirect_uri"), verifier: form.get("code_verifier"),
	}
	return request, request.check(form.get("grant_type"))
}

func (request tokenRequest) check(grantType string) error {
	switch {
	case grantType == "":
		return refuseAsJSON(invalidRequest, "Missing grant_type parameter.")
	case grantType != "authorization_code":
		return refuseAsJSON(unsupportedGrantType, "")
	case request.code == "":
		return refuseAsJSON(invalidRequest, "Missing code parameter.")
	case len(request.code) > maxCode:
		return refuseAsJSON(invalidGrant, badCode)
	case request.verifier != "" && !validVerifier(request.verifier):
		return refuseAsJSON(invalidRequest, "Invalid code verifier.")
	}
	return nil
}

// failToken answers with an error. What is not the client's fault is told apart
// from what is, and its cause goes to the log only.
func (p *Provider) failToken(w http.ResponseWriter, r *http.Request, err error) {
	refused := new(refusal)
	switch {
	case errors.As(err, &refused):
		if refused.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer error="`+invalidClient+`"`)
		}
		writeJSON(w, refused.status, tokenFailure{refused.code, refused.description})
	case isAway(err):
		p.log.WarnContext(r.Context(), "OAuth token not issued: the store is away", "error", err)
		w.Header().Set("Retry-After", retryAfter)
		writeJSON(w, http.StatusServiceUnavailable, tokenFailure{temporarilyUnavailable, "Try again in a moment."})
	default:
		p.log.ErrorContext(r.Context(), "OAuth token not issued", "error", err)
		writeJSON(w, http.StatusInternalServerError, tokenFailure{serverError, ""})
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that has left is no trouble of ours.
	_ = json.NewEncoder(w).Encode(body)
}
