package jwks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestVerify(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		method  jwt.SigningMethod
		key     any
	}{
		"HS256": {Options{Secret: testSecret}, jwt.SigningMethodHS256, testSecret},
		"HS512": {Options{Secret: testSecret}, jwt.SigningMethodHS512, testSecret},
		"RS256": {Options{PEM: pemOf(t, &rsaKey().PublicKey)}, jwt.SigningMethodRS256, rsaKey()},
		"PS384": {Options{PEM: pemOf(t, &rsaKey().PublicKey)}, jwt.SigningMethodPS384, rsaKey()},
		"ES256": {Options{PEM: pemOf(t, &ecKey().PublicKey)}, jwt.SigningMethodES256, ecKey()},
		"EdDSA": {Options{PEM: pemOf(t, edKey().Public())}, jwt.SigningMethodEdDSA, edKey()},
		"second key": {Options{PEM: append(pemOf(t, &ecKey().PublicKey), pemOf(t, edKey().Public())...)},
			jwt.SigningMethodEdDSA, edKey()},
	} {
		v := verifier(t, test.options)
		token := sign(t, test.method, test.key, lasting(claims{"uid": json.Number("9007199254740993")}), nil)
		got, err := v.Verify(t.Context(), token, expected())
		if err != nil || got["sub"] != "ada" || fmt.Sprint(got["uid"]) != "9007199254740993" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestRefusedForWhatItSays(t *testing.T) {
	v := verifier(t, Options{Secret: testSecret})
	at := func(d time.Duration) int64 { return start.Add(d).Unix() }
	for name, test := range map[string]struct {
		change claims
		want   Expected
		why    string
	}{
		"expired":              {claims{"exp": at(-time.Second), "iat": at(-time.Minute)}, expected(), "expired"},
		"expires now":          {claims{"exp": at(0)}, expected(), "expired"},
		"no expiry":            {claims{"exp": nil}, expected(), "missing"},
		"expiry is text":       {claims{"exp": "tomorrow"}, expected(), "type"},
		"too long-lived":       {claims{"exp": at(61 * time.Second)}, expected(), "longer"},
		"old time of issue":    {claims{"iat": at(-30 * time.Second), "exp": at(40 * time.Second)}, expected(), "longer"},
		"no time of issue":     {claims{"iat": nil, "exp": at(61 * time.Second)}, expected(), "longer"},
		"for ever":             {claims{"iat": nil, "exp": 1e300}, expected(), ""},
		"issued later":         {claims{"iat": at(time.Second)}, expected(), "future"},
		"not yet":              {claims{"nbf": at(time.Second)}, expected(), "not valid yet"},
		"another issuer":       {claims{"iss": "mallory"}, expected(), "issuer"},
		"no issuer":            {claims{"iss": nil}, expected(), ""},
		"another audience":     {claims{"aud": "shop"}, expected(), "audience"},
		"other audiences":      {claims{"aud": []string{"shop", "hubb"}}, expected(), "audience"},
		"no audience":          {claims{"aud": nil}, expected(), ""},
		"audience is a number": {claims{"aud": 7}, expected(), ""},
		"audience not known":   {nil, Expected{Issuer: "portal"}, "none is configured"},
	} {
		token := sign(t, jwt.SigningMethodHS256, testSecret, lasting(test.change), nil)
		got, err := v.Verify(t.Context(), token, test.want)
		if got != nil || !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), test.why) || leaks(err.Error(), token) {
			t.Errorf("%s: %v, %v, want ErrInvalid with %q", name, got, err, test.why)
		}
	}
}

