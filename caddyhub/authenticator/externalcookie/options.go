package externalcookie

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/jwks"
)

// DefaultTimeout is how long the site may take to answer.
const DefaultTimeout = 5 * time.Second

// Options say which cookie, and whom to ask about it. Cookie is required, and one
// of VerifyURL and Tokens.
type Options struct {
	// Cookie is the name.
	Cookie string
	// VerifyURL is asked with the cookie; it answers with a JSON object.
	VerifyURL string
	// Timeout bounds the question. Zero means DefaultTimeout.
	Timeout time.Duration
	// Tokens verifies cookies that are JSON Web Tokens, which must say what is
	// Expected.
	Tokens   *jwks.Verifier
	Expected jwks.Expected

	// Fields are where the answer, or the token, says what.
	Fields Fields

	// LoginURL is where people without a good cookie are sent. Empty: nowhere, they
	// are refused.
	LoginURL string
	// LoginParameter of LoginURL is told where to send them back to. Empty means
	// "next".
	LoginParameter string
	// LogoutURL is where people go who log out of the hub, to log out there too.
	// Empty: nowhere.
	LogoutURL string
	// Service is what the login page calls the site, where there are other ways to
	// log in. Empty means "external login".
	Service string

	// Environment is the name of a variable by which servers get the cookie's value
	// when they start. Empty: they do not get it.
	Environment string
	// ForwardCookie lets servers and services see the cookie.
	ForwardCookie bool
	// LogoutWithoutCookie ends a login as soon as a browser does not send the cookie
	// any more. Else the cookie that was good last is asked about.
	LogoutWithoutCookie bool

	// Client asks. Nil is one that goes straight to VerifyURL.
	Client *http.Client
	// Log is for operators; nil discards.
	Log *slog.Logger
}

// Fields are names in the answer of the site, or claims; dots lead into objects.
type Fields struct {
	// Name of the user. Empty means "name".
	Name string
	// Groups is a list of texts, or one text, which replaces the user's groups.
	// Empty: the site has no say in groups.
	Groups string
	// Admin is true or false. Empty: the site has no say in it.
	Admin string
	// AuthState are fields that are kept with the user.
	AuthState []string
	// Token is a new value that takes the place of the cookie's, if the site gives
	// one. Empty: it gives none.
	Token string
	// Active is false if the cookie is no good (RFC 7662, section 2.2); it may be
	// missing. Empty means "active".
	Active string
}

func (o Options) withDefaults() Options {
	for _, text := range []struct {
		field *string
		value string
	}{
		{&o.Fields.Name, "name"}, {&o.Fields.Active, "active"}, {&o.LoginParameter, "next"}, {&o.Service, "external login"},
	} {
		if *text.field == "" {
			*text.field = text.value
		}
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Client == nil {
		o.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// check finds what cannot work, in the words of the configuration.
func (o Options) check() error {
	switch {
	case o.Cookie == "":
		return errors.New("externalcookie: cookie is missing")
	case (&http.Cookie{Name: o.Cookie, Value: "x"}).Valid() != nil:
		return fmt.Errorf("externalcookie: no cookie can have the name %q", o.Cookie)
	case (o.VerifyURL == "") == (o.Tokens == nil):
		return errors.New("externalcookie: give one of verify and jwt")
	}
	for _, address := range []struct{ word, text string }{
		{"verify", o.VerifyURL}, {"login_url", o.LoginURL}, {"logout_url", o.LogoutURL},
	} {
		if err := checkURL(address.text); err != nil {
			return fmt.Errorf("externalcookie: %s %w", address.word, err)
		}
	}
	return nil
}

func checkURL(text string) error {
	if text == "" {
		return nil
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" || parsed.User != nil {
		return errors.New("is no URL; write one such as https://login.example.org/verify")
	}
	return nil
}
