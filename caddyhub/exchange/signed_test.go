package exchange

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/caddyhub/caddyhub/caddyhub/jwks"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func stored(t *testing.T, n node) (count int) {
	t.Helper()
	err := n.Store().View(t.Context(), func(r store.Reader) error {
		list, err := r.List(used.Kind, store.Page{})
		count = len(list)
		return err
	})
	must(t, count, err)
	return count
}

// Nothing is written down for a token before it was believed.
func TestSignedIsVerifiedBeforeItIsStored(t *testing.T) {
	n := newNode(t)
	e := n.signed(t)
	good := n.sign(t, nil)
	at := func(d time.Duration) int64 { return n.clock.Now().Add(d).Unix() }
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"name": "ada", "jti": canary}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	must(t, none, err)
	for name, token := range map[string]string{
		"bad signature":    good[:len(good)-4] + "AAAA",
		"alg none":         none,
		"expired":          n.sign(t, map[string]any{"exp": at(-time.Hour)}),
		"too long-lived":   n.sign(t, map[string]any{"exp": at(time.Hour)}),
		"another audience": n.sign(t, map[string]any{"aud": "shop"}),
		"another issuer":   n.sign(t, map[string]any{"iss": "shop"}),
		"no id":            n.sign(t, map[string]any{"jti": nil}),
		"id is a number":   n.sign(t, map[string]any{"jti": 7}),
		"long id":          n.sign(t, map[string]any{"jti": strings.Repeat("x", maxTokenID+1)}),
		"no user":          n.sign(t, map[string]any{"name": nil}),
		"unknown scope":    n.sign(t, map[string]any{"scopes": []string{"everything"}}),
		"no token":         canary,
	} {
		_, err := e.Redeem(t.Context(), n.Directory, token)
		if !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", name, err)
		}
		tells(t, name, err)
	}
	if count := stored(t, n); count != 0 {
		t.Errorf("%d records of refused tokens", count)
	}
}

func TestSignedOnce(t *testing.T) {
	n := newNode(t)
	e := n.signed(t)
	token := n.sign(t, map[string]any{"jti": "1"})
	for i, want := range []error{nil, ErrUsed} {
		if _, err := e.Redeem(t.Context(), n.Directory, token); !errors.Is(err, want) {
			t.Errorf("time %d: %v, want %v", i+1, err, want)
		}
	}
	// Signed anew it is the same token; with another id it is another one.
	if _, err := e.Redeem(t.Context(), n.Directory, n.sign(t, map[string]any{"jti": "1", "extra": true})); !errors.Is(err, ErrUsed) {
		t.Errorf("the same id: %v, want ErrUsed", err)
	}
	if _, err := e.Redeem(t.Context(), n.Directory, n.sign(t, map[string]any{"jti": "2"})); err != nil {
		t.Errorf("another id: %v", err)
	}
	n.clock.Advance(time.Minute + leeway - time.Second)
	if _, err := e.Redeem(t.Context(), n.Directory, token); !errors.Is(err, ErrUsed) {
		t.Errorf("at the end of its life: %v, want ErrUsed", err)
	}
	n.clock.Advance(2 * time.Second)
	if _, err := e.Redeem(t.Context(), n.Directory, token); !errors.Is(err, ErrRefused) {
		t.Errorf("after it: %v, want ErrRefused", err)
	}
	n.clock.Advance(skew + time.Minute)
	if count := stored(t, n); count != 0 {
		t.Errorf("%d records of tokens that nobody believes any more", count)
	}
}

func TestKeysAreDown(t *testing.T) {
	n := newNode(t)
	down := httptest.NewServer(http.NotFoundHandler())
	defer down.Close()
	verifier, err := jwks.New(jwks.Options{URL: down.URL, Now: n.clock.Now})
	must(t, verifier, err)
	kind, err := NewSigned(SignedOptions{Verifier: verifier, Audience: "hub"})
	e := New(Options{Kind: must(t, kind, err), Claims: allClaims})
	if _, err := e.Redeem(t.Context(), n.Directory, n.sign(t, nil)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}

func TestNewSignedRefuses(t *testing.T) {
	verifier, err := jwks.New(jwks.Options{Secret: secret})
	must(t, verifier, err)
	for i, o := range []SignedOptions{{}, {Verifier: verifier}, {Audience: "hub"}} {
		if _, err := NewSigned(o); err == nil {
			t.Errorf("%d: no error", i)
		}
	}
}

// A flood of tokens that are believed leaves no more than their number, and no
// longer than they live.
func TestManyTokens(t *testing.T) {
	n := newNode(t)
	e := n.signed(t)
	for i := range 50 {
		if _, err := e.Redeem(t.Context(), n.Directory, n.sign(t, map[string]any{"jti": fmt.Sprint(i)})); err != nil {
			t.Fatal(err)
		}
	}
	if count := stored(t, n); count != 50 {
		t.Errorf("%d records, want 50", count)
	}
	n.clock.Advance(time.Hour)
	if count := stored(t, n); count != 0 {
		t.Errorf("%d records after an hour, want none", count)
	}
}