func TestAcceptedWithinBounds(t *testing.T) {
	v := verifier(t, Options{Secret: testSecret})
	at := func(d time.Duration) int64 { return start.Add(d).Unix() }
	loose := Expected{Audience: "hub"}
	slow := Expected{Audience: "hub", MaxLifetime: time.Minute, Leeway: 5 * time.Second}
	for name, test := range map[string]struct {
		change claims
		want   Expected
	}{
		"one of several audiences":   {claims{"aud": []string{"shop", "hub"}}, expected()},
		"any lifetime":               {claims{"exp": at(time.Hour)}, loose},
		"any issuer":                 {claims{"iss": nil}, loose},
		"issuer ahead of us":         {claims{"iat": at(4 * time.Second), "exp": at(64 * time.Second)}, slow},
		"just expired":               {claims{"exp": at(-4 * time.Second)}, slow},
		"no audience, none expected": {claims{"aud": nil}, Expected{}},
	} {
		token := sign(t, jwt.SigningMethodHS256, testSecret, lasting(test.change), nil)
		if _, err := v.Verify(t.Context(), token, test.want); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRefusedForItsForm has what a token tries in order to choose how it is
// verified (RFC 8725).
func TestRefusedForItsForm(t *testing.T) {
	public := pemOf(t, &rsaKey().PublicKey)
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	byPEM := verifier(t, Options{PEM: append(pemOf(t, &rsaKey().PublicKey), pemOf(t, &ecKey().PublicKey)...)})
	bySecret := verifier(t, Options{Secret: testSecret})
	payload := encodeJSON(lasting(nil))
	good := sign(t, jwt.SigningMethodHS256, testSecret, lasting(nil), nil)
	for name, test := range map[string]struct {
		v     *Verifier
		token string
	}{
		"alg none":             {byPEM, sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, lasting(nil), nil)},
		"alg none, secret":     {bySecret, sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, lasting(nil), nil)},
		"alg None":             {bySecret, raw(`{"alg":"None"}`, payload, "")},
		"no alg":               {bySecret, raw(`{}`, payload, "")},
		"alg is a list":        {bySecret, raw(`{"alg":["HS256"]}`, payload, "")},
		"public key as secret": {byPEM, sign(t, jwt.SigningMethodHS256, public, lasting(nil), nil)},
		"RS256 for a secret":   {bySecret, sign(t, jwt.SigningMethodRS256, rsaKey(), lasting(nil), nil)},
		"another secret":       {bySecret, sign(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), lasting(nil), nil)},
		"another key":          {byPEM, sign(t, jwt.SigningMethodES256, other, lasting(nil), nil)},
		"critical extension":   {bySecret, sign(t, jwt.SigningMethodHS256, testSecret, lasting(nil), claims{"crit": []string{"b64"}})},
		"no signature":         {bySecret, good[:strings.LastIndex(good, ".")+1]},
		"cut signature":        {bySecret, good[:len(good)-4]},
		"two parts":            {bySecret, good[:strings.LastIndex(good, ".")]},
		"four parts":           {bySecret, good + ".x"},
		"padding":              {bySecret, good + "="},
		"line feed":            {bySecret, good + "\n"},
		"no JSON":              {bySecret, raw(`{"alg":"HS256"}`, "ada", "")},
		"a list of claims":     {bySecret, raw(`{"alg":"HS256"}`, "[]", "")},
		"nothing":              {bySecret, ""},
		"dots":                 {bySecret, ".."},
		"huge":                 {bySecret, sign(t, jwt.SigningMethodHS256, testSecret, lasting(claims{"x": strings.Repeat("x", maxToken)}), nil)},
	} {
		got, err := test.v.Verify(t.Context(), test.token, expected())
		if got != nil || !errors.Is(err, ErrInvalid) || leaks(err.Error(), test.token) {
			t.Errorf("%s: %v, %v, want ErrInvalid", name, got, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	for name, test := range map[string]struct {
		options Options
		why     string
	}{
		"nothing":       {Options{}, "give one of"},
		"two":           {Options{Secret: testSecret, URL: "https://x"}, "give one of"},
		"short secret":  {Options{Secret: testSecret[:31]}, "32 bytes"},
		"PEM as secret": {Options{Secret: pemOf(t, &rsaKey().PublicKey)}, "in PEM"},
		"short RSA":     {Options{PEM: pemOf(t, &short.PublicKey)}, "2048"},
		"P-224":         {Options{PEM: pemOf(t, &p224.PublicKey)}, "P-256"},
		"no PEM":        {Options{PEM: []byte("ssh-ed25519 AAAA")}, "no public key"},
		"PEM and more":  {Options{PEM: append(pemOf(t, &rsaKey().PublicKey), "x"...)}, "no public key"},
		"private key":   {Options{PEM: []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")}, "private"},
		"other PEM":     {Options{PEM: []byte("-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n")}, "DH PARAMETERS"},
		"broken key":    {Options{PEM: []byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")}, ""},
		"file URL":      {Options{URL: "file:///etc/keys"}, "https://"},
		"no host":       {Options{URL: "https:///keys"}, "https://"},
	} {
		if v, err := New(test.options); v != nil || err == nil || !strings.Contains(err.Error(), test.why) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.why)
		}
	}
}

// FuzzVerify gives a stranger every byte but the key: nothing he makes is believed
// unless it is the token that was signed, and no refusal repeats what he sent.
func FuzzVerify(f *testing.F) {
	good := sign(f, jwt.SigningMethodHS256, testSecret, lasting(nil), nil)
	header, rest, _ := strings.Cut(good, ".")
	f.Add(good)
	f.Add(header + "." + rest + "A")
	f.Add(raw(`{"alg":"none"}`, encodeJSON(lasting(nil)), ""))
	f.Add(raw(`{"alg":"HS256","kid":"\u0000"}`, `{"exp":1e400}`, "x"))
	f.Add(raw(`{"alg":"RS256","jwk":{"kty":"oct","k":"AA"}}`, "{}", "x"))
	f.Add("..")
	bySecret := verifier(f, Options{Secret: testSecret})
	byPEM := verifier(f, Options{PEM: append(pemOf(f, &rsaKey().PublicKey), pemOf(f, &ecKey().PublicKey)...)})
	f.Fuzz(func(t *testing.T, token string) {
		for _, v := range []*Verifier{bySecret, byPEM} {
			got, err := v.Verify(t.Context(), token, expected())
			if v == bySecret && token == good {
				continue
			}
			if got != nil || !errors.Is(err, ErrInvalid) || leaks(err.Error(), token) {
				t.Errorf("%q: %v, %v, want ErrInvalid", token, got, err)
			}
		}
	})
}
