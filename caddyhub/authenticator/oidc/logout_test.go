package oidc

import (
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

func TestLogoutURL(t *testing.T) {
	p := newIDP(t)
	back := func(o *Options) { o.ProviderLogout, o.PostLogoutRedirectURI = true, "https://hub.example.org/bye" }
	kept := loggedIn(t, p, p.authenticator(t))
	for name, test := range map[string]struct {
		options func(*Options)
		state   []byte
		want    url.Values // nil: nowhere
	}{
		"not wanted": {func(*Options) {}, kept, nil},
		"wanted":     {func(o *Options) { o.ProviderLogout = true }, kept, url.Values{"x": {"1"}, "client_id": {"hub"}, "id_token_hint": {"?"}}},
		"and back":   {back, kept, url.Values{"x": {"1"}, "client_id": {"hub"}, "id_token_hint": {"?"}, "post_logout_redirect_uri": {"https://hub.example.org/bye"}}},
		"no state":   {back, nil, url.Values{"x": {"1"}, "client_id": {"hub"}, "post_logout_redirect_uri": {"https://hub.example.org/bye"}}},
		"of another": {back, []byte(`{"issuer":"x","id_token":"SECRET"}`), url.Values{"x": {"1"}, "client_id": {"hub"}, "post_logout_redirect_uri": {"https://hub.example.org/bye"}}},
		"long hint":  {func(o *Options) { o.ProviderLogout = true }, []byte(`{"issuer":"` + p.URL + `","client_id":"hub","id_token":"` + strings.Repeat("x", maxHint+1) + `"}`), url.Values{"x": {"1"}, "client_id": {"hub"}}},
	} {
		location, err := p.authenticator(t, test.options).LogoutURL(t.Context(), test.state)
		if test.want == nil {
			if location != "" || err != nil {
				t.Errorf("%s: %q, %v", name, location, err)
			}
			continue
		}
		parsed, parseErr := url.Parse(location)
		if err != nil || parseErr != nil || !strings.HasPrefix(location, p.URL+"/end?") {
			t.Fatalf("%s: %q, %v", name, location, err)
		}
		query := parsed.Query()
		if hint := query.Get("id_token_hint"); strings.Count(hint, ".") == 2 {
			query.Set("id_token_hint", "?")
		}
		if query.Encode() != test.want.Encode() {
			t.Errorf("%s: %v, want %v", name, query, test.want)
		}
	}
	a := p.authenticator(t, func(o *Options) { o.LogoutRedirectURL = "https://idp.example/out" })
	if location, err := a.LogoutURL(t.Context(), kept); location != "https://idp.example/out" || err != nil {
		t.Errorf("%q, %v", location, err)
	}
	p.metadata["end_session_endpoint"] = nil
	if location, err := p.authenticator(t, back).LogoutURL(t.Context(), kept); location != "" || err != nil {
		t.Errorf("the provider has no such endpoint: %q, %v", location, err)
	}
}

// A logout token is one that the provider signed for us, now, and that is nothing
// else (Back-Channel Logout 1.0, section 2.6).
func TestReceiveLogout(t *testing.T) {
	p := newIDP(t)
	a := p.authenticator(t)
	now := time.Now()
	base := jwt.MapClaims{
		"iss": p.URL, "aud": clientID, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": "j-1", "sub": "s-1", "sid": "session-1",
		"events": map[string]any{logoutEvent: map[string]any{}},
	}
	token := func(change map[string]any) string {
		return p.signed(overlay(maps.Clone(base), change))
	}
	ended, err := a.ReceiveLogout(t.Context(), token(nil))
	if err != nil || ended.Subject != "s-1" || ended.Session != "session-1" || ended.ID != "j-1" ||
		ended.Expires.Before(now.Add(2*time.Minute)) || ended.Expires.After(now.Add(5*time.Minute)) {
		t.Errorf("%+v, %v", ended, err)
	}
	for name, change := range map[string]map[string]any{
		"subject alone": {"sid": nil}, "session alone": {"sub": nil}, "event with content": {"events": map[string]any{logoutEvent: map[string]any{"x": 1}, "other": 1}},
	} {
		if _, err := a.ReceiveLogout(t.Context(), token(change)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]map[string]any{
		"no events": {"events": nil}, "other event": {"events": map[string]any{"x": map[string]any{}}}, "event is a text": {"events": map[string]any{logoutEvent: "{}"}},
		"event is null": {"events": map[string]any{logoutEvent: nil}, "x": 1}, "events is a list": {"events": []string{logoutEvent}},
		"nonce": {"nonce": "n"}, "empty nonce": {"nonce": ""}, "no id": {"jti": nil}, "empty id": {"jti": ""}, "id is a number": {"jti": 1}, "long id": {"jti": strings.Repeat("j", 256)},
		"nobody": {"sub": nil, "sid": nil}, "long subject": {"sub": strings.Repeat("s", 256)}, "sub is a list": {"sub": []string{"s-1"}, "sid": nil},
		"other issuer": {"iss": "https://evil.example"}, "other client": {"aud": "other"}, "over": {"exp": now.Add(-2 * time.Minute).Unix()}, "never over": {"exp": nil},
		"good for too long": {"exp": now.Add(2 * time.Hour).Unix()}, "from the future": {"iat": now.Add(time.Hour).Unix(), "exp": now.Add(90 * time.Minute).Unix()},
		"no time": {"iat": nil},
	} {
		if name == "event is null" {
			change = map[string]any{"events": map[string]any{logoutEvent: nil}}
		}
		if _, err := a.ReceiveLogout(t.Context(), token(change)); !errors.Is(err, authenticator.ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{"an ID token": p.idToken(), "garbage": "x", "nothing": "", "unsigned": "eyJhbGciOiJub25lIn0.e30."} {
		if _, err := a.ReceiveLogout(t.Context(), text); !errors.Is(err, authenticator.ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.Close()
	if _, err := p.authenticator(t).ReceiveLogout(t.Context(), token(nil)); !errors.Is(err, authenticator.ErrUnavailable) {
		t.Errorf("the provider is away: %v", err)
	}
}

// FuzzReceiveLogout: what nobody signed ends nobody's session.
func FuzzReceiveLogout(f *testing.F) {
	p := newIDP(f)
	a := p.authenticator(f)
	f.Add(p.idToken())
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if ended, err := a.ReceiveLogout(t.Context(), token); err == nil {
			t.Errorf("%q ended %+v", token, ended)
		}
	})
}
