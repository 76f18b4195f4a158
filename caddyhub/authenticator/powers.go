package authenticator

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Refresher re-checks a user who is logged in. An authenticator without it
// answers Fresh to everything.
type Refresher interface {
	// Refresh is called when the last check is older than the hub's refresh age,
	// and before servers start where so configured. The request may be nil. An
	// error, ErrUnavailable above all, means that nothing was found out: the
	// caller decides how long an unproven session may go on.
	Refresh(ctx context.Context, user string, authState json.RawMessage, r *http.Request) (Refreshed, error)
}

// Outcome says how a refresh ended.
type Outcome int

const (
	// LoginAgain ends the session. It is the zero value, so that an answer that
	// somebody forgot to fill in closes the door.
	LoginAgain Outcome = iota
	// Fresh says that what is known of the user still holds.
	Fresh
	// Changed says that Refreshed.Identity replaces what is known. Its name is
	// ignored, a nil field leaves what is there.
	Changed
)

// Refreshed is the answer of a Refresher.
type Refreshed struct {
	Outcome  Outcome
	Identity *Identity // only with Changed
}

// ServerUse names a server about to start, or stopped, and its owner.
type ServerUse struct {
	User      string
	Server    string // empty is the default server
	AuthState json.RawMessage
}

// StartHook has a say before a server starts (JupyterHub's pre_spawn_start).
type StartHook interface {
	// PreSpawn returns variables to add to the environment of the server, or an
	// error that stops the start; an *Error is shown to the user.
	PreSpawn(ctx context.Context, use ServerUse) (environment map[string]string, err error)
}

// StopHook hears that a server has stopped (JupyterHub's post_spawn_stop).
type StopHook interface {
	// PostStop cleans up. Its error is logged; the server is gone all the same.
	PostStop(ctx context.Context, use ServerUse) error
}

// UserAdder hears of users who are created.
type UserAdder interface {
	// AddUser may refuse with an error. It may hear of a user more than once.
	AddUser(ctx context.Context, user string) error
}

// UserDeleter hears of users who are deleted.
type UserDeleter interface {
	// DeleteUser may hear of a user more than once.
	DeleteUser(ctx context.Context, user string) error
}

// AutoLoginer skips the login page when it is the only authenticator.
type AutoLoginer interface {
	// AutoLogin reports whether the login page shall send the browser straight to
	// the Redirector's address or, without one, call Authenticate with no form.
	AutoLogin() bool
}

// LoginAddress sends people who could not be logged in automatically to a page at
// another site, where they can change that. Unlike with a Redirector nothing is
// remembered: whoever comes back is logged in like anybody.
type LoginAddress interface {
	// LoginURL returns where to send the browser, which is to come back to the given
	// URL; empty means nowhere.
	LoginURL(back string) string
}

// CookieReader logs people in by cookies of other sites. They are credentials, so
// no upstream may set one.
type CookieReader interface {
	// Cookies returns their exact names, and whether upstreams may see them.
	Cookies() (names []string, forward bool)
}

// OpenByDefault lets in everybody it knows as long as no allow rule is set, as
// JupyterHub's dummy does. Other authenticators let in nobody then.
type OpenByDefault interface {
	OpenByDefault() bool
}

// Redirector logs people in at another site, as OpenID Connect does. There is no
// record of a login under way: what must be remembered travels in Flow.
type Redirector interface {
	// Redirect returns the address to send the browser to. The flow is handed back
	// as Attempt.Flow when the browser arrives at callback; the caller keeps it
	// sealed in a cookie meanwhile. Authenticate finds what the other site sent in
	// the query of Attempt.Request and must check that it belongs to the flow.
	Redirect(ctx context.Context, r *http.Request, callback string) (location string, flow []byte, err error)
}

// LogoutRedirector ends the session at another site too.
type LogoutRedirector interface {
	// LogoutURL returns where to send the browser after the hub's own logout;
	// empty means nowhere.
	LogoutURL(ctx context.Context, authState json.RawMessage) (string, error)
}

// LogoutReceiver hears from another site that a login there has ended, server to
// server: OpenID Connect's back-channel logout.
type LogoutReceiver interface {
	// ReceiveLogout judges a logout token that somebody sent. It returns what to end,
	// or an error and nothing: one wrapping ErrUnavailable if it could not find out.
	// It does not remember what it has judged.
	ReceiveLogout(ctx context.Context, token string) (ExternalLogout, error)
}

// ExternalLogout says which logins end. With a subject alone, all of that user.
type ExternalLogout struct {
	ExternalLogin
	// ID of the announcement, which counts once.
	ID string
	// Expires is when it would be refused anyway, so that its ID need not be
	// remembered any longer.
	Expires time.Time
}

// HandlerProvider serves paths of its own, such as the address where an identity
// provider announces logouts.
type HandlerProvider interface {
	// Handlers maps paths relative to the authenticator's place below the hub,
	// without a leading slash, to what serves them.
	Handlers() map[string]http.Handler
}

// Prompter says what the login page shows. Without it, that is a form with
// user name and password.
type Prompter interface {
	Prompt() Prompt
}

// Prompt is what the login page shows of an authenticator.
type Prompt struct {
	// Service makes it a link "Sign in with SERVICE" in place of a form.
	Service string
	// Username, Password and OTP say which fields the form has. Without any of
	// them and without a Service, nothing is shown but the text.
	Username bool
	Password bool
	OTP      bool
	// OTPLabel is the label of the OTP field; empty means "OTP:".
	OTPLabel string
	// Text is shown above, as plain text.
	Text string
}

// PromptOf returns what the login page shows of an authenticator.
func PromptOf(a Authenticator) Prompt {
	if p, ok := a.(Prompter); ok {
		return p.Prompt()
	}
	return Prompt{Username: true, Password: true}
}
