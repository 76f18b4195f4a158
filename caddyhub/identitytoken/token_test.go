package identitytoken

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// TestToken: what a token says, verified by the JWKS of another node.
func TestToken(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *site{"embedded": newSite, "redis": newRedisSite} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			here, there := s.node(t, ES256, EdDSA), s.node(t)
			now := float64(s.clock.Now().Unix())
			for _, algorithm := range []Algorithm{ES256, EdDSA} {
				by := s.issuer(t, here, algorithm)
				for _, test := range []struct {
					about Subject
					want  jwt.MapClaims
				}{
					{ada, jwt.MapClaims{"sub": "ada", "kind": "user", "name": "ada", "groups": []any{"astro", "staff"}}},
					{
						Subject{Kind: "user", Name: "root {env.HOME}", Admin: true, Scopes: []string{"custom:grafana:edit"}},
						jwt.MapClaims{
							"sub": "root {env.HOME}", "kind": "user", "name": "root {env.HOME}", "admin": true,
							"groups": []any{}, "scopes": []any{"custom:grafana:edit"},
						},
					},
					{
						Subject{Kind: "service", Name: "ada"},
						jwt.MapClaims{"sub": "ada", "kind": "service", "name": "ada", "groups": []any{}},
					},
				} {
					claims, err := s.verify(token(t, by, test.about), published(t, there))
					if err != nil {
						t.Fatalf("%s: %v", algorithm, err)
					}
					if id, _ := claims["jti"].(string); len(id) < 20 {
						t.Errorf("jti %q can be guessed", id)
					}
					delete(claims, "jti")
					test.want["iss"], test.want["aud"] = hub, app
					test.want["iat"], test.want["nbf"], test.want["exp"] = now, now-5, now-5+300
					if diff := cmp.Diff(test.want, claims); diff != "" {
						t.Errorf("%s: (-want +got)\n%s", algorithm, diff)
					}
				}
			}
		})
	}
}

// TestTokenIsRefused by whoever verifies, where it has to be.
func TestTokenIsRefused(t *testing.T) {
	s := newSite(t)
	keys := s.node(t, ES256)
	good, public := token(t, s.issuer(t, keys, ES256), ada), published(t, keys)
	part := strings.Split(good, ".")
	forged := func(header, claims string) string {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(header)) + "." + encode([]byte(claims)) + "." + part[2]
	}
	for name, test := range map[string]struct {
		token  string
		option jwt.ParserOption
		want   error
	}{
		"another app":       {good, jwt.WithAudience("https://wiki.example.org"), jwt.ErrTokenInvalidAudience},
		"another hub":       {good, jwt.WithIssuer("https://hub.example.com/hub"), jwt.ErrTokenInvalidIssuer},
		"it has ended":      {good, jwt.WithTimeFunc(func() time.Time { return s.clock.Now().Add(MaxLifetime) }), jwt.ErrTokenExpired},
		"other claims":      {part[0] + "." + strings.Split(forged("{}", `{"sub":"root"}`), ".")[1] + "." + part[2], nil, jwt.ErrTokenSignatureInvalid},
		"no algorithm":      {forged(`{"alg":"none"}`, `{"sub":"root"}`), nil, jwt.ErrTokenSignatureInvalid},
		"an unknown key":    {forged(`{"alg":"ES256","kid":"x"}`, `{"sub":"root"}`), nil, errUnknownKey},
		"cut off":           {part[0] + "." + part[1] + ".", nil, jwt.ErrTokenSignatureInvalid},
		"another algorithm": {good, jwt.WithValidMethods([]string{"EdDSA"}), jwt.ErrTokenSignatureInvalid},
	} {
		options := []jwt.ParserOption{}
		if test.option != nil {
			options = append(options, test.option)
		}
		if _, err := s.verify(test.token, public, options...); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if _, err := s.verify(good, public); err != nil {
		t.Errorf("the token itself: %v", err)
	}
	other := newSite(t)
	if _, err := s.verify(good, published(t, other.node(t, ES256))); !errors.Is(err, errUnknownKey) {
		t.Errorf("by the keys of another hub: %v", err)
	}
}

