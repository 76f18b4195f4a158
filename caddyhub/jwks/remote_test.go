package jwks

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// publisher is a key set at a URL and a clock.
type publisher struct {
	*httptest.Server
	mu      sync.Mutex
	body    string
	status  int
	fetches int
	now     time.Time
	log     bytes.Buffer
}

func publish(t *testing.T, keys ...jose.JSONWebKey) *publisher {
	t.Helper()
	p := &publisher{status: http.StatusOK, now: start, body: encodeJSON(jose.JSONWebKeySet{Keys: keys})}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.fetches++
		w.WriteHeader(p.status)
		w.Write([]byte(p.body))
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) verifier(t *testing.T) *Verifier {
	t.Helper()
	return verifier(t, Options{
		URL: p.URL, Log: slog.New(slog.NewTextHandler(&p.log, nil)), MaxStale: time.Hour,
		Now: func() time.Time { p.mu.Lock(); defer p.mu.Unlock(); return p.now },
	})
}

func (p *publisher) change(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func webKey(id string, key crypto.PublicKey) jose.JSONWebKey {
	return jose.JSONWebKey{KeyID: id, Key: key, Use: "sig"}
}

// tokenAt is ada's, valid for a minute around the publisher's time.
func (p *publisher) token(t *testing.T, id string, method jwt.SigningMethod, key any) string {
	t.Helper()
	var now time.Time
	p.change(func() { now = p.now })
	header := claims{"kid": id}
	if id == "" {
		header = nil
	}
	return sign(t, method, key, lasting(claims{"iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}), header)
}

func TestKeySet(t *testing.T) {
	p := publish(t, webKey("a", &ecKey().PublicKey), webKey("b", edKey().Public()), webKey("c", &rsaKey().PublicKey))
	v := p.verifier(t)
	for name, test := range map[string]struct {
		id     string
		method jwt.SigningMethod
		key    any
		want   error
	}{
		"by name":              {"a", jwt.SigningMethodES256, ecKey(), nil},
		"another by name":      {"b", jwt.SigningMethodEdDSA, edKey(), nil},
		"no name":              {"", jwt.SigningMethodRS256, rsaKey(), nil},
		"the name of another":  {"b", jwt.SigningMethodES256, ecKey(), ErrInvalid},
		"secret by name":       {"c", jwt.SigningMethodHS256, pemOf(t, &rsaKey().PublicKey), ErrInvalid},
		"name of nobody":       {"z", jwt.SigningMethodES256, ecKey(), ErrInvalid},
		"name that is no name": {"../../a", jwt.SigningMethodES256, ecKey(), ErrInvalid},
	} {
		if _, err := v.Verify(t.Context(), p.token(t, test.id, test.method, test.key), expected()); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if p.fetches != 1 {
		t.Errorf("%d fetches within the pause, want 1", p.fetches)
	}
}

// TestKeysChange has the life of a key: published, used, withdrawn.
func TestKeysChange(t *testing.T) {
	p := publish(t, webKey("old", &ecKey().PublicKey))
	v := p.verifier(t)
	verify := func(id string, method jwt.SigningMethod, key any) error {
		_, err := v.Verify(t.Context(), p.token(t, id, method, key), expected())
		return err
	}
	if err := verify("old", jwt.SigningMethodES256, ecKey()); err != nil {
		t.Fatal(err)
	}
	p.change(func() {
		p.body = encodeJSON(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{webKey("old", &ecKey().PublicKey), webKey("new", edKey().Public())}})
		p.now = p.now.Add(pause)
	})
	if err := verify("new", jwt.SigningMethodEdDSA, edKey()); err != nil {
		t.Errorf("a new key is not found: %v", err)
	}
	p.change(func() {
		p.body = encodeJSON(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{webKey("new", edKey().Public())}})
	})
	if err := verify("old", jwt.SigningMethodES256, ecKey()); err != nil {
		t.Errorf("a key that is fresh is read again: %v", err)
	}
	p.change(func() { p.now = p.now.Add(fresh + time.Second) })
	if err := verify("old", jwt.SigningMethodES256, ecKey()); !errors.Is(err, ErrInvalid) {
		t.Errorf("a withdrawn key still verifies: %v", err)
	}
}

func TestKeySetIsDown(t *testing.T) {
	p := publish(t, webKey("a", &ecKey().PublicKey))
	p.status = http.StatusBadGateway
	v := p.verifier(t)
	verify := func() error {
		_, err := v.Verify(t.Context(), p.token(t, "a", jwt.SigningMethodES256, ecKey()), expected())
		return err
	}
	for range 3 {
		if err := verify(); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrInvalid) {
			t.Errorf("never read: %v, want ErrUnavailable", err)
		}
	}
	if p.fetches != 1 {
		t.Errorf("%d fetches within the pause, want 1", p.fetches)
	}
	p.change(func() { p.status, p.now = http.StatusOK, p.now.Add(pause) })
	if err := verify(); err != nil {
		t.Errorf("up again: %v", err)
	}
	p.change(func() { p.status, p.now = http.StatusInternalServerError, p.now.Add(time.Hour) })
	if err := verify(); err != nil {
		t.Errorf("down for as long as keys may be stale: %v", err)
	}
	if _, err := v.Verify(t.Context(), p.token(t, "z", jwt.SigningMethodES256, ecKey()), expected()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a key that may be new while the set is down: %v, want ErrUnavailable", err)
	}
	p.change(func() { p.now = p.now.Add(time.Second) })
	if err := verify(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("down for longer: %v, want ErrUnavailable", err)
	}
	if !strings.Contains(p.log.String(), "the answer is 500") {
		t.Errorf("the operator reads %q", p.log.String())
	}
}

func TestAnswersThatAreNoKeySet(t *testing.T) {
	ec := string(must(webKey("a", &ecKey().PublicKey).MarshalJSON()))
	private := string(must(jose.JSONWebKey{Key: ecKey(), KeyID: "a"}.MarshalJSON()))
	for name, body := range map[string]string{
		"HTML":        "<html>",
		"no keys":     "{}",
		"huge":        `{"keys":[` + ec + `]}` + strings.Repeat(" ", maxSet),
		"many":        `{"keys":[` + strings.Repeat(ec+",", maxKeys) + ec + `]}`,
		"a secret":    `{"keys":[{"kty":"oct","kid":"a","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}`,
		"private":     `{"keys":[` + private + `]}`,
		"encryption":  `{"keys":[` + strings.Replace(ec, `"sig"`, `"enc"`, 1) + `]}`,
		"another alg": `{"keys":[` + strings.Replace(ec, `{`, `{"alg":"HS256",`, 1) + `]}`,
		"no point":    `{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`,
	} {
		p := publish(t)
		p.body = body
		_, err := p.verifier(t).Verify(t.Context(), p.token(t, "a", jwt.SigningMethodES256, ecKey()), expected())
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", name, err)
		}
	}
}

func TestKeysForOthersAreSkipped(t *testing.T) {
	p := publish(t)
	p.body = `{"keys":[{"kty":"XYZ"},7,{"kty":"RSA","n":"AQAB","e":"AQAB"},` + string(must(webKey("a", &ecKey().PublicKey).MarshalJSON())) + `]}`
	if _, err := p.verifier(t).Verify(t.Context(), p.token(t, "a", jwt.SigningMethodES256, ecKey()), expected()); err != nil {
		t.Error(err)
	}
}

// A client that hangs up ends its own request and not the fetch that others wait for.
func TestFetchOutlivesTheClient(t *testing.T) {
	p := publish(t, webKey("a", &ecKey().PublicKey))
	v := p.verifier(t)
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	token := p.token(t, "a", jwt.SigningMethodES256, ecKey())
	if _, err := v.Verify(gone, token, expected()); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("of the client that hung up: %v", err)
	}
	if _, err := v.Verify(t.Context(), token, expected()); err != nil {
		t.Errorf("after a client that hung up: %v", err)
	}
}

