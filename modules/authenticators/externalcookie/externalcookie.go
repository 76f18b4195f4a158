// Package externalcookie is the module caddyhub.authenticators.external_cookie:
// people are logged in who have a cookie of another site.
package externalcookie

import (
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/externalcookie"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Authenticator))
}

// Authenticator logs people in by a cookie that another site of the same domain
// has given them, without asking, and asks again while they work (see "session":
// refresh). When the cookie's value has changed, the new one is kept; when it is no
// good any more, the sessions of its user end.
type Authenticator struct {
	// Cookie is its name. Required. Browsers send it to the hub only if the site set
	// it for a domain that both are in.
	Cookie string `json:"cookie,omitempty"`
	// Verify is a URL that is asked with GET and this one cookie. 200 with a JSON
	// object is yes, 401 and 403 are no; everything else is trouble of the site, which
	// logs nobody in and nobody out. Either this or JWT.
	Verify string `json:"verify,omitempty"`
	// Timeout is how long the site may take to answer. Default: 5s.
	Timeout words.Duration `json:"timeout,omitempty"`
	// JWT says how cookies are verified that are JSON Web Tokens.
	JWT *JWT `json:"jwt,omitempty"`
	// UsernameClaim is where the answer, or the token, has the name of the user. Dots
	// lead into objects. Default: name.
	UsernameClaim string `json:"username_claim,omitempty"`
	// GroupsClaim is where it has the groups, a list or one text, which replace those
	// of the user. Default: nowhere, groups are left alone.
	GroupsClaim string `json:"groups_claim,omitempty"`
	// AdminClaim is where it says true if the user is an administrator. Default:
	// nowhere; "admins" says who is.
	AdminClaim string `json:"admin_claim,omitempty"`
	// AuthStateClaims are kept with the user, as "fields" of the auth state, beside
	// "token" and "name". Default: none.
	AuthStateClaims []string `json:"auth_state_claims,omitempty"`
	// TokenClaim is where the answer has a new value in place of the cookie's, to be
	// kept. Default: nowhere.
	TokenClaim string `json:"token_claim,omitempty"`
	// ActiveClaim is where the answer says false if the cookie is no good after all;
	// it may be missing. Default: active (RFC 7662).
	ActiveClaim string `json:"active_claim,omitempty"`
	// LoginURL is where people are sent who have no good cookie. Default: nowhere,
	// they read that they cannot log in.
	LoginURL string `json:"login_url,omitempty"`
	// LoginParameter of that URL holds where to send them back to. Default: next.
	LoginParameter string `json:"login_parameter,omitempty"`
	// LogoutURL is where people are sent who log out here. Default: nowhere; then
	// the cookie logs them in again at the next click.
	LogoutURL string `json:"logout_url,omitempty"`
	// MissingCookie is what happens to a session whose browser does not send the cookie
	// any more: "ask" asks about its last good value, "logout" ends the user's
	// sessions. Default: ask.
	MissingCookie string `json:"missing_cookie,omitempty"`
	// TokenEnvironment is the name of a variable by which servers get the value of
	// the cookie when they start. Default: they do not get it.
	TokenEnvironment string `json:"token_environment,omitempty"`
	// ForwardCookie lets servers and services see the cookie. Default: no.
	ForwardCookie bool `json:"forward_cookie,omitempty"`
	// LoginService is what the login page calls the site, if there are other ways to
	// log in. Default: external login.
	LoginService string `json:"login_service,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Authenticator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.authenticators.external_cookie", New: func() caddy.Module { return new(Authenticator) }}
}

// Provision replaces placeholders.
func (a *Authenticator) Provision(caddy.Context) error {
	replacer := caddy.NewReplacer()
	for _, field := range []*string{&a.Cookie, &a.Verify, &a.LoginURL, &a.LogoutURL} {
		*field = replacer.ReplaceAll(*field, "")
	}
	if a.JWT != nil {
		a.JWT.expand(replacer)
	}
	return nil
}

// Validate refuses what cannot work.
func (a *Authenticator) Validate() error {
	if err := a.complete(); err != nil {
		return err
	}
	_, err := a.Authenticator(nil)
	return err
}

// Authenticator makes it.
func (a *Authenticator) Authenticator(log *slog.Logger) (authenticator.Authenticator, error) {
	options := externalcookie.Options{
		Cookie: a.Cookie, VerifyURL: a.Verify, Timeout: time.Duration(a.Timeout),
		Fields: externalcookie.Fields{
			Name: a.UsernameClaim, Groups: a.GroupsClaim, Admin: a.AdminClaim,
			AuthState: a.AuthStateClaims, Token: a.TokenClaim, Active: a.ActiveClaim,
		},
		LoginURL: a.LoginURL, LoginParameter: a.LoginParameter, LogoutURL: a.LogoutURL, Service: a.LoginService,
		Environment: a.TokenEnvironment, ForwardCookie: a.ForwardCookie,
		LogoutWithoutCookie: a.MissingCookie == missingLogout, Log: log,
	}
	if a.JWT != nil {
		var err error
		if options.Tokens, err = a.JWT.verifier(log); err != nil {
			return nil, err
		}
		options.Expected = a.JWT.expected()
	}
	return externalcookie.New(options)
}

// Interface guards
var (
	_ app.AuthenticatorModule = (*Authenticator)(nil)
	_ caddy.Provisioner       = (*Authenticator)(nil)
	_ caddy.Validator         = (*Authenticator)(nil)
)
