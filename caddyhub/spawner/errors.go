package spawner

import (
	"context"
	"errors"
	"net/http"
)

var (
	// ErrElsewhere says that the server lives where this node cannot see it: a
	// process on another machine, for instance.
	ErrElsewhere = errors.New("spawner: the server is on another machine")
	// ErrNotFound says that a spawn left nothing behind.
	ErrNotFound = errors.New("spawner: no such server")
	// ErrState says that a State is not one of this spawner's.
	ErrState = errors.New("spawner: unreadable state")
	// ErrInvalid says that a template, a variable or a request breaks the rules.
	ErrInvalid = errors.New("spawner: invalid argument")
)

// Reason is the kind of a failed start, as metrics and events count it.
type Reason string

// The reasons of a failed start.
const (
	// ReasonError is any failure without a better name.
	ReasonError Reason = "error"
	// ReasonTimeout means that the time for the start ran out.
	ReasonTimeout Reason = "timeout"
	// ReasonCancelled means that the start was called off.
	ReasonCancelled Reason = "cancelled"
	// ReasonExited means that the server's program ended during the start.
	ReasonExited Reason = "exited"
	// ReasonOptions means that the user's options are not acceptable.
	ReasonOptions Reason = "options"
)

// Error is a failure with words for the user. Err is for operators only and
// must not be shown to users.
type Error struct {
	// Reason is what kind of failure it is; "" means ReasonError.
	Reason Reason
	// Message is plain text for the user, without secrets.
	Message string
	// HTML is markup by the spawner itself to show in place of Message; may be empty.
	HTML string
	// Status is the HTTP status of the answer; 0 means 500.
	Status int
	// Err is the cause, for the log; may be nil.
	Err error
}

// Error returns the message and the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return "spawner: " + e.Message
	}
	return "spawner: " + e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// HTTPStatus is the status to answer with.
func (e *Error) HTTPStatus() int {
	if e.Status == 0 {
		return http.StatusInternalServerError
	}
	return e.Status
}

// ReasonOf returns the kind of a failed start: that of the *Error in err, or
// what the end of a context tells. It is "" for a nil error.
func ReasonOf(err error) Reason {
	var failure *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &failure) && failure.Reason != "":
		return failure.Reason
	case errors.Is(err, context.DeadlineExceeded):
		return ReasonTimeout
	case errors.Is(err, context.Canceled):
		return ReasonCancelled
	default:
		return ReasonError
	}
}
