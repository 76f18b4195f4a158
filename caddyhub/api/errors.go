package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/refresh"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// unavailableRetry is what callers are told to wait while the store is away.
const unavailableRetry = 5 * time.Second

// failure is an answer that is not a success.
type failure struct {
	status int
	// message is for the caller; empty means the phrase of the status.
	message    string
	retryAfter time.Duration
	// err is for the log; may be nil.
	err error
}

// Error returns message and cause.
func (f *failure) Error() string {
	text := "api: " + strconv.Itoa(f.status) + " " + cmp.Or(f.message, http.StatusText(f.status))
	if f.err != nil {
		text += ": " + f.err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.err }

// refuse makes a failure. An empty format means the phrase of the status.
func refuse(status int, format string, args ...any) *failure {
	return &failure{status: status, message: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *failure {
	return refuse(http.StatusBadRequest, format, args...)
}

// describe is how an error looks to the caller. It is the only place that turns
// errors of the packages below into HTTP.
func describe(err error) *failure {
	var (
		ours    *failure
		refusal *server.Error
	)
	switch {
	case errors.As(err, &ours):
		return ours
	// First of the rest, because no message may turn trouble of ours into a 403.
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrClosed),
		errors.Is(err, server.ErrClosed), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &failure{
			status: http.StatusServiceUnavailable, retryAfter: unavailableRetry, err: err,
			message: "The hub is temporarily unavailable. Please try again.",
		}
	case errors.Is(err, refresh.ErrUnconfirmed):
		return &failure{
			status: http.StatusServiceUnavailable, retryAfter: unavailableRetry, err: err,
			message: "The login could not be confirmed, because the login service does not answer. Please try again.",
		}
	case errors.Is(err, server.ErrUser):
		return &failure{status: http.StatusNotFound, err: err}
	case errors.As(err, &refusal):
		return &failure{status: refusal.Status, message: refusal.Message, retryAfter: refusal.RetryAfter}
	case errors.Is(err, browser.ErrXSRF):
		return &failure{status: http.StatusForbidden, message: err.Error()}
	case errors.Is(err, errPathText):
		return badRequest("The path is not valid UTF-8")
	case errors.Is(err, errNoRoute), errors.Is(err, identity.ErrNotFound):
		return &failure{status: http.StatusNotFound, err: err}
	case errors.Is(err, identity.ErrName):
		// After the case above: a look-up by an impossible name finds nothing.
		return badRequest("Nobody can have this name")
	}
	return &failure{status: http.StatusInternalServerError, err: err}
}

// fail answers with an error, in JupyterHub's shape (section 0.3).
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := describe(err)
	if f.status >= http.StatusInternalServerError && r.Context().Err() == nil {
		a.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "endpoint", a.pattern(r), "error", err)
	}
	header := w.Header()
	header.Set("Content-Type", typeJSON)
	if f.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int((f.retryAfter+time.Second-1)/time.Second)))
	}
	w.WriteHeader(f.status)
	if r.Method == http.MethodHead {
		return
	}
	_ = json.NewEncoder(w).Encode(struct { // to a client that may have left
		Status  int    `json:"status"`
		Message string `json:"message"`
	}{f.status, cmp.Or(f.message, http.StatusText(f.status))})
}