// TestAgain: the same token is handed out for half of its life, and only to whom
// it is true of.
func TestAgain(t *testing.T) {
	s := newSite(t)
	by := s.issuer(t, s.node(t, ES256), ES256)
	first := token(t, by, ada)
	if token(t, by, ada) != first {
		t.Error("another token at once")
	}
	for name, change := range map[string]func(*Subject){
		"kind":         func(s *Subject) { s.Kind = "service" },
		"name":         func(s *Subject) { s.Name = "bob" },
		"admin":        func(s *Subject) { s.Admin = true },
		"fewer groups": func(s *Subject) { s.Groups = s.Groups[:1] },
		"one group":    func(s *Subject) { s.Groups = []string{"astrostaff"} },
		"scopes":       func(s *Subject) { s.Groups, s.Scopes = s.Groups[:1], s.Groups[1:] },
		"login":        func(s *Subject) { s.Login = "2" },
	} {
		about := ada
		if change(&about); token(t, by, about) == first {
			t.Errorf("%s: the same token", name)
		}
	}
	for _, other := range [][2]string{{hub, "https://wiki.example.org"}, {"https://hub.example.com/hub", app}} {
		if made, err := by.Token(other[0], other[1], ada); err != nil || made == first {
			t.Errorf("%v: the same token, or %v", other, err)
		}
	}
	s.clock.Advance(MaxLifetime/2 - time.Second)
	if token(t, by, ada) != first {
		t.Error("another token before half of its life is over")
	}
	s.clock.Advance(time.Second)
	if token(t, by, ada) == first {
		t.Error("the same token with less than half of its life left")
	}
}

// TestManyTokens: the memory of an issuer is bounded.
func TestManyTokens(t *testing.T) {
	var c cache
	now := time.Now()
	key := func(i int) []byte { return []byte{byte(i), byte(i >> 8), byte(i >> 16)} }
	for i := range 3 * cacheSize {
		c.put(key(i), cached{token: "t", until: now.Add(time.Hour)})
		if len(c.young)+len(c.old) > 2*cacheSize {
			t.Fatalf("%d tokens are kept", len(c.young)+len(c.old))
		}
	}
	if _, known := c.get(key(3*cacheSize-1), now); !known {
		t.Error("the last one is forgotten")
	}
	if _, known := c.get(key(0), now); known {
		t.Error("the first one is still known")
	}
}

func TestNew(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		want    error
	}{
		"nothing":      {Options{}, nil},
		"EdDSA":        {Options{Algorithm: EdDSA, Lifetime: time.Minute}, nil},
		"too long":     {Options{Lifetime: MaxLifetime + time.Second}, ErrLifetime},
		"too short":    {Options{Lifetime: time.Second}, ErrLifetime},
		"negative":     {Options{Lifetime: -time.Second}, ErrLifetime},
		"none":         {Options{Algorithm: "none"}, ErrAlgorithm},
		"lower case":   {Options{Algorithm: "es256"}, ErrAlgorithm},
		"not our kind": {Options{Algorithm: "HS256"}, ErrAlgorithm},
	} {
		if _, err := New(test.options); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	by, err := New(Options{Keys: NewKeys(KeysOptions{})})
	if err != nil {
		t.Fatal(err)
	}
	if made, err := by.Token(hub, app, ada); made != "" || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("without a key: %q, %v", made, err)
	}
}

// BenchmarkToken is what a request costs, and what one costs that a token has to
// be made for.
func BenchmarkToken(b *testing.B) {
	s := newSite(b)
	keys := s.node(b, ES256, EdDSA)
	by := s.issuer(b, keys, ES256)
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			token(b, by, ada)
		}
	})
	for _, algorithm := range []Algorithm{ES256, EdDSA} {
		by := s.issuer(b, keys, algorithm)
		b.Run("signed "+string(algorithm), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := by.sign(hub, app, ada, s.clock.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
