package oauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Error codes of RFC 6749, 4.1.2.1 and 5.2.
const (
	invalidRequest          = "invalid_request"
	invalidClient           = "invalid_client"
	invalidGrant            = "invalid_grant"
	invalidScope            = "invalid_scope"
	unsupportedGrantType    = "unsupported_grant_type"
	unsupportedResponseType = "unsupported_response_type"
	serverError             = "server_error"
	temporarilyUnavailable  = "temporarily_unavailable"
)

// retryAfter is how many seconds a client should wait when the store is away.
const retryAfter = "5"

// refusal is why a request is refused, in the words of JupyterHub where it has
// some. They never hold text of the request.
type refusal struct {
	// status of the answer; zero if the refusal is told to the client by a
	// redirect, which needs no status.
	status int
	// code of RFC 6749; empty for pages.
	code        string
	description string
}

func (f *refusal) Error() string { return f.code + " " + f.description }

// refuseOnPage is for what must not be redirected.
func refuseOnPage(status int, message string) error {
	return &refusal{status: status, description: message}
}

// refuseByRedirect is told to a client that has been recognised.
func refuseByRedirect(code, description string) error {
	return &refusal{code: code, description: description}
}

// refuseAsJSON is an answer of the token endpoint.
func refuseAsJSON(code, description string) error {
	return &refusal{status: http.StatusBadRequest, code: code, description: description}
}

// isAway says whether an error is trouble that passes by itself: the store is
// away or too busy, or the client did not wait for the answer.
func isAway(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrConflict) ||
		errors.Is(err, store.ErrClosed) || errors.Is(err, context.Canceled)
}
