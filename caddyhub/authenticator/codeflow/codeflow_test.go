package codeflow

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// One secret makes three values that are good for what they are for, and a browser
// that has it goes on where it began.
func TestFlow(t *testing.T) {
	f := Begin()
	again, ok := Resume(f.Bytes())
	if !ok || again != f {
		t.Fatalf("resumed %v", ok)
	}
	seen := map[string]bool{}
	for _, value := range []string{f.State(), f.Nonce(), f.Verifier(), f.challenge(), Begin().State()} {
		if len(value) != 43 || seen[value] || strings.ContainsAny(value, "+/=") {
			t.Errorf("value %q of %d characters, seen before: %v", value, len(value), seen[value])
		}
		seen[value] = true
	}
	for _, bad := range [][]byte{nil, {}, f.Bytes()[:31], append(f.Bytes(), 0)} {
		if _, ok := Resume(bad); ok {
			t.Errorf("%d bytes were taken for a flow", len(bad))
		}
	}
}

func TestCode(t *testing.T) {
	const issuer = "https://idp.example.org"
	f := Begin()
	answer := func(pairs ...string) url.Values {
		values := url.Values{"state": {f.State()}}
		for i := 0; i < len(pairs); i += 2 {
			values.Add(pairs[i], pairs[i+1])
		}
		return values
	}
	for name, test := range map[string]struct {
		answer url.Values
		from   Issuer
		status int // zero: the code is taken
		text   string
	}{
		"code":                     {answer("code", "c"), Issuer{Name: issuer}, 0, ""},
		"code and issuer":          {answer("code", "c", "iss", issuer), Issuer{issuer, true}, 0, ""},
		"issuer nobody waits for":  {answer("code", "c", "iss", issuer), Issuer{}, 0, ""},
		"no state":                 {url.Values{"code": {"c"}}, Issuer{}, 400, "does not belong"},
		"empty state":              {url.Values{"code": {"c"}, "state": {""}}, Issuer{}, 400, "does not belong"},
		"state of another":         {url.Values{"code": {"c"}, "state": {Begin().State()}}, Issuer{}, 400, "does not belong"},
		"state twice":              {answer("code", "c", "state", f.State()), Issuer{}, 400, "does not belong"},
		"code twice":               {answer("code", "c", "code", "c"), Issuer{}, 400, "does not belong"},
		"no code":                  {answer(), Issuer{}, 400, "does not belong"},
		"long code":                {answer("code", strings.Repeat("c", maxCode+1)), Issuer{}, 400, "does not belong"},
		"another issuer":           {answer("code", "c", "iss", "https://evil.example"), Issuer{Name: issuer}, 400, "does not belong"},
		"empty issuer":             {answer("code", "c", "iss", ""), Issuer{Name: issuer}, 400, "does not belong"},
		"promised issuer missing":  {answer("code", "c"), Issuer{issuer, true}, 400, "does not belong"},
		"error from another":       {answer("error", "access_denied", "iss", "https://evil.example"), Issuer{Name: issuer}, 400, "does not belong"},
		"error of another browser": {url.Values{"error": {"access_denied"}, "error_description": {"Call us!"}, "state": {"x"}}, Issuer{}, 400, "does not belong"},
		"cancelled":                {answer("error", "access_denied"), Issuer{}, 403, "cancelled or refused"},
		"cancelled, with a text": {answer("error", "access_denied", "error_description", "You <b>may</b>\n not"), Issuer{}, 403,
			`It says: "You <b>may</b> not"`},
		"provider in trouble": {answer("error", "temporarily_unavailable"), Issuer{}, 503, "not available"},
		"hub not accepted":    {answer("error", "invalid_scope", "error_description", "secret"), Issuer{}, 502, "does not accept requests"},
		"unknown error":       {answer("error", "<script>"), Issuer{}, 502, "does not accept requests"},
		"error beside a code": {answer("error", "access_denied", "code", "c"), Issuer{}, 403, "cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			code, err := f.Code(test.answer, test.from)
			if test.status == 0 {
				if code != "c" || err != nil {
					t.Errorf("code %q, error %v", code, err)
				}
				return
			}
			status, message, _ := authenticator.Describe(err)
			if code != "" || status != test.status || !strings.Contains(message, test.text) || strings.Contains(message, "secret") {
				t.Errorf("code %q, %d %q, want %d %q", code, status, message, test.status, test.text)
			}
			if strings.Contains(err.Error(), f.State()) {
				t.Error("the error has the state in it")
			}
		})
	}
}

