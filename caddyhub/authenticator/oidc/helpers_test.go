package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
)

const (
	callback     = "https://hub.example.org/hub/oauth_callback"
	clientID     = "hub"
	clientSecret = "a secret of the hub"
)

// provider is an OpenID provider that says what a test wants it to.
type idp struct {
	*httptest.Server
	key  *ecdsa.PrivateKey
	flow codeflow.Flow

	mu sync.Mutex // guards what follows
	// metadata and claims replace what it says of itself, and in an ID token; nil
	// takes a name out.
	metadata, claims map[string]any
	// sign makes the ID token; nil signs as it should.
	sign func(jwt.MapClaims) string
	// token answers at the token endpoint after the code was found good, or the
	// refresh token; nil as it should.
	token    func(w http.ResponseWriter, answer map[string]any)
	userinfo func(w http.ResponseWriter)
	asked    map[string]int // by path
	form     url.Values     // of the last token request
	refresh  string         // the refresh token that counts
}

func newIDP(t testing.TB) *idp {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &idp{key: key, flow: codeflow.Begin(), asked: map[string]int{}, metadata: map[string]any{}, claims: map[string]any{}, refresh: "rt-1"}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", p.answer(p.describe))
	mux.HandleFunc("/keys", p.answer(p.keys))
	mux.HandleFunc("/token", p.answer(p.tokens))
	mux.HandleFunc("/userinfo", p.answer(p.info))
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *idp) answer(with http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked[r.URL.Path]++
		w.Header().Set("Content-Type", "application/json")
		with(w, r)
	}
}

// change changes the provider while it runs.
func (p *idp) change(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
}

func (p *idp) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

func overlay(base, change map[string]any) map[string]any {
	maps.Copy(base, change)
	maps.DeleteFunc(base, func(_ string, value any) bool { return value == nil })
	return base
}

func (p *idp) describe(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(overlay(map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token",
		"jwks_uri": p.URL + "/keys", "userinfo_endpoint": p.URL + "/userinfo", "end_session_endpoint": p.URL + "/end?x=1",
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
	}, p.metadata))
}

func (p *idp) keys(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "k1", Use: "sig", Algorithm: "ES256"}}})
}

func (p *idp) tokens(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p.form = r.Form
	good := r.Form.Get("code") == "good" && r.Form.Get("code_verifier") == p.flow.Verifier() && r.Form.Get("redirect_uri") == callback ||
		r.Form.Get("refresh_token") == p.refresh
	if !good {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": "invalid_grant"})
		return
	}
	answer := map[string]any{
		"access_token": "at", "token_type": "Bearer", "expires_in": 3600, "scope": "openid email", "refresh_token": p.refresh, "id_token": p.idToken(),
	}
	if p.token != nil {
		p.token(w, answer)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (p *idp) idToken() string {
	told := jwt.MapClaims(overlay(map[string]any{
		"iss": p.URL, "sub": "s-1", "aud": clientID, "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"nonce": p.flow.Nonce(), "sid": "session-1", "preferred_username": "Ada", "groups": []string{"staff"},
		"email": "ada@example.org", "email_verified": true,
	}, p.claims))
	if p.sign != nil {
		return p.sign(told)
	}
	return p.signed(told)
}

func (p *idp) signed(told jwt.MapClaims) string { return signedBy(p.key, told) }

func signedBy(key *ecdsa.PrivateKey, told jwt.MapClaims) string {
	token := jwt.NewWithClaims(jwt.SigningMethodES256, told)
	token.Header["kid"] = "k1"
	text, err := token.SignedString(key)
	if err != nil {
		panic(err)
	}
	return text
}

func (p *idp) info(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer at" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if p.userinfo != nil {
		p.userinfo(w)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"sub": "s-1", "email": "ada@example.org", "email_verified": true, "teams": []string{"from userinfo"}})
}

// authenticator makes one for this provider.
func (p *idp) authenticator(t testing.TB, changes ...func(*Options)) *Authenticator {
	t.Helper()
	options := Options{
		Issuer: p.URL, ClientID: clientID, ClientSecret: clientSecret,
		Claims: claims.Mapping{Username: "preferred_username", Groups: "groups"},
	}
	for _, change := range changes {
		change(&options)
	}
	a, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// attempt is the answer of the provider, as a browser brings it.
func (p *idp) attempt(pairs ...string) authenticator.Attempt {
	query := url.Values{"code": {"good"}, "state": {p.flow.State()}}
	for i := 0; i < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return authenticator.Attempt{
		Request: httptest.NewRequest(http.MethodGet, callback+"?"+query.Encode(), nil), Callback: callback, Flow: p.flow.Bytes(),
	}
}
