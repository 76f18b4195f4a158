package authenticator

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// DeniedMessage is what a refused person reads, whatever the reason. It is
// JupyterHub's text.
const DeniedMessage = "Invalid username or password"

var (
	// ErrDenied says that the credentials are wrong.
	ErrDenied = errors.New("authenticator: credentials refused")
	// ErrInvalidName says that a name cannot be the name of a user.
	ErrInvalidName = errors.New("authenticator: invalid user name")
	// ErrNotAllowed says that the user is known but no rule lets him in, or that
	// he is blocked.
	ErrNotAllowed = errors.New("authenticator: user not allowed")
	// ErrUnavailable says that a system behind the authenticator is in trouble,
	// so that nobody knows who this is. To a user it is a 503.
	ErrUnavailable = errors.New("authenticator: backing system unavailable")
	// ErrUnknown says that there is no authenticator of that name.
	ErrUnknown = errors.New("authenticator: no authenticator of that name")
)

// Error is a refusal with a status and a message of its own.
type Error struct {
	// Status is the HTTP status, 400 to 599; anything else counts as 403.
	Status int
	// Message is shown to the person, as plain text.
	Message string
	// RetryAfter is when trying again makes sense; zero says nothing about it.
	RetryAfter time.Duration
	// Err is the cause, for logs only. May be nil.
	Err error
}

// Error returns message and cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return "authenticator: " + e.Message
	}
	return "authenticator: " + e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Describe says how an error of this package looks to the person who tried to
// log in: status, message, and how long to wait (zero: no word about it). It is
// the only place that maps such errors to HTTP.
func Describe(err error) (status int, message string, retryAfter time.Duration) {
	var shown *Error
	switch {
	// First, because no message may turn trouble of ours into a 401 or 403: a
	// single-user server would remember it for minutes.
	case errors.Is(err, ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, "Login is not available at the moment. Please try again.", unavailableRetry
	case errors.As(err, &shown):
		status = shown.Status
		if status < 400 || status > 599 {
			status = http.StatusForbidden
		}
		return status, shown.Message, shown.RetryAfter
	case errors.Is(err, ErrDenied), errors.Is(err, ErrNotAllowed), errors.Is(err, ErrInvalidName):
		return http.StatusForbidden, DeniedMessage, 0
	case errors.Is(err, ErrUnknown):
		return http.StatusNotFound, "There is no such way to log in.", 0
	}
	return http.StatusInternalServerError, "Login failed because of an error in the hub.", 0
}

// unavailableRetry spares a system in trouble from being asked at once again.
const unavailableRetry = 5 * time.Second
