package identity

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// A visitor token may do what its client needs and its visitor holds, and no more.
func TestVisitorScopes(t *testing.T) {
	f := newFixture(t)
	f.apply(t, Configuration{Roles: []ConfiguredRole{{
		Role: Role{Name: "helper", Scopes: []string{"access:servers!server=bob/lab", "access:services!service=grafana", "admin:users"}}, Users: []string{"ada"},
	}}})
	_, session := f.login(t, "ada")
	identify := []string{"read:users:groups!user=ada", "read:users:name!user=ada"}
	for name, test := range map[string]struct {
		client scope.Client
		access string
	}{
		"own server":       {adaLab, "access:servers!server=ada/"},
		"own named server": {scope.Client{Server: scope.Server{User: "ada", Name: "x"}}, "access:servers!server=ada/x"},
		"shared server":    {scope.Client{Server: scope.Server{User: "bob", Name: "lab"}}, "access:servers!server=bob/lab"},
		"another server":   {scope.Client{Server: scope.Server{User: "bob"}}, ""},
		"service":          {scope.Client{Service: "grafana"}, "access:services!service=grafana"},
		"another service":  {scope.Client{Service: "portal"}, ""},
		"nothing":          {scope.Client{}, ""},
	} {
		found, err := f.ByToken(t.Context(), f.VisitorToken(&session, test.client))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := identify
		if test.access != "" {
			want = append([]string{test.access}, identify...)
		}
		if diff := cmp.Diff(want, found.Scopes.Strings()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if found.Visitor.Client != test.client || found.Token != nil || found.BrowserSession() != session.BrowserSession || found.Name() != "ada" {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestVisitorTokensEnd(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	_, session := f.login(t, "ada")
	start := f.clock.Now()
	token := f.VisitorToken(&session, adaLab)
	f.clock.Advance(VisitorRenewal - time.Second)
	if f.VisitorToken(&session, adaLab) != token {
		t.Error("another token within the interval")
	}
	f.clock.Advance(time.Second)
	next := f.VisitorToken(&session, adaLab)
	if next == token {
		t.Error("the same token after the interval")
	}
	f.clock.Advance(VisitorLifetime - VisitorRenewal - time.Second)
	if _, err := f.ByToken(t.Context(), token); err != nil {
		t.Errorf("a second before its end: %v", err)
	}
	f.clock.Advance(time.Second)
	_, err := f.ByToken(t.Context(), token)
	if visitor, ok := f.OpenVisitorToken(token); !errors.Is(err, ErrInvalid) || !ok || visitor.Expires != start.Add(VisitorLifetime).Unix() {
		t.Errorf("at its end: %v, %+v", err, visitor)
	}
	if _, err := f.ByToken(t.Context(), next); err != nil {
		t.Errorf("the next one: %v", err)
	}
	if err := f.DeleteSession(t.Context(), &session); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ByToken(t.Context(), next); !errors.Is(err, ErrInvalid) {
		t.Errorf("after the session: %v", err)
	}
}

func TestForgedVisitorTokens(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	f.newUser(t, "eve")
	_, session := f.login(t, "ada")
	_, eves := f.login(t, "eve")
	token, hers := f.VisitorToken(&session, adaLab), f.VisitorToken(&eves, adaLab)
	body, signature, _ := strings.Cut(strings.TrimPrefix(token, VisitorPrefix), ".")
	_, herSignature, _ := strings.Cut(strings.TrimPrefix(hers, VisitorPrefix), ".")
	elsewhere := newFixture(t)
	payload, err := json.Marshal(Visitor{SessionID: session.ID, Client: adaLab, Expires: f.clock.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	own := base64.RawURLEncoding.EncodeToString(payload)
	otherPurpose := base64.RawURLEncoding.EncodeToString(f.ring.MAC(purposeToken, []byte(own)))
	for name, value := range map[string]string{
		"empty": VisitorPrefix, "no signature": VisitorPrefix + body, "an empty signature": VisitorPrefix + body + ".",
		"the signature of another": VisitorPrefix + body + "." + herSignature, "own words": VisitorPrefix + own + "." + signature,
		"of another purpose": VisitorPrefix + own + "." + otherPurpose, "of another hub": elsewhere.VisitorToken(&session, adaLab),
		"padded": token + "=", "three parts": token + ".x", "upper case": strings.ToUpper(token), "without prefix": body + "." + signature,
		"another prefix": "Visitor." + body + "." + signature, "endless": VisitorPrefix + strings.Repeat("A", 1<<20) + "." + signature,
		"the last bits changed": token[:len(token)-1] + string(token[len(token)-1]^1),
	} {
		if _, ok := f.OpenVisitorToken(value); ok {
			t.Errorf("%s: opens", name)
		}
		if found, err := f.ByToken(t.Context(), value); !errors.Is(err, ErrInvalid) || found != nil {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}

// TestVisitorTokenIsMintedAnew follows what a token that was minted before rests
// on: the interval, the session, what is visited, and the key in force.
func TestVisitorTokenIsMintedAnew(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	_, session := f.login(t, "ada")
	_, other := f.login(t, "ada")
	lab := scope.Client{Server: scope.Server{User: "ada", Name: "lab"}}
	first := f.VisitorToken(&session, lab)
	if again := f.VisitorToken(&session, lab); again != first {
		t.Errorf("two tokens within an interval: %s, %s", first, again)
	}
	seen := map[string]string{first: "the first"}
	for _, test := range []struct {
		name string
		mint func() string
	}{
		{"another session", func() string { return f.VisitorToken(&other, lab) }},
		{"another server", func() string { return f.VisitorToken(&session, scope.Client{Server: scope.Server{User: "ada"}}) }},
		{"a service", func() string { return f.VisitorToken(&session, scope.Client{Service: "ada"}) }},
		{"another key", func() string {
			if err := f.ring.Replace(append(f.ring.Keys(), keyring.NewKey(f.clock.Now()))); err != nil {
				t.Fatal(err)
			}
			return f.VisitorToken(&session, lab)
		}},
		{"later", func() string {
			f.clock.Advance(VisitorRenewal)
			return f.VisitorToken(&session, lab)
		}},
	} {
		token := test.mint()
		if before, known := seen[token]; known {
			t.Errorf("%s has the token of %s", test.name, before)
		}
		seen[token] = test.name
		if _, err := f.ByToken(t.Context(), token); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
