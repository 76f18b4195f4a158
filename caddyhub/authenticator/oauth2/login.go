package oauth2

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
)

// Redirect implements authenticator.Redirector.
func (a *Authenticator) Redirect(_ context.Context, _ *http.Request, callback string) (location string, flow []byte, err error) {
	begun := codeflow.Begin()
	return a.client.Location(begun, callback, a.options.Parameters), begun.Bytes(), nil
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
	// These sites have no issuer; each has a callback of its own instead.
	code, err := flow.Code(attempt.Request.URL.Query(), codeflow.Issuer{})
	if err != nil {
		return nil, err
	}
	token, err := a.client.Redeem(ctx, flow, attempt.Callback, code)
	if err != nil {
		return nil, err
	}
	kept := a.keep(token)
	identity, user, err := a.look(ctx, kept.AccessToken)
	if err != nil {
		return nil, err
	}
	kept.User = user
	identity.AuthState, err = kept.seal()
	return identity, err
}

// LogoutURL implements authenticator.LogoutRedirector.
func (a *Authenticator) LogoutURL(context.Context, json.RawMessage) (string, error) {
	return a.options.LogoutRedirectURL, nil
}

// look asks the site who an access token belongs to, and whether he may come in.
func (a *Authenticator) look(ctx context.Context, accessToken string) (*authenticator.Identity, claims.Claims, error) {
	from := api{client: a.options.HTTP, base: a.options.APIURL, accessToken: accessToken}
	user, err := from.object(ctx, a.options.UserURL)
	if err != nil {
		return nil, nil, err
	}
	if path := a.site.subject(); path != "" {
		if _, there := user.Text(path); !there {
			return nil, nil, fmt.Errorf("%w: the API does not say whose token it is", authenticator.ErrUnavailable)
		}
	}
	if !a.site.active(user) {
		return nil, nil, denied("the account is not active")
	}
	if a.options.wantsAddress() {
		if err := a.site.address(ctx, from, user); err != nil {
			return nil, nil, err
		}
	}
	if err := a.checkMembership(ctx, from, user); err != nil {
		return nil, nil, err
	}
	told := user
	if a.options.Teams {
		if told, err = a.withTeams(ctx, from, user); err != nil {
			return nil, nil, err
		}
	}
	identity, err := a.options.Claims.Identity(told)
	return identity, user, err
}

// checkMembership lets in members of any one of the organizations.
func (a *Authenticator) checkMembership(ctx context.Context, from api, user claims.Claims) error {
	if len(a.options.Organizations) == 0 {
		return nil
	}
	for _, organization := range a.options.Organizations {
		member, err := a.site.member(ctx, from, user, organization)
		if err != nil {
			return err
		}
		if member {
			return nil
		}
	}
	return denied("not a member of any of allowed_organizations")
}

// withTeams puts what the user belongs to where the mapping looks for groups. Where
// the site has a claim of that name, it is overwritten.
func (a *Authenticator) withTeams(ctx context.Context, from api, user claims.Claims) (claims.Claims, error) {
	names, err := a.site.teams(ctx, from)
	if err != nil {
		return nil, err
	}
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = name
	}
	told := maps.Clone(user)
	told[teamsClaim] = list
	return told, nil
}

func denied(format string, args ...any) error {
	return fmt.Errorf("%w: %w", authenticator.ErrDenied, fmt.Errorf(format, args...))
}
