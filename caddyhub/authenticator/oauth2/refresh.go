package oauth2

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	xoauth2 "golang.org/x/oauth2"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
)

const (
	// margin is how long before its end an access token is renewed, so that a no is
	// about the login and not about the clock.
	margin = time.Minute
	// maxState bounds what is kept with a user, in bytes: every node has it in memory.
	maxState = 64 << 10
)

// state is the auth state. The names are those that JupyterHub's OAuthenticator
// uses, for hooks and services that read it.
type state struct {
	TokenURL     string        `json:"token_url"`
	ClientID     string        `json:"client_id"`
	AccessToken  string        `json:"access_token"`
	RefreshToken string        `json:"refresh_token,omitempty"`
	Scope        []string      `json:"scope"`
	Expires      time.Time     `json:"expires_at,omitzero"` // of the access token; zero: it does not
	User         claims.Claims `json:"oauth_user,omitempty"`
}

// keep takes what a token endpoint answered.
func (a *Authenticator) keep(token *xoauth2.Token) state {
	scope, _ := token.Extra("scope").(string)
	// GitHub puts commas between scopes.
	scopes := strings.FieldsFunc(cmp.Or(scope, strings.Join(a.options.Scopes, " ")), func(r rune) bool { return r == ' ' || r == ',' })
	return state{
		TokenURL: a.options.TokenURL, ClientID: a.options.ClientID, AccessToken: token.AccessToken,
		RefreshToken: token.RefreshToken, Scope: scopes, Expires: token.Expiry.UTC(),
	}
}

func (s state) seal() (json.RawMessage, error) {
	text, err := json.Marshal(s)
	if err == nil && len(text) > maxState {
		err = fmt.Errorf("%w: the answers of the site are longer than 64 KiB", authenticator.ErrUnavailable)
	}
	return text, err
}

// Refresh asks the site again who the access token belongs to and what he is a member
// of, with a new access token if the old one is over and there is a refresh token.
//
// Two calls for one user must not run at once where refresh tokens are used up.
func (a *Authenticator) Refresh(ctx context.Context, _ string, authState json.RawMessage, _ *http.Request) (authenticator.Refreshed, error) {
	var kept state
	if json.Unmarshal(authState, &kept) != nil || kept.TokenURL != a.options.TokenURL || kept.ClientID != a.options.ClientID {
		return authenticator.Refreshed{}, nil // he has logged in elsewhere since
	}
	over := !kept.Expires.IsZero() && a.options.Now().Add(margin).After(kept.Expires)
	if over && kept.RefreshToken != "" {
		return a.renew(ctx, kept)
	}
	identity, user, err := a.look(ctx, kept.AccessToken)
	switch {
	case errors.Is(err, errUnknownToken) && kept.RefreshToken != "":
		return a.renew(ctx, kept)
	case errors.Is(err, errUnknownToken):
		a.log.InfoContext(ctx, "a site has ended a login: it does not know the access token any more")
		return authenticator.Refreshed{}, nil
	}
	return a.conclude(ctx, kept, identity, user, err)
}

// renew gets another access token. From then on the answer has the new tokens, come
// what may: the old ones may be worth nothing by now.
func (a *Authenticator) renew(ctx context.Context, kept state) (authenticator.Refreshed, error) {
	token, err := a.client.Renew(ctx, kept.RefreshToken)
	switch {
	case errors.Is(err, authenticator.ErrDenied):
		a.log.InfoContext(ctx, "a site has ended a login", slog.Any("reason", err))
		return authenticator.Refreshed{}, nil
	case err != nil:
		return authenticator.Refreshed{}, err
	}
	next := a.keep(token)
	next.User = kept.User
	ctx = context.WithoutCancel(ctx)
	identity, user, err := a.look(ctx, next.AccessToken)
	if err != nil && !errors.Is(err, authenticator.ErrDenied) {
		a.log.WarnContext(ctx, "a login was refreshed, but not what is known of the user", slog.Any("error", err))
		identity, user, err = new(authenticator.Identity), next.User, nil
	}
	return a.conclude(ctx, next, identity, user, err)
}

// conclude makes an answer of what look found.
func (a *Authenticator) conclude(ctx context.Context, kept state, identity *authenticator.Identity, user claims.Claims, err error) (authenticator.Refreshed, error) {
	if err == nil && !a.same(kept.User, user) {
		err = denied("the access token belongs to another account")
	}
	switch {
	case errors.Is(err, authenticator.ErrDenied):
		a.log.InfoContext(ctx, "a login does not hold any more", slog.Any("reason", err))
		return authenticator.Refreshed{}, nil
	case err != nil:
		return authenticator.Refreshed{}, err
	}
	kept.User = user
	if identity.AuthState, err = kept.seal(); err != nil {
		return authenticator.Refreshed{}, err
	}
	return authenticator.Refreshed{Outcome: authenticator.Changed, Identity: identity}, nil
}

// same says whether two answers are about one account under one name.
func (a *Authenticator) same(before, now claims.Claims) bool {
	for _, path := range []string{a.site.subject(), a.options.Claims.Username} {
		if path == "" {
			continue
		}
		was, known := before.Text(path)
		if is, _ := now.Text(path); !known || was != is {
			return false
		}
	}
	return true
}
