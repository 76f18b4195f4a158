package externalcookie

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/authenticatortest"
	"github.com/caddyhub/caddyhub/caddyhub/jwks"
)

const cookie = "org-id-token"

// site answers about cookies: "good-NAME" is that of NAME, "renewed-NAME" too, with
// a new token; a number is the status of the answer, and "raw:..." is its body.
func site(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Cookies()) != 1 || r.Header.Get("Authorization") != "" {
			t.Errorf("the site was sent %v", r.Header)
		}
		given, _ := r.Cookie(cookie)
		kind, rest, _ := strings.Cut(given.Value, "-")
		switch kind {
		case "good":
			_, _ = io.WriteString(w, `{"name": "`+rest+`", "groups": ["staff"], "boss": "true", "expires": 17.50}`)
		case "renewed":
			_, _ = io.WriteString(w, `{"name": "`+rest+`", "groups": ["staff"], "token": "good-`+rest+`"}`)
		case "raw":
			_, _ = io.WriteString(w, map[string]string{
				"list": `[]`, "nothing": ``, "nameless": `{}`, "number": `{"name": {}}`, "inactive": `{"name": "ada", "active": false}`,
				"odd": `{"name": "ada", "active": 1}`, "groups": `{"name": "ada", "groups": {}}`, "two": `{"name": "ada"}{}`,
				"long": `{"name": "ada", "x": "` + strings.Repeat("x", maxAnswer) + `"}`,
			}[rest])
		case "302":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		default:
			status, err := strconv.Atoi(kind)
			if err != nil {
				status = http.StatusUnauthorized // nobody's cookie
			}
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/verify"
}

