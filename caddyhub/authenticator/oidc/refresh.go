package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
)

// Refresh asks the provider whether it still stands for somebody.
//
// With a refresh token it redeems that: the provider's yes brings new tokens and,
// with a new ID token or from the userinfo endpoint, groups as they are now; its no
// ends the login. Without one it asks the userinfo endpoint as long as the access
// token is good for it. After that there is nobody to ask, and the answer is Fresh:
// the session ends by its own limits.
//
// Two calls for one user must not run at once where refresh tokens are used up.
func (a *Authenticator) Refresh(ctx context.Context, _ string, authState json.RawMessage, _ *http.Request) (authenticator.Refreshed, error) {
	kept, ours := a.open(authState)
	if !ours {
		return authenticator.Refreshed{}, nil // he has logged in elsewhere since
	}
	m, err := a.provider.metadata(ctx)
	if err != nil {
		return authenticator.Refreshed{}, err
	}
	if kept.RefreshToken == "" {
		return a.probe(ctx, m, kept)
	}
	token, err := a.client(m).Renew(ctx, kept.RefreshToken)
	switch {
	case errors.Is(err, authenticator.ErrDenied):
		a.log.InfoContext(ctx, "the provider has ended a login", slog.Any("reason", err))
		return authenticator.Refreshed{}, nil
	case err != nil:
		return authenticator.Refreshed{}, err
	}
	return a.renewed(context.WithoutCancel(ctx), m, kept, a.keep(token))
}

// renewed takes over new tokens, come what may: the old refresh token may be worth
// nothing by now.
func (a *Authenticator) renewed(ctx context.Context, m *metadata, before, fresh state) (authenticator.Refreshed, error) {
	next := before.renewed(fresh)
	identity, err := a.look(ctx, m, before, fresh, &next)
	switch {
	case errors.Is(err, authenticator.ErrDenied):
		a.log.InfoContext(ctx, "a login does not hold any more", slog.Any("reason", err))
		return authenticator.Refreshed{}, nil
	case err != nil:
		a.log.WarnContext(ctx, "a login was refreshed, but not what is known of the user", slog.Any("error", err))
		identity = new(authenticator.Identity)
	}
	if identity.AuthState, err = next.seal(); err != nil {
		return authenticator.Refreshed{}, err
	}
	return authenticator.Refreshed{Outcome: authenticator.Changed, Identity: identity}, nil
}

// look finds out what the provider says of the user now. Without a new ID token and
// without the userinfo endpoint it says nothing, and the identity is empty.
func (a *Authenticator) look(ctx context.Context, m *metadata, before, fresh state, next *state) (*authenticator.Identity, error) {
	last, err := before.lastClaims()
	if err != nil {
		return nil, denied("%w", err)
	}
	told := last
	if fresh.IDToken != "" {
		// A nonce there must be the first one (OpenID Connect Core, section 12.2).
		nonce, _ := last["nonce"].(string)
		if told, err = a.verifyAgain(ctx, m, fresh, nonce); err != nil {
			return nil, err
		}
		if told["sub"] != last["sub"] {
			return nil, denied("the new ID token is about somebody else")
		}
	} else if !a.options.UserInfo || m.UserInfoURL == "" {
		return new(authenticator.Identity), nil
	}
	if err := a.addUserInfo(ctx, m, told, fresh.AccessToken); err != nil {
		return nil, err
	}
	next.Claims = told
	return a.options.Claims.Identity(told)
}

// verifyAgain is verify for an ID token that has no nonce or the first one.
func (a *Authenticator) verifyAgain(ctx context.Context, m *metadata, fresh state, nonce string) (claims.Claims, error) {
	told, err := a.verify(ctx, m, fresh, "")
	if err != nil && nonce != "" {
		return a.verify(ctx, m, fresh, nonce)
	}
	return told, err
}

// margin is how long before its end an access token is not used any more, so that
// a no is about the login and not about the clock.
const margin = time.Minute

// probe shows the access token where it is good for something.
func (a *Authenticator) probe(ctx context.Context, m *metadata, kept state) (authenticator.Refreshed, error) {
	still := authenticator.Refreshed{Outcome: authenticator.Fresh}
	if m.UserInfoURL == "" || kept.Expires.IsZero() || a.options.Now().Add(margin).After(kept.Expires) {
		return still, nil
	}
	answer, err := codeflow.Fetch(ctx, a.options.HTTP, m.UserInfoURL, kept.AccessToken)
	switch {
	case err != nil:
		return authenticator.Refreshed{}, err
	case answer.Status == http.StatusUnauthorized:
		a.log.InfoContext(ctx, "the provider has ended a login: it does not know the access token any more")
		return authenticator.Refreshed{}, nil
	case answer.Status != http.StatusOK:
		return authenticator.Refreshed{}, answer.Unexpected("the userinfo endpoint")
	case !a.options.UserInfo:
		return still, nil
	}
	return a.renewed(ctx, m, kept, kept.withoutIDToken())
}

// withoutIDToken is the state as an answer that has no new ID token.
func (s state) withoutIDToken() state {
	s.IDToken = ""
	return s
}
