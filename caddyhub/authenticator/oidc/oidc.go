// Package oidc logs people in by OpenID Connect (OpenID Connect Core 1.0, code flow).
//
// What it guarantees:
//
//   - Whoever gets in was named by an ID token that the configured provider signed
//     for this hub and this very login: signature, issuer, audience, authorized
//     party, expiry, nonce and the hash of the access token are checked, whichever
//     way the token came. PKCE is always used. Keys say which algorithms count, so
//     neither "none" nor HMAC ever does.
//   - The provider may be down. Making an authenticator asks nothing; what is found
//     out later is kept and renewed. Trouble is authenticator.ErrUnavailable, and
//     no refresh takes it for a no.
//   - A refresh loses no refresh token: whatever fails after the provider has given
//     a new one, the new one is in the answer.
//   - A logout that the provider announces (OpenID Connect Back-Channel Logout 1.0)
//     is believed only if it is signed as an ID token is, and is no ID token.
//
// Claims become names, groups and administrators by package claims.
package oidc

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
)

// DefaultScopes are asked for if Options name none.
var DefaultScopes = []string{"openid", "profile", "email"}

// Options of an Authenticator. Issuer, ClientID and the user name of the mapping
// are required.
type Options struct {
	// Issuer is the provider's own name, a URL as it stands in its metadata.
	Issuer string
	// ClientID is the hub's name there, ClientSecret its secret; empty for a public
	// client.
	ClientID     string
	ClientSecret string
	// TokenAuth is how the secret is sent; empty is as the metadata says.
	TokenAuth codeflow.TokenAuth
	// Scopes to ask for; nil means DefaultScopes. "openid" is always among them.
	Scopes []string
	// Parameters are added to the authorization request: "prompt", "access_type".
	Parameters map[string]string
	// Claims says how claims become an identity.
	Claims claims.Mapping
	// UserInfo asks the userinfo endpoint too; what it says comes on top of the ID
	// token.
	UserInfo bool
	// Service is the name on the login page; empty is the host of the issuer.
	Service string
	// AutoLogin leaves the login page out.
	AutoLogin bool
	// ProviderLogout ends the session at the provider too when somebody logs out
	// (OpenID Connect RP-Initiated Logout 1.0). PostLogoutRedirectURI is where the
	// provider sends the browser then; empty leaves it there.
	ProviderLogout        bool
	PostLogoutRedirectURI string
	// LogoutRedirectURL is where the browser goes after the hub's logout instead, as
	// it is. Empty: see ProviderLogout.
	LogoutRedirectURL string
	// HTTP asks the provider; nil means codeflow.NewHTTP.
	HTTP *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log hears of trouble at the provider. Nil discards.
	Log *slog.Logger
}

// Authenticator implements authenticator.Authenticator, Redirector, Refresher,
// LogoutRedirector, LogoutReceiver, Prompter, AutoLoginer and Warner. Its methods
// may be called from any goroutine.
type Authenticator struct {
	options  Options
	provider *provider
	log      *slog.Logger
}

// New checks the options. It asks the provider nothing.
func New(o Options) (*Authenticator, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	var err error
	if o.Claims, err = o.Claims.Checked(); err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	if len(o.Scopes) == 0 {
		o.Scopes = DefaultScopes
	}
	if !slices.Contains(o.Scopes, "openid") {
		o.Scopes = append([]string{"openid"}, o.Scopes...)
	}
	if o.HTTP == nil {
		o.HTTP = codeflow.NewHTTP()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return &Authenticator{options: o, provider: newProvider(o), log: o.Log}, nil
}

func (o Options) check() error {
	issuer, err := url.Parse(o.Issuer)
	switch {
	case err != nil || issuer.Host == "" || issuer.Scheme != "https" && issuer.Scheme != "http" ||
		issuer.User != nil || issuer.RawQuery != "" || issuer.Fragment != "":
		return errors.New("issuer must be the URL that the provider's metadata has as \"issuer\", such as https://idp.example.org/realms/main")
	case o.ClientID == "":
		return errors.New("client_id is empty")
	case o.TokenAuth != "" && o.TokenAuth != codeflow.Basic && o.TokenAuth != codeflow.Post:
		return errors.New("token_auth is neither \"basic\" nor \"post\"")
	case o.PostLogoutRedirectURI != "" && !o.ProviderLogout:
		return errors.New("post_logout_redirect_uri needs provider_logout")
	case o.LogoutRedirectURL != "" && o.ProviderLogout:
		return errors.New("logout_redirect_url and provider_logout exclude each other")
	}
	return codeflow.CheckParameters(o.Parameters)
}

// Prompt is a button.
func (a *Authenticator) Prompt() authenticator.Prompt {
	issuer, _ := url.Parse(a.options.Issuer) // New has checked it
	return authenticator.Prompt{Service: cmp.Or(a.options.Service, issuer.Host)}
}

// AutoLogin implements authenticator.AutoLoginer.
func (a *Authenticator) AutoLogin() bool { return a.options.AutoLogin }

// chosen are claims that people usually set themselves.
var chosen = []string{"name", "nickname", "given_name", "family_name"}

// Warnings tells what lets people in as somebody else.
func (a *Authenticator) Warnings(authenticator.Rules) []string {
	var warnings []string
	issuer, _ := url.Parse(a.options.Issuer)
	if ip := net.ParseIP(issuer.Hostname()); issuer.Scheme == "http" && issuer.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		warnings = append(warnings, "The issuer is reached without encryption: whoever is in between can log in as anybody.")
	}
	if slices.Contains(chosen, a.options.Claims.Username) {
		warnings = append(warnings, fmt.Sprintf("The claim %q is no name of an account: people choose it, and two may choose the same.", a.options.Claims.Username))
	}
	return warnings
}

// Interface guards
var (
	_ authenticator.Redirector       = (*Authenticator)(nil)
	_ authenticator.Refresher        = (*Authenticator)(nil)
	_ authenticator.LogoutRedirector = (*Authenticator)(nil)
	_ authenticator.LogoutReceiver   = (*Authenticator)(nil)
	_ authenticator.Prompter         = (*Authenticator)(nil)
	_ authenticator.AutoLoginer      = (*Authenticator)(nil)
	_ authenticator.Warner           = (*Authenticator)(nil)
)