func TestManyAskOnce(t *testing.T) {
	p := publish(t, webKey("a", &ecKey().PublicKey))
	v := p.verifier(t)
	token := p.token(t, "a", jwt.SigningMethodES256, ecKey())
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if _, err := v.Verify(t.Context(), token, expected()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if p.fetches != 1 {
		t.Errorf("%d fetches, want 1", p.fetches)
	}
}

func TestRedirectElsewhereIsNotFollowed(t *testing.T) {
	p := publish(t, webKey("a", &ecKey().PublicKey))
	front := httptest.NewServer(http.RedirectHandler(p.URL, http.StatusFound))
	defer front.Close()
	v := verifier(t, Options{URL: front.URL})
	if _, err := v.Verify(t.Context(), p.token(t, "a", jwt.SigningMethodES256, ecKey()), expected()); !errors.Is(err, ErrUnavailable) || p.fetches != 0 {
		t.Errorf("%v after %d fetches, want ErrUnavailable and none", err, p.fetches)
	}
}

func TestPlainHTTPIsWarnedOf(t *testing.T) {
	for url, warned := range map[string]bool{
		"http://keys.example.org/": true, "https://keys.example.org/": false, "http://127.0.0.1:1/": false, "http://localhost/": false,
	} {
		var log bytes.Buffer
		verifier(t, Options{URL: url, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if got := strings.Contains(log.String(), "encryption"); got != warned {
			t.Errorf("%s: warned %v, want %v", url, got, warned)
		}
	}
}
