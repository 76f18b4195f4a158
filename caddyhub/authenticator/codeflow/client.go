package codeflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/oauth2"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// TokenAuth is how a client proves who it is at the token endpoint (OpenID Connect
// Core, section 9).
type TokenAuth string

// The ways to authenticate. A client without a secret always has its name in the
// body.
const (
	Basic TokenAuth = "basic" // client_secret_basic
	Post  TokenAuth = "post"  // client_secret_post
)

// Client is the hub as a provider knows it.
type Client struct {
	ID string
	// Secret is empty for a public client.
	Secret string
	// AuthorizeURL is where browsers are sent, TokenURL where codes are redeemed.
	AuthorizeURL string
	TokenURL     string
	Scopes       []string
	TokenAuth    TokenAuth
	// WithoutPKCE is for servers that refuse parameters they do not know.
	WithoutPKCE bool
	// HTTP is from NewHTTP.
	HTTP *http.Client
}

// reserved are parameters of an authorization request that no option may set:
// they are what makes the answer belong to the browser.
var reserved = []string{
	"response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce",
	"code_challenge", "code_challenge_method", "request", "request_uri",
}

// CheckParameters says which of the parameters for Location cannot be set.
func CheckParameters(parameters map[string]string) error {
	for _, name := range reserved {
		if _, given := parameters[name]; given {
			return fmt.Errorf("authorize_parameter: %q is set by the hub", name)
		}
	}
	return nil
}

// Location is where to send the browser to log in. The parameters are added.
func (c Client) Location(f Flow, callback string, parameters map[string]string) string {
	var options []oauth2.AuthCodeOption
	for name, value := range parameters {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	if !c.WithoutPKCE {
		options = append(options, oauth2.SetAuthURLParam("code_challenge", f.challenge()),
			oauth2.SetAuthURLParam("code_challenge_method", "S256"))
	}
	return c.config(callback).AuthCodeURL(f.State(), options...)
}

// Redeem exchanges a code for tokens. An error wraps authenticator.ErrDenied if the
// code is not worth any, authenticator.ErrUnavailable for all else.
func (c Client) Redeem(ctx context.Context, f Flow, callback, code string) (*oauth2.Token, error) {
	var options []oauth2.AuthCodeOption
	if !c.WithoutPKCE {
		options = append(options, oauth2.VerifierOption(f.Verifier()))
	}
	token, err := c.config(callback).Exchange(c.context(ctx), code, options...)
	return token, describe(ctx, err)
}

// Renew exchanges a refresh token for new tokens, among them the refresh token for
// the next time: the same or, where the provider rotates them, another one. Errors
// are those of Redeem. It goes on when the context is cancelled: the provider may
// have used up the old token by then.
func (c Client) Renew(ctx context.Context, refreshToken string) (*oauth2.Token, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	source := c.config("").TokenSource(c.context(ctx), &oauth2.Token{RefreshToken: refreshToken})
	token, err := source.Token()
	return token, describe(ctx, err)
}

func (c Client) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, c.HTTP)
}

func (c Client) config(callback string) *oauth2.Config {
	style := oauth2.AuthStyleInHeader
	if c.TokenAuth == Post || c.Secret == "" {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret, RedirectURL: callback, Scopes: c.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: c.AuthorizeURL, TokenURL: c.TokenURL, AuthStyle: style},
	}
}

// final are the errors of a token endpoint that are about the person (RFC 6749,
// section 5.2, and GitHub's names for them).
var final = []string{
	"invalid_grant", "bad_verification_code", "bad_refresh_token",
	"login_required", "consent_required", "interaction_required",
}

// describe tells a refusal from trouble, without the body of the answer.
func describe(ctx context.Context, err error) error {
	var answered *oauth2.RetrieveError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &answered):
		code := Told(cmp.Or(answered.ErrorCode, "no error code"), 64)
		if slices.Contains(final, answered.ErrorCode) {
			return fmt.Errorf("%w: the token endpoint answered %s", authenticator.ErrDenied, code)
		}
		status := 0
		if answered.Response != nil {
			status = answered.Response.StatusCode
		}
		return fmt.Errorf("%w: the token endpoint answered %d, %s", authenticator.ErrUnavailable, status, code)
	}
	return Unavailable("asking the token endpoint", err)
}

// Unavailable is the error for a request to a provider that failed. Doing says what
// the request was for. Queries of addresses are left out.
func Unavailable(doing string, err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return fmt.Errorf("%w: %s: %w", authenticator.ErrUnavailable, doing, err)
}
