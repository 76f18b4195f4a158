package oidc

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
)

// loggedIn is the auth state of somebody who has logged in.
func loggedIn(t *testing.T, p *idp, a *Authenticator) json.RawMessage {
	t.Helper()
	identity, err := a.Authenticate(t.Context(), p.attempt())
	if err != nil {
		t.Fatal(err)
	}
	return identity.AuthState
}

// read is the auth state in an answer.
func read(t *testing.T, answer authenticator.Refreshed) (s state) {
	t.Helper()
	if answer.Identity != nil && len(answer.Identity.AuthState) > 0 {
		if err := json.Unmarshal(answer.Identity.AuthState, &s); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// rotate answers with the refresh token rt-2, and perhaps without an ID token.
func rotate(idToken bool) func(http.ResponseWriter, map[string]any) {
	return func(w http.ResponseWriter, answer map[string]any) {
		answer["refresh_token"], answer["access_token"] = "rt-2", "at"
		if !idToken {
			delete(answer, "id_token")
		}
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// A refresh brings what the provider says now, and never loses a refresh token that
// it has given.
func TestRefresh(t *testing.T) {
	admin := func(o *Options) { o.Claims.AdminGroups = []string{"admins"} }
	userinfo := func(o *Options) { o.UserInfo, o.Claims.Groups = true, "teams" }
	for name, test := range map[string]struct {
		options func(*Options)
		change  func(*idp) // after the login
		outcome authenticator.Outcome
		token   string   // the refresh token that is kept
		groups  []string // nil: not told
		admin   *bool
	}{
		"the same again": {admin, func(*idp) {}, authenticator.Changed, "rt-1", []string{"staff"}, new(false)},
		"rotated":        {admin, func(p *idp) { p.token = rotate(true) }, authenticator.Changed, "rt-2", []string{"staff"}, new(false)},
		"other groups": {admin, func(p *idp) { p.token, p.claims = rotate(true), map[string]any{"groups": []string{"admins"}} },
			authenticator.Changed, "rt-2", []string{"admins"}, new(true)},
		"no groups any more": {admin, func(p *idp) { p.token, p.claims = rotate(true), map[string]any{"groups": nil} },
			authenticator.Changed, "rt-2", []string{}, new(false)},
		"no nonce":    {admin, func(p *idp) { p.token, p.claims = rotate(true), map[string]any{"nonce": nil} }, authenticator.Changed, "rt-2", []string{"staff"}, new(false)},
		"no ID token": {admin, func(p *idp) { p.token = rotate(false) }, authenticator.Changed, "rt-2", nil, nil},
		"no ID token, userinfo": {userinfo, func(p *idp) {
			p.token, p.userinfo = rotate(false), func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"sub":"s-1","teams":["new"]}`) }
		}, authenticator.Changed, "rt-2", []string{"new"}, nil},
		"userinfo in trouble": {userinfo, func(p *idp) {
			p.token, p.userinfo = rotate(true), func(w http.ResponseWriter) { w.WriteHeader(500) }
		}, authenticator.Changed, "rt-2", nil, nil},
		"refused":              {admin, func(p *idp) { p.refresh = "revoked" }, authenticator.LoginAgain, "", nil, nil},
		"about somebody else":  {admin, func(p *idp) { p.token, p.claims = rotate(true), map[string]any{"sub": "s-2"} }, authenticator.LoginAgain, "", nil, nil},
		"nonce of another":     {admin, func(p *idp) { p.token, p.claims = rotate(true), map[string]any{"nonce": "x"} }, authenticator.LoginAgain, "", nil, nil},
		"signed by nobody":     {admin, func(p *idp) { p.sign = func(jwt.MapClaims) string { return "a.b.c" } }, authenticator.LoginAgain, "", nil, nil},
		"not permitted longer": {func(o *Options) { o.Claims.Required = map[string][]string{"groups": {"staff"}} }, func(p *idp) { p.claims = map[string]any{"groups": []string{"x"}} }, authenticator.LoginAgain, "", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newIDP(t)
			a := p.authenticator(t, test.options)
			kept := loggedIn(t, p, a)
			p.change(func() { test.change(p) })
			answer, err := a.Refresh(t.Context(), "ada", kept, nil)
			if err != nil || answer.Outcome != test.outcome {
				t.Fatalf("outcome %v, error %v", answer.Outcome, err)
			}
			if answer.Outcome == authenticator.LoginAgain {
				return
			}
			after := read(t, answer)
			if after.RefreshToken != test.token || after.IDToken == "" || after.Claims["sub"] != "s-1" {
				t.Errorf("kept %+v", after)
			}
			if diff := cmp.Diff(test.groups, answer.Identity.Groups); diff != "" {
				t.Errorf("groups (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.admin, answer.Identity.Admin); diff != "" {
				t.Errorf("admin (-want +got)\n%s", diff)
			}
		})
	}
}

// Trouble is no answer: not a yes, and not a no.
func TestRefreshInTrouble(t *testing.T) {
	for name, status := range map[string]int{"broken": 500, "too many": 429, "secret expired": 401, "in front of it": 403} {
		p := newIDP(t)
		a := p.authenticator(t)
		kept := loggedIn(t, p, a)
		p.change(func() {
			p.token = func(w http.ResponseWriter, _ map[string]any) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, `{"error":"invalid_client"}`)
			}
		})
		if answer, err := a.Refresh(t.Context(), "ada", kept, nil); !errors.Is(err, authenticator.ErrUnavailable) {
			t.Errorf("%s: %v, %v", name, answer.Outcome, err)
		}
		p.Close()
		if answer, err := a.Refresh(t.Context(), "ada", kept, nil); !errors.Is(err, authenticator.ErrUnavailable) {
			t.Errorf("%s, gone: %v, %v", name, answer.Outcome, err)
		}
	}
}

// The keys of the provider may be away just when it has rotated a refresh token.
func TestRefreshWithoutKeys(t *testing.T) {
	p, c := newIDP(t), new(clock)
	a := p.authenticator(t, c.use())
	kept := loggedIn(t, p, a)
	p.change(func() { p.metadata["jwks_uri"], p.token = p.URL+"/nothing", rotate(true) })
	c.advance(fresh + time.Second)
	p.change(func() { p.claims = map[string]any{"exp": time.Now().Add(3 * time.Hour).Unix()} })
	answer, err := a.Refresh(t.Context(), "ada", kept, nil)
	if after := read(t, answer); err != nil || answer.Outcome != authenticator.Changed || after.RefreshToken != "rt-2" || answer.Identity.Groups != nil {
		t.Errorf("%+v, %v", answer, err)
	}
}

// Without a refresh token the access token is what can be asked with, and after it
// nothing.
func TestRefreshWithoutRefreshToken(t *testing.T) {
	for name, test := range map[string]struct {
		options func(*Options)
		change  func(*idp, *clock)
		outcome authenticator.Outcome
		groups  []string
		fails   error
	}{
		"known":            {nil, func(*idp, *clock) {}, authenticator.Fresh, nil, nil},
		"not known longer": {nil, func(p *idp, _ *clock) { p.userinfo = func(w http.ResponseWriter) { w.WriteHeader(401) } }, authenticator.LoginAgain, nil, nil},
		"in trouble":       {nil, func(p *idp, _ *clock) { p.userinfo = func(w http.ResponseWriter) { w.WriteHeader(503) } }, 0, nil, authenticator.ErrUnavailable},
		"forbidden":        {nil, func(p *idp, _ *clock) { p.userinfo = func(w http.ResponseWriter) { w.WriteHeader(403) } }, 0, nil, authenticator.ErrUnavailable},
		"access token over": {nil, func(p *idp, c *clock) {
			p.userinfo = func(w http.ResponseWriter) { w.WriteHeader(401) }
			c.advance(59*time.Minute + time.Second)
		}, authenticator.Fresh, nil, nil},
		"told anew": {func(o *Options) { o.UserInfo, o.Claims.Groups = true, "teams" }, func(*idp, *clock) {}, authenticator.Changed, []string{"from userinfo"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, c := newIDP(t), new(clock)
			p.token = func(w http.ResponseWriter, answer map[string]any) {
				delete(answer, "refresh_token")
				_ = json.NewEncoder(w).Encode(answer)
			}
			change := test.options
			if change == nil {
				change = func(*Options) {}
			}
			a := p.authenticator(t, c.use(), change)
			kept := loggedIn(t, p, a)
			p.change(func() { test.change(p, c) })
			answer, err := a.Refresh(t.Context(), "ada", kept, nil)
			if answer.Outcome != test.outcome || !errors.Is(err, test.fails) || (err != nil) != (test.fails != nil) {
				t.Fatalf("outcome %v, error %v", answer.Outcome, err)
			}
			if answer.Identity != nil && cmp.Diff(test.groups, answer.Identity.Groups) != "" {
				t.Errorf("groups %q", answer.Identity.Groups)
			}
		})
	}
}

// Auth state of another provider, of another client or of none proves nothing.
func TestRefreshOfOthers(t *testing.T) {
	p, other := newIDP(t), newIDP(t)
	a := p.authenticator(t)
	renamed := p.authenticator(t, func(o *Options) { o.ClientID = "renamed" })
	mine := loggedIn(t, p, a)
	for name, test := range map[string]struct {
		by    *Authenticator
		state json.RawMessage
	}{
		"none": {a, nil}, "garbage": {a, json.RawMessage(`"x"`)}, "empty": {a, json.RawMessage(`{}`)},
		"of another": {a, loggedIn(t, other, other.authenticator(t))}, "of another client": {renamed, mine},
		"without an ID token": {a, json.RawMessage(`{"issuer":"` + p.URL + `","client_id":"hub","refresh_token":"rt-1"}`)},
	} {
		if answer, err := test.by.Refresh(t.Context(), "ada", test.state, nil); err != nil || answer.Outcome != authenticator.LoginAgain {
			t.Errorf("%s: %v, %v", name, answer.Outcome, err)
		}
	}
}

// What is kept with a user has a bound.
func TestStateIsBounded(t *testing.T) {
	s := state{IDToken: "x", Claims: claims.Claims{"long": strings.Repeat("x", maxState)}}
	text, err := s.seal()
	if err != nil || len(text) > maxState {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	s.AccessToken = strings.Repeat("x", maxState)
	if _, err := s.seal(); !errors.Is(err, authenticator.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
