package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/refresh"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// retryAway is when to try again while the store is away.
const retryAway = 5 * time.Second

// failure is why there is no page, in words for the visitor.
type failure struct {
	status int
	// title and hint replace those that the status has; message says more.
	title, message, hint string
	// allow are the methods of the path, for 405.
	allow      string
	retryAfter time.Duration
}

func (f *failure) Error() string { return strconv.Itoa(f.status) + " " + f.message }

func methodNotAllowed(allow string) error {
	return &failure{status: http.StatusMethodNotAllowed, allow: allow}
}

// describe is the one place that knows how an error looks to a visitor.
func describe(err error) *failure {
	var told *failure
	var refused *server.Error
	switch {
	case errors.As(err, &told):
		return told
	case errors.As(err, &refused):
		return &failure{status: refused.Status, message: refused.Message, retryAfter: refused.RetryAfter}
	case errors.Is(err, identity.ErrName):
		return &failure{status: http.StatusBadRequest, message: "This name is too long."}
	case errors.Is(err, refresh.ErrExpired):
		return &failure{
			status: http.StatusForbidden, title: "Your login has ended", message: "auth has expired, login again",
			hint: "Log in again, then start the server once more.",
		}
	case errors.Is(err, refresh.ErrUnconfirmed):
		return &failure{
			status: http.StatusServiceUnavailable, retryAfter: retryAway,
			message: "Your login could not be confirmed, because the login service does not answer.",
			hint:    "Wait a moment and load the page again. Servers that are running go on.",
		}
	case away(err):
		return &failure{
			status: http.StatusServiceUnavailable, retryAfter: retryAway,
			message: "The hub cannot reach its store at the moment.",
			hint:    "Wait a moment and load the page again. Servers that are running go on.",
		}
	}
	return &failure{status: http.StatusInternalServerError}
}

// away says whether an error is trouble that passes by itself.
func away(err error) bool {
	for _, passing := range []error{
		store.ErrUnavailable, store.ErrConflict, store.ErrClosed, server.ErrClosed,
		context.DeadlineExceeded, context.Canceled,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// fail shows an error as a page.
func (c *call) fail(err error) {
	shown := describe(err)
	if shown.status >= http.StatusInternalServerError {
		c.log.ErrorContext(c.r.Context(), "page failed", "method", c.r.Method, "path", c.r.URL.Path,
			"status", shown.status, "error", err)
	}
	header := c.w.Header()
	if shown.allow != "" {
		header.Set("Allow", shown.allow)
	}
	setRetryAfter(header, shown.retryAfter)
	_ = c.render(shown.status, page.Error{
		Status: shown.status, Title: shown.title, Message: shown.message, Hint: shown.hint,
	}) // never fails
}

// setRetryAfter tells a time in whole seconds, rounded up; zero tells nothing.
func setRetryAfter(header http.Header, after time.Duration) {
	if after > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((after+time.Second-1)/time.Second), 10))
	}
}
