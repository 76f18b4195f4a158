package appgate

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identitytoken"
)

// TestVisitor: what an app may be told.
func TestVisitor(t *testing.T) {
	s := newSite(t)
	_, _, ada := s.login("ada")
	_, _, root := s.login("root")
	type told struct {
		Known, Admin   bool
		Name, Kind     string
		Groups, Scopes []string
	}
	for name, test := range map[string]struct {
		header []string
		want   told
	}{
		"nobody": {nil, told{}},
		"ada":    {[]string{"Cookie", ada}, told{Known: true, Name: "ada", Kind: "user", Groups: []string{"astro", "staff"}, Scopes: []string{"custom:grafana:edit"}}},
		"root":   {[]string{"Cookie", root}, told{Known: true, Admin: true, Name: "root", Kind: "user"}},
		"a service": {
			[]string{"Authorization", "token " + serviceToken},
			told{Known: true, Name: "monitor", Kind: "service", Scopes: []string{"custom:grafana:edit"}},
		},
	} {
		_, got := serve(t, s.gate(Policy{Anonymous: true}), ask(http.MethodGet, "https://"+appHost+"/", test.header...))
		v := got.visitor
		found := told{v.Known(), v.Admin(), v.Name(), v.Kind(), v.Groups(), v.Scopes()}
		if len(found.Groups) == 0 {
			found.Groups = nil
		}
		if diff := cmp.Diff(test.want, found); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

// TestTokenOfVisitor: issuer, audience and scopes of the signed token.
func TestTokenOfVisitor(t *testing.T) {
	s := newSite(t)
	keys := identitytoken.NewKeys(identitytoken.KeysOptions{Store: s.store, Ring: s.directory.Keys()})
	if err := keys.Use(t.Context(), identitytoken.ES256); err != nil {
		t.Fatal(err)
	}
	by, err := identitytoken.New(identitytoken.Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	_, hub, ada := s.login("ada")
	for name, test := range map[string]struct {
		target, cookie, audience string
		want                     []any // iss, aud
	}{
		"its own host":  {"https://" + appHost + "/x", ada, "", []any{"https://hub.example.org/hub", "https://grafana.example.org"}},
		"the hub's":     {"https://" + hubHost + "/grafana/", hub, "", []any{"https://hub.example.org/hub", "https://hub.example.org"}},
		"as configured": {"https://" + appHost + "/x", ada, "grafana", []any{"https://hub.example.org/hub", "grafana"}},
	} {
		request := ask(http.MethodGet, test.target, "Cookie", test.cookie)
		_, got := serve(t, s.gate(Policy{Scopes: []string{ofGrafana, "admin:users"}}), request)
		signed, err := got.visitor.Token(by, request, test.audience)
		if err != nil {
			t.Fatal(err)
		}
		claims := jwt.MapClaims{}
		if _, _, err := jwt.NewParser().ParseUnverified(signed, claims); err != nil {
			t.Fatal(err)
		}
		found := []any{claims["iss"], claims["aud"], claims["sub"], claims["groups"], claims["scopes"]}
		want := append(test.want, "ada", []any{"astro", "staff"}, []any{ofGrafana, "custom:grafana:edit"})
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	if signed, err := (Visitor{}).Token(by, nil, "x"); signed != "" || err != nil {
		t.Errorf("about nobody: %q, %v", signed, err)
	}
}

// TestUnspeakableName: a name that a header would change would be somebody else's.
func TestUnspeakableName(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"ada\nX-Admin: yes", " ada", "ada ", "a\x7fda", "ada\u0085"} {
		if _, err := s.directory.CreateUser(context.Background(), name, false); err != nil {
			t.Fatal(err)
		}
		_, _, cookie := s.login(name)
		for _, policy := range []Policy{{Authenticated: true}, {Anonymous: true}} {
			answer, got := serve(t, s.gate(policy), ask(http.MethodGet, "https://"+appHost+"/", "Cookie", cookie))
			if got != nil || answer.Code != http.StatusForbidden || !strings.Contains(answer.Body.String(), "Your name") {
				t.Errorf("%q: %d %s", name, answer.Code, cut(answer))
			}
		}
	}
}

func TestJoinNames(t *testing.T) {
	for want, names := range map[string][]string{
		"":                         nil,
		"astro,staff":              {"astro", "staff"},
		"x%2Cstaff":                {"x,staff"},
		"50%25,two words,%20a%20":  {"50%", "two words", " a "},
		"a%0D%0AX-Admin: yes,grün": {"a\r\nX-Admin: yes", "grün"},
		"%20":                      {" "},
	} {
		if got := JoinNames(names); got != want {
			t.Errorf("%q: %q, want %q", names, got, want)
		}
	}
}

// FuzzJoinNames: two lists that differ never look the same.
func FuzzJoinNames(f *testing.F) {
	f.Add("a", "b", "a,b")
	f.Add(" ", "%20", "%")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if a == "" || b == "" || c == "" {
			return
		}
		pair, single := JoinNames([]string{a, b}), JoinNames([]string{c})
		if pair == single {
			t.Errorf("%q and %q look like %q", a, b, c)
		}
		if strings.ContainsAny(pair, "\r\n\x00") || strings.TrimSpace(pair) != pair && !strings.ContainsAny(a+b, "\u0085\u00a0") {
			t.Errorf("%q is no value of a header", pair)
		}
		if a != b && JoinNames([]string{a}) == JoinNames([]string{b}) {
			t.Errorf("%q and %q look the same", a, b)
		}
	})
}