func TestTold(t *testing.T) {
	for text, want := range map[string]string{
		"plain": "plain", " a\r\n\tb ": "a b", "\x00\x1b[31mred": "[31mred", "\xff\xfe": "", "\u202eevil": "evil",
		strings.Repeat("ä", 11): strings.Repeat("ä", 10) + "…",
	} {
		if got := Told(text, 10); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// FuzzCode: an answer that does not have the state gives no code, and whatever is
// shown of one is printable and short.
func FuzzCode(f *testing.F) {
	f.Add("state=x&code=c", true)
	f.Add("error=access_denied&error_description=%0a%00", true)
	f.Add("code=a&code=b;iss=", false)
	flow := Begin()
	f.Fuzz(func(t *testing.T, query string, with bool) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if with {
			values.Set("state", flow.State())
		}
		code, err := flow.Code(values, Issuer{Name: "https://idp.example.org", Always: true})
		if (code == "") == (err == nil) || !with && err == nil {
			t.Fatalf("code %q, error %v", code, err)
		}
		_, message, _ := authenticator.Describe(err)
		if len([]rune(message)) > maxTold+200 || strings.ContainsAny(message, "\r\n\x00") {
			t.Errorf("message %q", message)
		}
	})
}

// endpoint is a token endpoint that answers as a test says.
func endpoint(t *testing.T, answer http.HandlerFunc) Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return Client{ID: "hub &", Secret: "s%cret", AuthorizeURL: server.URL + "/auth", TokenURL: server.URL + "/token", Scopes: []string{"a", "b"}, HTTP: NewHTTP()}
}

func TestLocation(t *testing.T) {
	f := Begin()
	client := Client{ID: "hub", AuthorizeURL: "https://idp.example.org/auth?tenant=1", Scopes: []string{"openid", "email"}}
	location, err := url.Parse(client.Location(f, "https://hub/cb", map[string]string{"prompt": "login"}))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"tenant": "1", "client_id": "hub", "response_type": "code", "redirect_uri": "https://hub/cb", "scope": "openid email",
		"state": f.State(), "prompt": "login", "code_challenge_method": "S256", "code_challenge": oauth2.S256ChallengeFromVerifier(f.Verifier()),
	} {
		if got := location.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if strings.Contains(location.String(), f.Verifier()) {
		t.Error("the verifier is in the address")
	}
	client.WithoutPKCE = true
	if strings.Contains(client.Location(f, "https://hub/cb", nil), "code_challenge") {
		t.Error("a challenge without PKCE")
	}
	for _, name := range reserved {
		if CheckParameters(map[string]string{name: "x"}) == nil {
			t.Errorf("%s can be set", name)
		}
	}
	if err := CheckParameters(map[string]string{"prompt": "x"}); err != nil {
		t.Error(err)
	}
}