func newAuthenticator(t testing.TB, change func(*Options)) *Authenticator {
	t.Helper()
	options := Options{Cookie: cookie, Fields: Fields{Groups: "groups", Token: "token"}}
	if change != nil {
		change(&options)
	}
	if options.VerifyURL == "" && options.Tokens == nil {
		options.VerifyURL = site(t)
	}
	a, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// request is one with cookies of these values, among others.
func request(values ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/hub/login", nil)
	r.AddCookie(&http.Cookie{Name: "caddyhub-session", Value: "secret"})
	for _, value := range values {
		r.AddCookie(&http.Cookie{Name: cookie, Value: value})
	}
	return r
}

func TestContract(t *testing.T) {
	authenticatortest.Run(t, authenticatortest.Subject{
		New:         func(t *testing.T) authenticator.Authenticator { return newAuthenticator(t, nil) },
		Good:        authenticator.Attempt{Request: request("good-ada")},
		Identity:    authenticator.Identity{Name: "ada", Groups: []string{"staff"}},
		AnyPassword: true,
		Broken: func(t *testing.T) authenticator.Authenticator {
			return newAuthenticator(t, func(o *Options) { o.VerifyURL = "http://127.0.0.1:1/" })
		},
	})
}

// What the site may answer, and what that means: yes, no or nothing.
func TestAnswers(t *testing.T) {
	a := newAuthenticator(t, nil)
	for value, want := range map[string]error{
		"good-ada": nil, "renewed-ada": nil,
		"401": authenticator.ErrDenied, "403": authenticator.ErrDenied,
		"raw-inactive": authenticator.ErrDenied, "raw-odd": authenticator.ErrDenied,
		"302": authenticator.ErrUnavailable, "400": authenticator.ErrUnavailable, "404": authenticator.ErrUnavailable,
		"429": authenticator.ErrUnavailable, "500": authenticator.ErrUnavailable, "503": authenticator.ErrUnavailable,
		"raw-list": authenticator.ErrUnavailable, "raw-nothing": authenticator.ErrUnavailable, "raw-two": authenticator.ErrUnavailable,
		"raw-nameless": authenticator.ErrUnavailable, "raw-number": authenticator.ErrUnavailable,
		"raw-groups": authenticator.ErrUnavailable, "raw-long": authenticator.ErrUnavailable,
	} {
		identity, err := a.Authenticate(t.Context(), authenticator.Attempt{Request: request(value)})
		if !errors.Is(err, want) || (identity == nil) != (want != nil) {
			t.Errorf("%s: %v, %v; want %v", value, identity, err, want)
		}
		refreshed, err := a.Refresh(t.Context(), "ada", nil, request(value))
		switch {
		case errors.Is(want, authenticator.ErrUnavailable):
			if !errors.Is(err, want) {
				t.Errorf("refresh by %s: %v, %v", value, refreshed, err)
			}
		case err != nil || (refreshed.Outcome == authenticator.LoginAgain) != (want != nil):
			t.Errorf("refresh by %s: %v, %v", value, refreshed, err)
		}
	}
}

// None and several cookies log nobody in; the form says nothing.
func TestNobody(t *testing.T) {
	a := newAuthenticator(t, nil)
	form := map[string]string{"username": "ada", cookie: "good-ada"}
	for name, attempt := range map[string]authenticator.Attempt{
		"no request": {Form: form},
		"no cookie":  {Form: form, Request: request()},
		"empty":      {Request: request("")},
		"too long":   {Request: request("good-" + strings.Repeat("a", maxValue))},
		"several":    {Request: request("good-ada", "good-mallory")},
	} {
		if identity, err := a.Authenticate(t.Context(), attempt); identity != nil || !errors.Is(err, authenticator.ErrDenied) {
			t.Errorf("%s: %v, %v", name, identity, err)
		}
	}
	if _, err := a.Authenticate(t.Context(), authenticator.Attempt{Request: request("good-ada", "good-ada")}); err != nil {
		t.Errorf("twice the same: %v", err)
	}
}

// A refresh goes by the cookie of the request, else by the one that is known.
func TestRefresh(t *testing.T) {
	known := func(token string) json.RawMessage {
		text, _ := json.Marshal(state{Token: token, Name: "Ada", Groups: []string{"staff"}})
		return text
	}
	for name, test := range map[string]struct {
		state   json.RawMessage
		shown   *http.Request
		without bool
		want    authenticator.Outcome
		token   string
		err     error
	}{
		"the same":                       {state: known("good-Ada"), shown: request("good-Ada"), want: authenticator.Fresh},
		"another value":                  {state: known("old"), shown: request("good-Ada"), want: authenticator.Changed, token: "good-Ada"},
		"a new token":                    {state: known("old"), shown: request("renewed-Ada"), want: authenticator.Changed, token: "good-Ada"},
		"ended":                          {state: known("good-Ada"), shown: request("401"), want: authenticator.LoginAgain},
		"of somebody else":               {state: known("good-Ada"), shown: request("good-mallory"), want: authenticator.LoginAgain},
		"beside one of somebody else":    {state: known("good-Ada"), shown: request("good-mallory", "good-Ada"), want: authenticator.Fresh},
		"not sent, still good":           {state: known("good-Ada"), shown: request(), want: authenticator.Fresh},
		"not sent, ended":                {state: known("401"), shown: request(), want: authenticator.LoginAgain},
		"not sent, and that ends it":     {state: known("good-Ada"), shown: request(), without: true, want: authenticator.LoginAgain},
		"without a browser":              {state: known("good-Ada"), without: true, want: authenticator.Fresh},
		"without a browser, ended":       {state: known("401"), want: authenticator.LoginAgain},
		"nothing known, nothing shown":   {shown: request(), want: authenticator.LoginAgain},
		"nothing known, without browser": {err: authenticator.ErrUnavailable},
		"state of somebody's own":        {state: json.RawMessage(`[1]`), shown: request("good-ADA"), want: authenticator.Changed, token: "good-ADA"},
		"in trouble":                     {state: known("good-Ada"), shown: request("503"), err: authenticator.ErrUnavailable},
		"one in trouble, one no":         {state: known("good-Ada"), shown: request("401", "503"), err: authenticator.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthenticator(t, func(o *Options) { o.LogoutWithoutCookie = test.without })
			refreshed, err := a.Refresh(t.Context(), "ada", test.state, test.shown)
			if !errors.Is(err, test.err) || refreshed.Outcome != test.want {
				t.Fatalf("%+v, %v", refreshed, err)
			}
			if test.want != authenticator.Changed {
				return
			}
			if kept := readState(refreshed.Identity.AuthState); kept.Token != test.token {
				t.Errorf("kept %+v", kept)
			}
		})
	}
}

