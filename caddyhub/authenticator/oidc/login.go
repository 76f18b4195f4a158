package oidc

import (
	"context"
	"fmt"
	"maps"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
)

// Redirect implements authenticator.Redirector.
func (a *Authenticator) Redirect(ctx context.Context, _ *http.Request, callback string) (location string, flow []byte, err error) {
	m, err := a.provider.metadata(ctx)
	if err != nil {
		return "", nil, err
	}
	begun := codeflow.Begin()
	parameters := map[string]string{"nonce": begun.Nonce()}
	maps.Copy(parameters, a.options.Parameters)
	return a.client(m).Location(begun, callback, parameters), begun.Bytes(), nil
}

// Authenticate completes a login that Redirect began.
func (a *Authenticator) Authenticate(ctx context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	flow, ok := codeflow.Resume(attempt.Flow)
	if !ok || attempt.Request == nil {
		return nil, denied("there is no login under way")
	}
	m, err := a.provider.metadata(ctx)
	if err != nil {
		return nil, err
	}
	code, err := flow.Code(attempt.Request.URL.Query(), codeflow.Issuer{Name: a.options.Issuer, Always: m.NamesItself})
	if err != nil {
		return nil, err
	}
	token, err := a.client(m).Redeem(ctx, flow, attempt.Callback, code)
	if err != nil {
		return nil, err
	}
	kept := a.keep(token)
	if kept.IDToken == "" {
		return nil, fmt.Errorf("%w: the provider sent no ID token", authenticator.ErrUnavailable)
	}
	told, err := a.verify(ctx, m, kept, flow.Nonce())
	if err != nil {
		return nil, err
	}
	subject, _ := told.Text("sub")
	if err := a.addUserInfo(ctx, m, told, kept.AccessToken); err != nil {
		return nil, err
	}
	identity, err := a.options.Claims.Identity(told)
	if err != nil {
		return nil, err
	}
	session, _ := told.Text("sid")
	identity.External = authenticator.ExternalLogin{Subject: subject, Session: session}
	kept.Claims = told
	identity.AuthState, err = kept.seal()
	return identity, err
}

// addUserInfo puts what the userinfo endpoint says on top of what the ID token
// says, if it is to be asked (OpenID Connect Core, section 5.3).
func (a *Authenticator) addUserInfo(ctx context.Context, m *metadata, told claims.Claims, accessToken string) error {
	if !a.options.UserInfo || m.UserInfoURL == "" {
		return nil
	}
	answer, err := codeflow.Fetch(ctx, a.options.HTTP, m.UserInfoURL, accessToken)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return answer.Unexpected("the userinfo endpoint")
	}
	info, err := claims.Parse(answer.Body)
	if err != nil {
		return fmt.Errorf("%w: the userinfo endpoint answered with %q, not with a JSON object", authenticator.ErrUnavailable, answer.Type())
	}
	return merge(told, info)
}

// reserved are the claims by which an ID token is what it is.
var reserved = []string{"iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "sid", "auth_time", "acr", "amr"}

func merge(told, info claims.Claims) error {
	subject, there := info.Text("sub")
	if same, _ := told.Text("sub"); !there || subject != same {
		return denied("the userinfo endpoint told about somebody else")
	}
	for _, name := range reserved {
		delete(info, name)
	}
	if _, there := info["email"]; there {
		// What was said of another address must not vouch for this one.
		delete(told, "email_verified")
	}
	maps.Copy(told, info)
	return nil
}

func denied(format string, args ...any) error {
	return fmt.Errorf("%w: %w", authenticator.ErrDenied, fmt.Errorf(format, args...))
}