// The secret goes where the provider wants it, and nowhere else.
func TestRedeem(t *testing.T) {
	f := Begin()
	for name, change := range map[string]func(*Client){
		"basic": func(*Client) {}, "post": func(c *Client) { c.TokenAuth = Post }, "public": func(c *Client) { c.Secret = "" },
	} {
		client := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
			user, password, basic := r.BasicAuth()
			inBody := r.FormValue("client_secret") == "s%cret"
			if basic != (name == "basic") || basic && (user != "hub+%26" || password != "s%25cret") || inBody != (name == "post") {
				t.Errorf("%s: Basic %v %q %q, form %v", name, basic, user, password, r.Form)
			}
			if r.FormValue("code_verifier") != f.Verifier() || r.FormValue("code") != "c" || r.FormValue("redirect_uri") != "https://hub/cb" {
				t.Errorf("%s: form %v", name, r.Form)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"at","token_type":"Bearer","refresh_token":"rt","id_token":"it"}`)
		})
		change(&client)
		token, err := client.Redeem(t.Context(), f, "https://hub/cb", "c")
		if err != nil || token.AccessToken != "at" || token.Extra("id_token") != "it" {
			t.Errorf("%s: %v, %v", name, token, err)
		}
	}
}

// What is about the person is a refusal, all else is trouble; neither repeats the
// answer's body.
func TestTokenErrors(t *testing.T) {
	refused := authenticator.ErrDenied
	for name, test := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"code is used up":      {400, `{"error":"invalid_grant","error_description":"SECRET"}`, refused},
		"GitHub's way":         {200, `{"error":"bad_verification_code"}`, refused},
		"GitHub's refresh":     {200, `{"error":"bad_refresh_token"}`, refused},
		"must log in again":    {400, `{"error":"interaction_required"}`, refused},
		"secret is wrong":      {401, `{"error":"invalid_client"}`, authenticator.ErrUnavailable},
		"hub may not":          {400, `{"error":"unauthorized_client"}`, authenticator.ErrUnavailable},
		"too many requests":    {429, `SECRET`, authenticator.ErrUnavailable},
		"broken":               {500, `<html>SECRET`, authenticator.ErrUnavailable},
		"forbidden by a proxy": {403, `<html>SECRET`, authenticator.ErrUnavailable},
		"no JSON":              {200, `SECRET`, authenticator.ErrUnavailable},
		"no token":             {200, `{"token_type":"SECRET"}`, authenticator.ErrUnavailable},
		"redirect":             {307, ``, authenticator.ErrUnavailable},
		"too long":             {200, `{"access_token":"` + strings.Repeat("x", MaxBody) + `"}`, authenticator.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			client := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/token" {
					t.Errorf("request to %s: a redirect was followed", r.URL.Path)
				}
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			_, redeemed := client.Redeem(t.Context(), Begin(), "https://hub/cb", "CODE")
			_, renewed := client.Renew(t.Context(), "REFRESH")
			for _, err := range []error{redeemed, renewed} {
				if !errors.Is(err, test.want) || errors.Is(err, refused) && test.want != refused {
					t.Errorf("error %v, want %v", err, test.want)
				}
				for _, secret := range []string{"SECRET", "CODE", "REFRESH", "s%cret"} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("%s is in %v", secret, err)
					}
				}
			}
		})
	}
	client := endpoint(t, nil)
	client.TokenURL = "http://127.0.0.1:1/token?secret=SECRET"
	if _, err := client.Redeem(t.Context(), Begin(), "", "c"); !errors.Is(err, authenticator.ErrUnavailable) || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("nobody there: %v", err)
	}
}

// A browser that goes away does not cost the refresh token that was on its way.
func TestRenewOutlivesItsRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		if r.FormValue("grant_type") != "refresh_token" || r.FormValue("refresh_token") != "old" {
			t.Errorf("form %v", r.Form)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"at","token_type":"Bearer","refresh_token":"new"}`)
	})
	token, err := client.Renew(ctx, "old")
	if err != nil || token.RefreshToken != "new" {
		t.Errorf("%v, %v", token, err)
	}
	if _, err := client.Renew(ctx, "new"); !errors.Is(err, context.Canceled) {
		t.Errorf("begun after it went: %v", err)
	}
}

// A provider that does not rotate refresh tokens sends none: the old one stays.
func TestRenewKeepsTheToken(t *testing.T) {
	client := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"at","token_type":"Bearer"}`)
	})
	if token, err := client.Renew(t.Context(), "old"); err != nil || token.RefreshToken != "old" {
		t.Errorf("%v, %v", token, err)
	}
}

func TestFetch(t *testing.T) {
	client := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer at" || !strings.HasPrefix(r.UserAgent(), "caddyhub/") {
			t.Errorf("header %v", r.Header)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "body")
	})
	answer, err := Fetch(t.Context(), client.HTTP, client.AuthorizeURL, "at")
	if err != nil || answer.Status != http.StatusTeapot || string(answer.Body) != "body" || answer.Type() != "application/json" {
		t.Errorf("%+v, %v", answer, err)
	}
	if err := answer.Unexpected("it"); !errors.Is(err, authenticator.ErrUnavailable) {
		t.Error(err)
	}
	for _, address := range []string{"http://127.0.0.1:1/?SECRET", "::SECRET"} {
		if _, err := Fetch(t.Context(), client.HTTP, address, "at"); !errors.Is(err, authenticator.ErrUnavailable) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", address, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Fetch(ctx, client.HTTP, client.AuthorizeURL, "at"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
