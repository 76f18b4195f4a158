package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/authenticatortest"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
)

func TestContract(t *testing.T) {
	p, gone := newIDP(t), newIDP(t)
	gone.Close()
	authenticatortest.Run(t, authenticatortest.Subject{
		New:  func(t *testing.T) authenticator.Authenticator { return p.authenticator(t) },
		Good: p.attempt(),
		Identity: authenticator.Identity{
			Name: "Ada", Groups: []string{"staff"}, External: authenticator.ExternalLogin{Subject: "s-1", Session: "session-1"},
		},
		Broken: func(t *testing.T) authenticator.Authenticator { return gone.authenticator(t) },
	})
}

// A login goes through: what is asked for, what is kept.
func TestLogin(t *testing.T) {
	p := newIDP(t)
	a := p.authenticator(t, func(o *Options) {
		o.Scopes, o.Parameters = []string{"email"}, map[string]string{"prompt": "select_account"}
	})
	location, kept, err := a.Redirect(t.Context(), nil, callback)
	if err != nil {
		t.Fatal(err)
	}
	flow, ok := codeflow.Resume(kept)
	sent, err := url.Parse(location)
	if err != nil || !ok || !strings.HasPrefix(location, p.URL+"/auth?") {
		t.Fatalf("%s, %v", location, err)
	}
	for name, want := range map[string]string{
		"scope": "openid email", "nonce": flow.Nonce(), "state": flow.State(), "prompt": "select_account",
		"redirect_uri": callback, "code_challenge_method": "S256",
	} {
		if got := sent.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	identity, err := a.Authenticate(t.Context(), p.attempt())
	if err != nil {
		t.Fatal(err)
	}
	var state map[string]any
	if err := json.Unmarshal(identity.AuthState, &state); err != nil {
		t.Fatal(err)
	}
	user, _ := state["oauth_user"].(map[string]any)
	if state["access_token"] != "at" || state["refresh_token"] != "rt-1" || user["sub"] != "s-1" ||
		cmp.Diff([]any{"openid", "email"}, state["scope"]) != "" || state["id_token"] == nil {
		t.Errorf("auth state %v", state)
	}
}

// forged are ID tokens that must let nobody in.
func forged(p *idp) map[string]func(jwt.MapClaims) string {
	with := func(name string, value any) func(jwt.MapClaims) string {
		return func(told jwt.MapClaims) string {
			if told[name] = value; value == nil {
				delete(told, name)
			}
			return p.signed(told)
		}
	}
	part := func(value any) string {
		text, _ := json.Marshal(value)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return map[string]func(jwt.MapClaims) string{
		"issuer of another":     with("iss", "https://evil.example"),
		"issuer with a slash":   with("iss", p.URL+"/"),
		"no issuer":             with("iss", nil),
		"audience of another":   with("aud", "other"),
		"no audience":           with("aud", nil),
		"several, no party":     with("aud", []string{clientID, "other"}),
		"party of another":      with("azp", "other"),
		"party is no text":      with("azp", 1),
		"expired":               with("exp", time.Now().Add(-2*time.Minute).Unix()),
		"never expires":         with("exp", nil),
		"from the future":       with("iat", time.Now().Add(time.Hour).Unix()),
		"not yet":               with("nbf", time.Now().Add(time.Hour).Unix()),
		"nonce of another":      with("nonce", codeflow.Begin().Nonce()),
		"empty nonce":           with("nonce", ""),
		"no nonce":              with("nonce", nil),
		"nonce is no text":      with("nonce", []string{p.flow.Nonce()}),
		"no subject":            with("sub", nil),
		"long subject":          with("sub", strings.Repeat("s", 256)),
		"hash of another token": with("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
		"empty hash":            with("at_hash", ""),
		"algorithm none": func(told jwt.MapClaims) string {
			return part(map[string]string{"alg": "none"}) + "." + part(told) + "."
		},
		"algorithm None": func(told jwt.MapClaims) string {
			return part(map[string]string{"alg": "None"}) + "." + part(told) + "."
		},
		"no algorithm, signature": func(told jwt.MapClaims) string {
			return part(map[string]string{"alg": "none"}) + "." + part(told) + ".AAAA"
		},
		"signature cut off":        func(told jwt.MapClaims) string { s := p.signed(told); return s[:strings.LastIndexByte(s, '.')+1] },
		"signature of other words": func(told jwt.MapClaims) string { s := p.signed(told); return s[:len(s)-4] + "AAAA" },
		"HMAC by the public key": func(told jwt.MapClaims) string {
			der, _ := x509.MarshalPKIXPublicKey(p.key.Public())
			token := jwt.NewWithClaims(jwt.SigningMethodHS256, told)
			token.Header["kid"] = "k1"
			text, _ := token.SignedString(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
			return text
		},
		"HMAC by the client secret": func(told jwt.MapClaims) string {
			text, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, told).SignedString([]byte(clientSecret))
			return text
		},
		"signed by somebody": func(told jwt.MapClaims) string {
			key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			return signedBy(key, told)
		},
		"key of its own choice": func(told jwt.MapClaims) string {
			token := jwt.NewWithClaims(jwt.SigningMethodES256, told)
			key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			token.Header["jku"] = "http://127.0.0.1:1/keys"
			text, _ := token.SignedString(key)
			return text
		},
		"no token": func(jwt.MapClaims) string { return "garbage" },
	}
}

func TestForgedTokens(t *testing.T) {
	p := newIDP(t)
	a := p.authenticator(t)
	for name, sign := range forged(p) {
		p.change(func() { p.sign = sign })
		identity, err := a.Authenticate(t.Context(), p.attempt())
		if status, _, _ := authenticator.Describe(err); identity != nil || !errors.Is(err, authenticator.ErrDenied) || status != 403 {
			t.Errorf("%s: identity %v, %d, %v", name, identity, status, err)
		}
	}
	hash := accessTokenHash(p.signed(jwt.MapClaims{}), "at")
	for name, claims := range map[string]map[string]any{
		"azp, one audience": {"azp": clientID}, "azp, several": {"azp": clientID, "aud": []string{"x", clientID}},
		"hash": {"at_hash": hash}, "no session": {"sid": nil}, "a minute slow": {"exp": time.Now().Add(-30 * time.Second).Unix()},
	} {
		p.change(func() { p.sign, p.claims = nil, claims })
		if _, err := a.Authenticate(t.Context(), p.attempt()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// accessTokenHash against the example of OpenID Connect Core, appendix A.3, whose ID
// token is signed by RS256.
func TestAccessTokenHash(t *testing.T) {
	header := func(algorithm string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+algorithm+`"}`)) + ".x.y"
	}
	const accessToken = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	if got := accessTokenHash(header("RS256"), accessToken); got != "77QmUPtjPfzWtF2AnpK9RQ" {
		t.Errorf("RS256: %q", got)
	}
	for algorithm, length := range map[string]int{"ES384": 32, "PS512": 43, "EdDSA": 43, "none": 0, "": 0, "RS1": 0} {
		if got := accessTokenHash(header(algorithm), accessToken); len(got) != length {
			t.Errorf("%s: %q", algorithm, got)
		}
	}
	if got := accessTokenHash("garbage", accessToken); got != "" {
		t.Errorf("garbage: %q", got)
	}
}

// What a browser brings is judged before the provider is asked for tokens.
func TestAnswers(t *testing.T) {
	p := newIDP(t)
	p.metadata["authorization_response_iss_parameter_supported"] = true
	a := p.authenticator(t)
	for name, test := range map[string]struct {
		attempt authenticator.Attempt
		status  int
	}{
		"state of another":  {p.attempt("state", codeflow.Begin().State(), "iss", p.URL), 400},
		"no issuer":         {p.attempt(), 400},
		"issuer of another": {p.attempt("iss", "https://evil.example"), 400},
		"cancelled":         {p.attempt("iss", p.URL, "error", "access_denied"), 403},
		"no flow":           {authenticator.Attempt{Request: p.attempt("iss", p.URL).Request, Callback: callback}, 403},
		"no request":        {authenticator.Attempt{Flow: p.flow.Bytes(), Callback: callback}, 403},
	} {
		_, err := a.Authenticate(t.Context(), test.attempt)
		if status, _, _ := authenticator.Describe(err); status != test.status || p.count("/token") != 0 {
			t.Errorf("%s: %d %v, asked for tokens %d times", name, status, err, p.count("/token"))
		}
	}
	used := p.attempt("iss", p.URL, "code", "used")
	if _, err := a.Authenticate(t.Context(), used); !errors.Is(err, authenticator.ErrDenied) {
		t.Errorf("a code that is used up: %v", err)
	}
	elsewhere := p.attempt("iss", p.URL)
	elsewhere.Callback = "https://evil.example/cb"
	if _, err := a.Authenticate(t.Context(), elsewhere); !errors.Is(err, authenticator.ErrDenied) {
		t.Errorf("another callback: %v", err)
	}
}

// Trouble of the provider is no refusal.
func TestTrouble(t *testing.T) {
	html := func(w http.ResponseWriter, _ map[string]any) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<html>")
	}
	for name, change := range map[string]func(*idp){
		"token endpoint broken": func(p *idp) { p.token = html },
		"no ID token": func(p *idp) {
			p.token = func(w http.ResponseWriter, answer map[string]any) {
				delete(answer, "id_token")
				_ = json.NewEncoder(w).Encode(answer)
			}
		},
		"no keys":              func(p *idp) { p.metadata["jwks_uri"] = p.URL + "/nothing" },
		"metadata of another":  func(p *idp) { p.metadata["issuer"] = "https://evil.example" },
		"metadata incomplete":  func(p *idp) { p.metadata["token_endpoint"] = nil },
		"metadata with a file": func(p *idp) { p.metadata["jwks_uri"] = "file:///etc/passwd" },
		"userinfo broken":      func(p *idp) { p.userinfo = func(w http.ResponseWriter) { w.WriteHeader(500) } },
		"userinfo is HTML":     func(p *idp) { p.userinfo = func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") } },
	} {
		p := newIDP(t)
		change(p)
		a := p.authenticator(t, func(o *Options) { o.UserInfo = true })
		identity, err := a.Authenticate(t.Context(), p.attempt())
		if status, _, _ := authenticator.Describe(err); identity != nil || status != 503 || strings.Contains(err.Error(), "<html>") {
			t.Errorf("%s: identity %v, %d, %v", name, identity, status, err)
		}
	}
}

func TestUserInfo(t *testing.T) {
	use := func(o *Options) { o.UserInfo, o.Claims.Groups = true, "teams" }
	for name, test := range map[string]struct {
		info   string
		groups []string
		denied bool
	}{
		"on top":                        {`{"sub":"s-1","teams":["a"]}`, []string{"a"}, false},
		"of somebody else":              {`{"sub":"s-2","teams":["a"]}`, nil, true},
		"of nobody":                     {`{"teams":["a"]}`, nil, true},
		"cannot change who signed":      {`{"sub":"s-1","iss":"x","sid":"other","teams":["b"]}`, []string{"b"}, false},
		"another address, not verified": {`{"sub":"s-1","email":"root@example.org"}`, nil, true},
	} {
		p := newIDP(t)
		p.userinfo = func(w http.ResponseWriter) { _, _ = io.WriteString(w, test.info) }
		a := p.authenticator(t, use, func(o *Options) { o.Claims.Domains = []string{"example.org"} })
		identity, err := a.Authenticate(t.Context(), p.attempt())
		if errors.Is(err, authenticator.ErrDenied) != test.denied || (identity == nil) != test.denied {
			t.Errorf("%s: %v, %v", name, identity, err)
		} else if identity != nil && (cmp.Diff(test.groups, identity.Groups) != "" || identity.External.Session != "session-1") {
			t.Errorf("%s: %+v", name, identity)
		}
	}
}

func TestMistakes(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"issuer must":               func(o *Options) { o.Issuer = "idp.example.org" },
		"issuer must be":            func(o *Options) { o.Issuer = "https://idp.example.org/?x=1" },
		"client_id is empty":        func(o *Options) { o.ClientID = "" },
		"token_auth is neither":     func(o *Options) { o.TokenAuth = "jwt" },
		"needs provider_logout":     func(o *Options) { o.PostLogoutRedirectURI = "https://hub.example.org/" },
		"exclude each other":        func(o *Options) { o.ProviderLogout, o.LogoutRedirectURL = true, "https://x.example" },
		`"nonce" is set by the hub`: func(o *Options) { o.Parameters = map[string]string{"nonce": "x"} },
		"user name is empty":        func(o *Options) { o.Claims.Username = "" },
	} {
		p := Options{Issuer: "https://idp.example.org", ClientID: "hub"}
		p.Claims.Username = "email"
		if _, err := New(p); err != nil {
			t.Fatal(err)
		}
		change(&p)
		if _, err := New(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"without encryption": func(o *Options) { o.Issuer = "http://idp.example.org" },
		"people choose it":   func(o *Options) { o.Claims.Username = "nickname" },
	} {
		a := newIDP(t).authenticator(t, change)
		if warnings := a.Warnings(authenticator.Rules{}); len(warnings) != 1 || !strings.Contains(warnings[0], want) {
			t.Errorf("warnings %q, want %q", warnings, want)
		}
	}
	if warnings := newIDP(t).authenticator(t).Warnings(authenticator.Rules{}); len(warnings) != 0 {
		t.Errorf("warnings %q", warnings)
	}
}

func TestPrompt(t *testing.T) {
	a := newIDP(t).authenticator(t, func(o *Options) { o.Issuer = "https://idp.example.org/realms/main" })
	if got := a.Prompt().Service; got != "idp.example.org" || a.AutoLogin() {
		t.Errorf("service %q", got)
	}
	a = newIDP(t).authenticator(t, func(o *Options) { o.Service, o.AutoLogin = "Example", true })
	if got := a.Prompt().Service; got != "Example" || !a.AutoLogin() {
		t.Errorf("service %q", got)
	}
}
