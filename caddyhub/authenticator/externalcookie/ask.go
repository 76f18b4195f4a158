package externalcookie

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/jwks"
)

// maxAnswer bounds the answer of the site, in bytes.
const maxAnswer = 256 << 10

// ask finds out whose cookie this is: an error wrapping ErrDenied means nobody's.
func (a *Authenticator) ask(ctx context.Context, value string) (*finding, error) {
	fields, err := a.fields(ctx, value)
	if err != nil {
		return nil, err
	}
	return a.read(value, fields)
}

func (a *Authenticator) fields(ctx context.Context, value string) (claims.Claims, error) {
	if a.options.Tokens == nil {
		return a.asked(ctx, value)
	}
	found, err := a.options.Tokens.Verify(ctx, value, a.options.Expected)
	switch {
	case errors.Is(err, jwks.ErrUnavailable):
		return nil, fmt.Errorf("%w: %w", authenticator.ErrUnavailable, err)
	case errors.Is(err, jwks.ErrInvalid):
		return nil, fmt.Errorf("%w: %w", authenticator.ErrDenied, err)
	}
	return found, err
}

// asked is what the site says about a cookie.
func (a *Authenticator) asked(ctx context.Context, value string) (claims.Claims, error) {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, a.options.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.options.VerifyURL, nil)
	if err != nil {
		return nil, err
	}
	// As the browser sent it, without quotes around.
	request.Header.Set("Cookie", a.options.Cookie+"="+value)
	request.Header.Set("Accept", "application/json")
	response, err := a.options.Client.Do(request)
	if err != nil {
		return nil, away(parent, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case response.StatusCode == http.StatusUnauthorized, response.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("%w: the site answered %d", authenticator.ErrDenied, response.StatusCode)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: the site answered %d; 200 is yes, 401 and 403 are no", authenticator.ErrUnavailable, response.StatusCode)
	case err != nil:
		return nil, away(parent, err)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("%w: the answer of the site is too long", authenticator.ErrUnavailable)
	}
	found, err := claims.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: the answer of the site: %w", authenticator.ErrUnavailable, err)
	}
	return found, nil
}

// away is trouble on the way to the site. That nobody waits any more is none.
func away(parent context.Context, err error) error {
	if parent.Err() != nil {
		return parent.Err()
	}
	return fmt.Errorf("%w: %w", authenticator.ErrUnavailable, err)
}