// Fields go where they are mapped to; what is kept reaches a server as a variable.
func TestFields(t *testing.T) {
	a := newAuthenticator(t, func(o *Options) {
		o.Fields = Fields{Name: "name", Admin: "boss", AuthState: []string{"expires", "missing"}}
		o.Environment = "ORG_TOKEN"
	})
	identity, err := a.Authenticate(t.Context(), authenticator.Attempt{Request: request("good-ada")})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"token":"good-ada","name":"ada","groups":null,"admin":true,"fields":{"expires":17.50}}`
	if string(identity.AuthState) != want || identity.Groups != nil || !*identity.Admin {
		t.Errorf("%+v, %s", identity, identity.AuthState)
	}
	variables, err := a.PreSpawn(t.Context(), authenticator.ServerUse{User: "ada", AuthState: identity.AuthState})
	if diff := cmp.Diff(map[string]string{"ORG_TOKEN": "good-ada"}, variables); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if variables, err := a.PreSpawn(t.Context(), authenticator.ServerUse{}); variables != nil || err != nil {
		t.Errorf("without auth state: %v, %v", variables, err)
	}
}

// A token that verifies itself ends with its time, but one that only was kept here
// may have a successor that no browser has shown yet.
func TestTokens(t *testing.T) {
	secret := []byte(strings.Repeat("s", 32))
	token := func(name string, lifetime time.Duration) string {
		made, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"name": name, "aud": "hub", "exp": time.Now().Add(lifetime).Unix(),
		}).SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	verifier, err := jwks.New(jwks.Options{Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	a := newAuthenticator(t, func(o *Options) { o.Tokens, o.Expected = verifier, jwks.Expected{Audience: "hub"} })
	good, expired := token("ada", time.Hour), token("ada", -time.Hour)
	identity, err := a.Authenticate(t.Context(), authenticator.Attempt{Request: request(good)})
	if err != nil || identity.Name != "ada" {
		t.Fatalf("%v, %v", identity, err)
	}
	for _, bad := range []string{expired, good[:len(good)-2], "x"} {
		if _, err := a.Authenticate(t.Context(), authenticator.Attempt{Request: request(bad)}); !errors.Is(err, authenticator.ErrDenied) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	kept, _ := json.Marshal(state{Token: expired, Name: "ada"})
	for name, test := range map[string]struct {
		shown *http.Request
		want  authenticator.Outcome
		err   error
	}{
		"a newer one is shown":   {request(good), authenticator.Changed, nil},
		"the expired is shown":   {request(expired), authenticator.LoginAgain, nil},
		"none is shown":          {request(), authenticator.LoginAgain, authenticator.ErrUnavailable},
		"there is nobody to ask": {nil, authenticator.LoginAgain, authenticator.ErrUnavailable},
	} {
		if refreshed, err := a.Refresh(t.Context(), "ada", kept, test.shown); refreshed.Outcome != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %+v, %v", name, refreshed, err)
		}
	}
}

// A site that does not answer is given up, and that is nobody's fault.
func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	a := newAuthenticator(t, func(o *Options) { o.VerifyURL, o.Timeout = server.URL, 20*time.Millisecond })
	if _, err := a.Authenticate(context.Background(), authenticator.Attempt{Request: request("x")}); !errors.Is(err, authenticator.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestAddresses(t *testing.T) {
	a := newAuthenticator(t, func(o *Options) {
		o.LoginURL, o.LoginParameter, o.LogoutURL = "https://login.example.org/?site=hub", "back", "https://login.example.org/out"
	})
	if got := a.LoginURL("https://hub.example.org/hub/login?next=%2Fx"); got !=
		"https://login.example.org/?back=https%3A%2F%2Fhub.example.org%2Fhub%2Flogin%3Fnext%3D%252Fx&site=hub" {
		t.Error(got)
	}
	if got, err := a.LogoutURL(t.Context(), nil); got != "https://login.example.org/out" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if got := newAuthenticator(t, nil).LoginURL("https://hub.example.org/"); got != "" {
		t.Errorf("without a login_url: %s", got)
	}
}

func TestOptions(t *testing.T) {
	verifier, err := jwks.New(jwks.Options{Secret: []byte(strings.Repeat("s", 32))})
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string]Options{
		"no cookie":     {VerifyURL: "https://login.example.org/"},
		"impossible":    {Cookie: "a b", VerifyURL: "https://login.example.org/"},
		"nobody to ask": {Cookie: "c"},
		"two ways":      {Cookie: "c", VerifyURL: "https://login.example.org/", Tokens: verifier},
		"no URL":        {Cookie: "c", VerifyURL: "login.example.org"},
		"a scheme":      {Cookie: "c", Tokens: verifier, LoginURL: "javascript:alert(1)"},
		"a password":    {Cookie: "c", Tokens: verifier, LogoutURL: "https://a:b@login.example.org/"},
	} {
		if _, err := New(options); err == nil || strings.Contains(err.Error(), "a:b") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever stands in auth state, nothing but a token comes out of it.
func FuzzReadState(f *testing.F) {
	f.Add([]byte(`{"token":"x","name":"ada","groups":["a"],"admin":true,"fields":{"a":1}}`))
	f.Add([]byte(`{"token":1}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		known := readState(raw)
		if !json.Valid(raw) && (known.Token != "" || known.Name != "") {
			t.Errorf("%q gave %+v", raw, known)
		}
	})
}
