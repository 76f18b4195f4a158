package authenticator

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"strings"
)

// Names of the fields that JupyterHub's login form has.
const (
	FieldUsername = "username"
	FieldPassword = "password"
	FieldOTP      = "otp"
)

// Authenticator finds out who is trying to log in. It does not decide whether
// that user may come in: Login does, with the rules of the hub.
//
// Authenticate returns the identity, or an error and no identity:
//
//   - ErrDenied when the credentials are wrong, missing or malformed;
//   - an *Error to show a message of its own with a status of its own;
//   - an error wrapping ErrUnavailable when a system that it needs is in trouble;
//   - an error wrapping that of the context, promptly, once the context is done.
//
// Wrong password and unknown user should take the same time and must be the same
// error. Authenticate may be called from any goroutine, several at once, with
// fields that are missing, huge or no valid UTF-8, and must not change the Attempt.
//
// Further abilities are optional interfaces of this package, found by assertion:
// Refresher, StartHook, StopHook, UserAdder, UserDeleter, Prompter, AutoLoginer,
// OpenByDefault, Redirector, LogoutRedirector, LogoutReceiver, HandlerProvider,
// Warner.
type Authenticator interface {
	Authenticate(ctx context.Context, attempt Attempt) (*Identity, error)
}

// Attempt is one try to log in.
type Attempt struct {
	// Form holds the fields of the login form without the hub's own (_xsrf), or
	// the "auth" object of an API request; nil in an automatic login.
	Form map[string]string
	// Request is the HTTP request behind the attempt; nil where there is none.
	// It may be read, but its body is gone.
	Request *http.Request
	// Remote is the address of the client, trusted proxies taken into account.
	Remote netip.Addr
	// User is the name in the hub that the typed user name stands for, empty if it
	// stands for none, and Admin whether the rules list that user among the admins.
	// Login fills in both before it calls Authenticate. An authenticator whose
	// answer depends on who it is must go by User: the typed name has aliases.
	User  string
	Admin bool
	// Device returns the id of the device that the attempt comes from if the user of
	// that canonical name has logged in with it before, else nothing. Nil: no device
	// is known. Login calls it to count failures; authenticators need not.
	Device func(user string) string
	// Callback is the absolute URL that an external login comes back to, and
	// Flow what Redirect gave out at its start. Only for a Redirector.
	Callback string
	Flow     []byte
}

// Username returns the field "username" as it was typed, or nothing.
func (a Attempt) Username() string { return a.Form[FieldUsername] }

// Password returns the field "password", or nothing.
func (a Attempt) Password() string { return a.Form[FieldPassword] }

// OTP returns the field "otp", the second factor, or nothing.
func (a Attempt) OTP() string { return a.Form[FieldOTP] }

// String tells whose attempt it is and keeps the secrets to itself.
func (a Attempt) String() string {
	return "login attempt of " + ForLog(a.Username()) + " from " + a.Remote.String()
}

// LogValue keeps the secrets out of structured logs.
func (a Attempt) LogValue() slog.Value { return slog.StringValue(a.String()) }

// trimmed returns a copy whose user name is without surrounding space. The form
// is the one place where a person adds it by accident, and where JupyterHub
// removes it.
func (a Attempt) trimmed() Attempt {
	typed, there := a.Form[FieldUsername]
	if name := strings.TrimSpace(typed); there && name != typed {
		a.Form = maps.Clone(a.Form)
		a.Form[FieldUsername] = name
	}
	return a
}

// Identity is what an authenticator knows about somebody who proved who he is.
// It is the model that JupyterHub's authenticate returns.
type Identity struct {
	// Name as the authenticator knows it; Login brings it into canonical form.
	Name string
	// Admin makes the user an administrator or takes that away. Nil leaves it to
	// the list of admins, which can only make one.
	Admin *bool
	// AdminsStay keeps a false in Admin from taking the flag from somebody whom the
	// list of admins names. It is for authenticators that tell administrators by
	// their groups, beside that list.
	AdminsStay bool
	// Groups replaces the groups of the user. Nil leaves them; empty but not nil
	// takes the user out of all groups.
	Groups []string
	// Roles replaces the roles of the user that authenticators assigned. Nil
	// leaves them.
	Roles []Role
	// AuthState is kept sealed with the user and handed to Refresh and to hooks
	// around servers. Nil at login clears it; nil from Refresh leaves it.
	AuthState json.RawMessage
	// External is how the site that vouched for the user calls this login, so that
	// it can end it here; see LogoutReceiver. Refresh leaves it.
	External ExternalLogin
}

// ExternalLogin is a login at another site, in the words of that site. What is
// empty in it is not known.
type ExternalLogin struct {
	// Subject is the user there, "sub" in OpenID Connect.
	Subject string
	// Session is the session there, "sid" in OpenID Connect.
	Session string
}

// Role is a role that an authenticator assigns. One that does not exist yet is
// created with the description and the scopes.
type Role struct {
	Name        string
	Description string
	Scopes      []string
}
