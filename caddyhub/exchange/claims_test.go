package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

func parse(t testing.TB, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var claims map[string]any
	if err := decoder.Decode(&claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestClaims(t *testing.T) {
	for text, want := range map[string]Arrival{
		`{"name":"ada"}`: {User: "ada"},
		`{"name":7}`:     {User: "7"},
		`{"name":"ada","groups":["a","b"],"admin":true}`:           {User: "ada", Groups: []string{"a", "b"}, Admin: new(true)},
		`{"name":"ada","groups":"a","admin":false}`:                {User: "ada", Groups: []string{"a"}, Admin: new(false)},
		`{"name":"ada","groups":[],"admin":null}`:                  {User: "ada", Groups: []string{}},
		`{"name":"ada","scopes":"self  read:users"}`:               {User: "ada", Scopes: []string{"self", "read:users"}},
		`{"name":"ada","scopes":[]}`:                               {User: "ada", Scopes: []string{}},
		`{"name":"ada","scopes":""}`:                               {User: "ada", Scopes: []string{}},
		`{"name":"ada","server":"lab","next":"/x"}`:                {User: "ada", Server: new("lab"), Next: "/x"},
		`{"name":"ada","server":""}`:                               {User: "ada", Server: new("")},
		`{"name":"ada","server":null,"next":null}`:                 {User: "ada"},
		`{"name":"ada","auth":{"state":{"k":[1]}}}`:                {User: "ada", AuthState: json.RawMessage(`{"k":[1]}`)},
		`{"name":"ada","auth.state":"x","auth":{"state":"y"}}`:     {User: "ada", AuthState: json.RawMessage(`"x"`)},
		`{"name":"ada","auth":"state"}`:                            {User: "ada"},
		`{"name":"ada","is_admin":true,"roles":["admin"],"sub":1}`: {User: "ada"},
	} {
		got, err := allClaims.arrival(parse(t, text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

// What cannot be read refuses the token, above all what would have said less.
func TestClaimsThatCannotBeRead(t *testing.T) {
	for _, text := range []string{
		`{}`, `{"name":null}`, `{"name":""}`, `{"name":["ada"]}`, `{"name":true}`,
		`{"name":"ada","groups":{}}`, `{"name":"ada","groups":[1]}`, `{"name":"ada","groups":7}`,
		`{"name":"ada","admin":"true"}`, `{"name":"ada","admin":1}`,
		`{"name":"ada","scopes":null}`, `{"name":"ada","scopes":7}`, `{"name":"ada","scopes":{}}`, `{"name":"ada","scopes":["self",null]}`,
		`{"name":"ada","server":7}`, `{"name":"ada","server":"a/b"}`, `{"name":"ada","server":".."}`, `{"name":"ada","server":"` + strings.Repeat("x", 256) + `"}`,
		`{"name":"ada","next":7}`, `{"name":"ada","next":"/` + strings.Repeat("x", 4096) + `"}`,
		`{"name":"ada","auth":{"state":"` + strings.Repeat("x", maxAuthState) + `"}}`,
		`{"name":"ada","groups":["` + strings.Repeat(`x","`, maxGroups) + `x"]}`,
	} {
		if got, err := allClaims.arrival(parse(t, text)); got != nil || !errors.Is(err, ErrRefused) {
			t.Errorf("%.60s: %+v, %v, want ErrRefused", text, got, err)
		}
	}
}

// Privileges that the operator has not named are not taken.
func TestClaimsWithoutAName(t *testing.T) {
	got, err := Claims{User: "name"}.arrival(parse(t, `{"name":"ada","admin":true,"groups":["x"],"":"y"}`))
	if diff := cmp.Diff(&Arrival{User: "ada"}, got); err != nil || diff != "" {
		t.Error(diff, err)
	}
}

func TestLimit(t *testing.T) {
	lab := new("lab")
	for name, test := range map[string]struct {
		arrival Arrival
		want    *identity.Limit
	}{
		"none":           {Arrival{Server: lab}, nil},
		"scopes":         {Arrival{Scopes: []string{"self"}}, &identity.Limit{Scopes: []string{"self"}}},
		"for nothing":    {Arrival{Scopes: []string{}}, &identity.Limit{Scopes: []string{}}},
		"a server":       {Arrival{OnlyServer: true, Server: lab}, &identity.Limit{Scopes: []string{"access:servers!server=ada/lab", "servers!server=ada/lab"}}},
		"default server": {Arrival{OnlyServer: true, Server: new("")}, &identity.Limit{Scopes: []string{"access:servers!server=ada/", "servers!server=ada/"}}},
		"no server":      {Arrival{OnlyServer: true}, &identity.Limit{Scopes: []string{}}},
	} {
		if diff := cmp.Diff(test.want, test.arrival.Limit("ada")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if url, ok := (&Arrival{Server: lab}).ServerURL(hubpath.Base("/jh/"), "ada"); !ok || url != "/jh/user/ada/lab/" {
		t.Errorf("%q, %v", url, ok)
	}
}

func TestOnlyServer(t *testing.T) {
	for answer, want := range map[string]error{
		`{"name":"ada","server":"lab"}`:                   nil,
		`{"name":"ada"}`:                                  ErrRefused,
		`{"name":"ada","server":"lab","scopes":["self"]}`: ErrRefused,
	} {
		n, p := newNode(t), newPortal(t)
		p.answer = answer
		e := p.exchange(t, n)
		e.options.OnlyServer = true
		if _, err := e.Redeem(t.Context(), n.Directory, canary); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", answer, err, want)
		}
	}
}

// FuzzClaims reads whatever a portal may answer. Nothing panics, and of what is
// accepted the limits hold.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		`{"name":"ada"}`, `{"name":1e999,"scopes":"a b"}`, `{"name":"x","auth":{"state":[{}]},"server":"\u0000"}`, `{"name":"a","scopes":null}`, `[]`, `{"name":{"a":1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		claims, err := readAnswer(bytes.NewReader(text))
		if err != nil {
			return
		}
		a, err := allClaims.arrival(claims)
		if err != nil {
			if a != nil || !errors.Is(err, ErrRefused) {
				t.Errorf("%+v, %v", a, err)
			}
			return
		}
		if a.User == "" || len(a.User) > maxUser || len(a.Groups) > maxGroups || len(a.AuthState) > maxAuthState {
			t.Errorf("accepted %+v", a)
		}
		if a.Server != nil && strings.Contains(*a.Server, "/") {
			t.Errorf("server %q", *a.Server)
		}
		if _, limited := claims["scopes"]; limited && a.Scopes == nil {
			t.Errorf("a limit was lost: %s", text)
		}
	})
}
