package xsrf

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

// hmacKeys signs with the first key and verifies with all.
type hmacKeys []string

func (k hmacKeys) Sign(data []byte) []byte { return mac(k[0], data) }

func (k hmacKeys) Verify(data, sum []byte) bool {
	for _, key := range k {
		if hmac.Equal(mac(key, data), sum) {
			return true
		}
	}
	return false
}

func mac(key string, data []byte) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write(data)
	return h.Sum(nil)
}

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func at(now time.Time, keys ...string) *Tokens {
	return New(hmacKeys(keys), Options{Now: func() time.Time { return now }})
}

func mint(t testing.TB, sessionID, prefix string) string {
	t.Helper()
	token, err := at(start, "k1").Mint(sessionID, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestBinding(t *testing.T) {
	token := mint(t, "session-1", "/user/ada/")
	for name, test := range map[string]struct {
		tokens        *Tokens
		session, path string
		want          error
	}{
		"as minted":                {at(start, "k1"), "session-1", "/user/ada/", nil},
		"other session":            {at(start, "k1"), "session-2", "/user/ada/", ErrInvalid},
		"other prefix":             {at(start, "k1"), "session-1", "/user/bob/", ErrInvalid},
		"shorter prefix":           {at(start, "k1"), "session-1", "/user/", ErrInvalid},
		"parts shifted":            {at(start, "k1"), "session-1/user", "/ada/", ErrInvalid},
		"no session":               {at(start, "k1"), "", "/user/ada/", ErrInvalid},
		"no prefix":                {at(start, "k1"), "session-1", "", ErrInvalid},
		"key rotated, old kept":    {at(start, "k2", "k1"), "session-1", "/user/ada/", nil},
		"key rotated, old gone":    {at(start, "k2"), "session-1", "/user/ada/", ErrInvalid},
		"just in time":             {at(start.Add(DefaultMaxAge-time.Second), "k1"), "session-1", "/user/ada/", nil},
		"too late":                 {at(start.Add(DefaultMaxAge), "k1"), "session-1", "/user/ada/", ErrExpired},
		"clock behind a little":    {at(start.Add(-time.Minute), "k1"), "session-1", "/user/ada/", nil},
		"minted in the far future": {at(start.Add(-time.Hour), "k1"), "session-1", "/user/ada/", ErrInvalid},
	} {
		if err := test.tokens.Verify(token, test.session, test.path); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if err := at(start, "k1").VerifyAnonymous(token, "session-1", "/user/ada/"); !errors.Is(err, ErrInvalid) {
		t.Errorf("a session's token before login: %v", err)
	}
}

func TestAnonymous(t *testing.T) {
	browser := NewBrowserID()
	if other := NewBrowserID(); browser == other || len(browser) < 26 {
		t.Fatalf("browser ids %q, %q", browser, other)
	}
	tokens := at(start, "k1")
	token, err := tokens.MintAnonymous(browser, "/hub/")
	if err != nil {
		t.Fatal(err)
	}
	if err := tokens.VerifyAnonymous(token, browser, "/hub/"); err != nil {
		t.Error(err)
	}
	if err := tokens.Verify(token, browser, "/hub/"); !errors.Is(err, ErrInvalid) {
		t.Errorf("as a session's token: %v", err)
	}
	if err := tokens.VerifyAnonymous(token, NewBrowserID(), "/hub/"); !errors.Is(err, ErrInvalid) {
		t.Errorf("of another browser: %v", err)
	}
	if err := at(start.Add(23*time.Hour), "k1").VerifyAnonymous(token, browser, "/hub/"); err != nil {
		t.Errorf("login page open for long: %v", err)
	}
	if err := at(start.Add(24*time.Hour), "k1").VerifyAnonymous(token, browser, "/hub/"); !errors.Is(err, ErrExpired) {
		t.Errorf("open for too long: %v", err)
	}
	if _, err := tokens.MintAnonymous("", "/hub/"); !errors.Is(err, ErrInvalid) {
		t.Errorf("bound to nothing: %v", err)
	}
}

func TestForm(t *testing.T) {
	first, second := mint(t, "s", "/"), mint(t, "s", "/")
	if first == second {
		t.Error("two tokens are equal")
	}
	if url.QueryEscape(first) != first || strings.ContainsAny(first, `";, \<>&`) {
		t.Errorf("%q needs escaping", first)
	}
	if len(first) > maxLength || strings.Contains(first, "session") {
		t.Errorf("token %q", first)
	}
	data, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	// No single bit of a token may be changed.
	for i := range len(data) * 8 {
		data[i/8] ^= 1 << (i % 8)
		if err := at(start, "k1").Verify(base64.RawURLEncoding.EncodeToString(data), "s", "/"); !errors.Is(err, ErrInvalid) {
			t.Fatalf("bit %d changed: %v", i, err)
		}
		data[i/8] ^= 1 << (i % 8)
	}
}

func FuzzVerify(f *testing.F) {
	good := mint(f, "session-1", "/hub/")
	f.Add("")
	f.Add(good[:20])
	f.Add(good + "A")
	f.Add(good + "=")
	f.Add(strings.Repeat("A", 100000))
	tokens := at(start, "k1")
	f.Fuzz(func(t *testing.T, token string) {
		if err := tokens.Verify(token, "session-1", "/hub/"); err == nil && token != good {
			t.Fatalf("accepted %q", token)
		}
	})
}
