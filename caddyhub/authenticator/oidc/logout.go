package oidc

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

const (
	// maxHint bounds the ID token in a logout address, in bytes: longer addresses
	// are refused on the way.
	maxHint = 4096
	// maxAnnounced bounds the lifetime of a logout token, and with it how long its
	// ID must be remembered.
	maxAnnounced = time.Hour
	// maxID bounds the ID of a logout token in bytes.
	maxID = 255

	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// LogoutURL implements authenticator.LogoutRedirector.
func (a *Authenticator) LogoutURL(ctx context.Context, authState json.RawMessage) (string, error) {
	if a.options.LogoutRedirectURL != "" || !a.options.ProviderLogout {
		return a.options.LogoutRedirectURL, nil
	}
	m, err := a.provider.metadata(ctx)
	if err != nil || m.EndSessionURL == "" {
		return "", err
	}
	address, err := url.Parse(m.EndSessionURL)
	if err != nil {
		return "", err
	}
	query := address.Query()
	query.Set("client_id", a.options.ClientID)
	if kept, ours := a.open(authState); ours && kept.IDToken != "" && len(kept.IDToken) <= maxHint {
		query.Set("id_token_hint", kept.IDToken)
	}
	if a.options.PostLogoutRedirectURI != "" {
		query.Set("post_logout_redirect_uri", a.options.PostLogoutRedirectURI)
	}
	address.RawQuery = query.Encode()
	return address.String(), nil
}

// ReceiveLogout implements authenticator.LogoutReceiver (OpenID Connect Back-Channel
// Logout 1.0, section 2.6).
func (a *Authenticator) ReceiveLogout(ctx context.Context, token string) (ended authenticator.ExternalLogout, err error) {
	m, err := a.provider.metadata(ctx)
	if err != nil {
		return ended, err
	}
	told, err := a.signed(ctx, m, token, maxAnnounced)
	if err != nil {
		return ended, err
	}
	events, _ := told["events"].(map[string]any)
	if _, announced := events[logoutEvent].(map[string]any); !announced {
		return ended, denied("the token announces no logout")
	}
	if _, there := told["nonce"]; there {
		return ended, denied("a logout token has no nonce; this may be an ID token")
	}
	if _, there := told["iat"]; !there {
		return ended, denied("the logout token does not say when it was issued")
	}
	id, _ := told["jti"].(string)
	subject, _ := told["sub"].(string)
	session, _ := told["sid"].(string)
	if id == "" || len(id) > maxID || len(subject) > maxSubject || subject == "" && session == "" {
		return ended, denied("the logout token does not say whose login ends, or has no ID")
	}
	expires, err := expiry(told["exp"])
	if err != nil {
		return ended, denied("%w", err)
	}
	return authenticator.ExternalLogout{
		ExternalLogin: authenticator.ExternalLogin{Subject: subject, Session: session},
		ID:            id, Expires: expires.Add(leeway),
	}, nil
}

// expiry reads a time that has been checked.
func expiry(value any) (time.Time, error) {
	number, _ := value.(json.Number)
	seconds, err := number.Float64()
	return time.Unix(int64(seconds)+1, 0), err
}
