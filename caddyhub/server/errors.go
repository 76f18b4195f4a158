package server

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// The kinds of refusals of Start and Stop; each comes wrapped in an *Error that
// has JupyterHub's words and status ("1.4 Servers").
var (
	// ErrUser: no such user. 404.
	ErrUser = errors.New("server: no such user")
	// ErrNotFound: the user has no server of that name. 404.
	ErrNotFound = errors.New("server: no such server")
	// ErrPending: an operation is under way that excludes this one; see
	// Error.Pending. A pending spawn is 202 to the REST API, others are 400.
	ErrPending = errors.New("server: an operation is pending")
	// ErrRunning: it is running, as a look at it has shown. 400.
	ErrRunning = errors.New("server: already running")
	// ErrNotStarting: nobody has asked for a start whose progress could be shown. 400.
	ErrNotStarting = errors.New("server: not starting")
	// ErrNamedDisabled: named servers are not enabled. 400.
	ErrNamedDisabled = errors.New("server: named servers are not enabled")
	// ErrNamedLimit: the user has as many named servers as allowed. 400.
	ErrNamedLimit = errors.New("server: too many named servers")
	// ErrName: a name that no server can have. 400.
	ErrName = errors.New("server: invalid server name")
	// ErrOptions: the user's options are no JSON object, too large, or break
	// a rule of useroptions. 400.
	ErrOptions = errors.New("server: invalid user options")
	// ErrSpawnLimit: too many servers are starting; see Error.RetryAfter. 429.
	ErrSpawnLimit = errors.New("server: too many pending spawns")
	// ErrActiveLimit: too many servers are active. 429.
	ErrActiveLimit = errors.New("server: too many active servers")
	// ErrDefaultServer: the default server cannot be removed. 400.
	ErrDefaultServer = errors.New("server: the default server cannot be removed")
	// ErrAuthExpired: the external login is no longer good. 403. It is made by
	// the hook Settings.Refresh with AuthExpired.
	ErrAuthExpired = errors.New("server: login has expired")
	// ErrClosed: this Manager takes no more work. 503; another node may.
	ErrClosed = errors.New("server: closed")
)

// Error is a refusal in the words of JupyterHub's REST API.
type Error struct {
	// Kind is one of the errors above; errors.Is finds it.
	Kind error
	// Status is the HTTP status of the answer.
	Status int
	// Message is plain text for whoever asked.
	Message string
	// Pending is what goes on, for ErrPending.
	Pending Pending
	// RetryAfter is when to try again, whole seconds; zero means not said.
	RetryAfter time.Duration
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

func refuse(kind error, status int, format string, args ...any) *Error {
	return &Error{Kind: kind, Status: status, Message: fmt.Sprintf(format, args...)}
}

// AuthExpired is the refusal of a start or stop because the user's external
// login is no longer good.
func AuthExpired(user string) error {
	return refuse(ErrAuthExpired, http.StatusForbidden, "auth has expired for %s, login again", user)
}

func noUser(user string) error {
	return refuse(ErrUser, http.StatusNotFound, "No such user: %s", user)
}

func noServer(user, name string) error {
	return refuse(ErrNotFound, http.StatusNotFound, "%s has no server named '%s'", user, name)
}

func isPending(s Server) error {
	refusal := refuse(ErrPending, http.StatusBadRequest, "%s is pending %s", s.LogName(), s.Pending)
	refusal.Pending = s.Pending
	return refusal
}

func isRunning(s Server) error {
	return refuse(ErrRunning, http.StatusBadRequest, "%s is already running", s.LogName())
}
