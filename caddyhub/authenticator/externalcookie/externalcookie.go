package externalcookie

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

const (
	// maxValue is how long the value of a cookie may be that is asked about, in bytes;
	// browsers keep no longer ones.
	maxValue = 4096
	// maxValues is how many different values one request may ask about.
	maxValues = 3
)

// Authenticator logs in by a cookie. It is safe for concurrent use.
type Authenticator struct{ options Options }

// New makes an Authenticator. It asks nobody yet.
func New(options Options) (*Authenticator, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	return &Authenticator{options.withDefaults()}, nil
}

// Authenticate implements authenticator.Authenticator: the cookie of the request
// says who it is, and the form nothing.
func (a *Authenticator) Authenticate(ctx context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	values := a.values(attempt.Request)
	switch len(values) {
	case 0:
		return nil, fmt.Errorf("%w: no cookie %s", authenticator.ErrDenied, a.options.Cookie)
	case 1:
	default:
		return nil, fmt.Errorf("%w: several cookies %s", authenticator.ErrDenied, a.options.Cookie)
	}
	found, err := a.ask(ctx, values[0])
	if err != nil {
		return nil, err
	}
	return found.identity()
}

// Refresh implements authenticator.Refresher.
func (a *Authenticator) Refresh(ctx context.Context, user string, authState json.RawMessage, r *http.Request) (authenticator.Refreshed, error) {
	before := readState(authState)
	values := a.values(r)
	switch {
	case len(values) > 0:
	case r != nil && a.options.LogoutWithoutCookie:
		return authenticator.Refreshed{Outcome: authenticator.LoginAgain}, nil
	case before.Token != "":
		values = []string{before.Token}
	case r == nil:
		return authenticator.Refreshed{}, fmt.Errorf("%w: there is no cookie to ask about", authenticator.ErrUnavailable)
	}
	var trouble error
	for _, value := range values {
		found, err := a.ask(ctx, value)
		switch {
		case err == nil && found.is(user, before):
			return found.since(authState)
		case err == nil, errors.Is(err, authenticator.ErrDenied) && !a.stale(value, r):
		case errors.Is(err, authenticator.ErrDenied):
			trouble = fmt.Errorf("%w: the token that is known has expired, and no browser has shown a newer one", authenticator.ErrUnavailable)
		default:
			trouble = err
		}
	}
	if trouble != nil {
		return authenticator.Refreshed{}, trouble
	}
	return authenticator.Refreshed{Outcome: authenticator.LoginAgain}, nil
}

// stale says whether a refused value is only a token that was kept here: the
// browser may have a newer one, which it has had no occasion to show. A site that
// is asked knows better.
func (a *Authenticator) stale(value string, r *http.Request) bool {
	return a.options.Tokens != nil && !slices.Contains(a.values(r), value)
}

// values are the different values of the cookie in a request.
func (a *Authenticator) values(r *http.Request) []string {
	if r == nil {
		return nil
	}
	var values []string
	for _, cookie := range r.CookiesNamed(a.options.Cookie) {
		good := cookie.Value != "" && len(cookie.Value) <= maxValue && len(values) < maxValues
		if good && !slices.Contains(values, cookie.Value) {
			values = append(values, cookie.Value)
		}
	}
	return values
}

// PreSpawn implements authenticator.StartHook.
func (a *Authenticator) PreSpawn(_ context.Context, use authenticator.ServerUse) (map[string]string, error) {
	token := readState(use.AuthState).Token
	if a.options.Environment == "" || token == "" {
		return nil, nil
	}
	return map[string]string{a.options.Environment: token}, nil
}

// AutoLogin implements authenticator.AutoLoginer.
func (a *Authenticator) AutoLogin() bool { return true }

// LoginURL implements authenticator.LoginAddress.
func (a *Authenticator) LoginURL(back string) string {
	if a.options.LoginURL == "" {
		return ""
	}
	address, _ := url.Parse(a.options.LoginURL) // check has parsed it
	query := address.Query()
	query.Set(a.options.LoginParameter, back)
	address.RawQuery = query.Encode()
	return address.String()
}

// LogoutURL implements authenticator.LogoutRedirector.
func (a *Authenticator) LogoutURL(context.Context, json.RawMessage) (string, error) {
	return a.options.LogoutURL, nil
}

// Cookies implements authenticator.CookieReader.
func (a *Authenticator) Cookies() (names []string, forward bool) {
	return []string{a.options.Cookie}, a.options.ForwardCookie
}

// Prompt implements authenticator.Prompter.
func (a *Authenticator) Prompt() authenticator.Prompt {
	return authenticator.Prompt{Service: a.options.Service}
}
