package gate

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadCredentials(t *testing.T) {
	names := CredentialNames{SessionCookies: []string{"session"}, VisitorPrefix: "visitor_"}
	inURL := names
	inURL.TokenInURL = true
	for name, test := range map[string]struct {
		names   CredentialNames
		query   string
		headers []string
		want    Credentials
	}{
		"none":                     {names, "", nil, Credentials{}},
		"token":                    {names, "", []string{"Authorization: token abc"}, Credentials{Token: "abc"}},
		"bearer in any case":       {names, "", []string{"Authorization: BEARER   abc "}, Credentials{Token: "abc"}},
		"other schemes":            {names, "", []string{"Authorization: Basic dG9rZW46YWJj"}, Credentials{}},
		"scheme inside":            {names, "", []string{"Authorization: foo token abc"}, Credentials{}},
		"no token":                 {names, "", []string{"Authorization: token "}, Credentials{}},
		"two words":                {names, "", []string{"Authorization: token a b"}, Credentials{}},
		"two headers":              {names, "", []string{"Authorization: token a", "Authorization: token b"}, Credentials{Token: "a", Ambiguous: true}},
		"token and password":       {names, "", []string{"Authorization: token a", "Authorization: Basic b"}, Credentials{Token: "a", Ambiguous: true}},
		"URL, not allowed":         {names, "token=abc", nil, Credentials{}},
		"URL, allowed":             {inURL, "x=1&token=a%2Bc", nil, Credentials{Token: "a+c", FromURL: true}},
		"URL, encoded name":        {inURL, "t%6Fken=abc", nil, Credentials{Token: "abc", FromURL: true}},
		"URL, twice the same":      {inURL, "token=a&token=a", nil, Credentials{Token: "a", FromURL: true}},
		"URL, twice":               {inURL, "token=a&token=b", nil, Credentials{Token: "a", FromURL: true, Ambiguous: true}},
		"URL, malformed":           {inURL, "token=%zz&to%ken=x", nil, Credentials{}},
		"header before URL":        {inURL, "token=b", []string{"Authorization: token a"}, Credentials{Token: "a"}},
		"visitor":                  {names, "", []string{"Authorization: token visitor_1"}, Credentials{VisitorToken: "visitor_1"}},
		"visitor in URL":           {names, "token=visitor_1", []string{"Cookie: session=s"}, Credentials{VisitorToken: "visitor_1", Sessions: []string{"s"}}},
		"cookie":                   {names, "", []string{"Cookie: a=b; session=s1; c=d"}, Credentials{Sessions: []string{"s1"}}},
		"cookies, all candidates":  {names, "", []string{"Cookie: session=s1; session=s2; session=s1", "Cookie: session=s3"}, Credentials{Sessions: []string{"s1", "s2", "s3"}}},
		"cookie names are exact":   {names, "", []string{"Cookie: Session=s; session2=t; xsession=u"}, Credentials{}},
		"cookie without a name":    {names, "", []string{"Cookie: =session=s"}, Credentials{Sessions: []string{"s"}}},
		"cookie with spaces":       {names, "", []string{"Cookie: a=b;session = s ;c=d"}, Credentials{Sessions: []string{"s"}}},
		"cookie with equals signs": {names, "", []string{"Cookie: session=a=b=="}, Credentials{Sessions: []string{"a=b=="}}},
	} {
		got := ReadCredentials(request("GET /?"+test.query, test.headers...), test.names)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got.None() != (test.want.Token == "" && test.want.VisitorToken == "" && test.want.Sessions == nil) {
			t.Errorf("%s: None is %v", name, got.None())
		}
	}
}

func TestTooManySessionCookies(t *testing.T) {
	var line strings.Builder
	for i := range 1000 {
		line.WriteString("session=" + strings.Repeat("x", i%50) + "; ")
	}
	got := ReadCredentials(request("GET /", "Cookie: "+line.String()), CredentialNames{SessionCookies: []string{"session"}})
	if len(got.Sessions) != MaxSessionCookies {
		t.Errorf("%d candidates", len(got.Sessions))
	}
}

func TestWithoutParameter(t *testing.T) {
	for raw, want := range map[string]string{
		"":                           "",
		"token=x":                    "",
		"a=%2f&token=x&b=+":          "a=%2f&b=+",
		"token=x&a":                  "a",
		"a&tok%65n=x&&b=%zz":         "a&&b=%zz",
		"a=token&xtoken=1&token2=2":  "a=token&xtoken=1&token2=2",
		"a=%2f&b=+&c=%zz":            "a=%2f&b=+&c=%zz",
		"token=%zz&a=1":              "a=1",
		"a=1;token=x":                "a=1;token=x",
		"token=1&token=2&Token=keep": "Token=keep",
	} {
		if got := WithoutParameter(raw, "token"); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

// Whatever a query is, no server that decodes it in the usual way finds the
// parameter afterwards.
func FuzzWithoutParameter(f *testing.F) {
	f.Add("a=1&token=x&t%6fken=y")
	f.Fuzz(func(t *testing.T, raw string) {
		rest := WithoutParameter(raw, "token")
		values, _ := url.ParseQuery(rest)
		if values.Has("token") {
			t.Fatalf("%q: %q still has it", raw, rest)
		}
		if before, err := url.ParseQuery(raw); err == nil {
			delete(before, "token")
			if diff := cmp.Diff(before, values); diff != "" {
				t.Fatalf("%q: others changed: %s", raw, diff)
			}
		}
	})
}

// After stripping, net/http finds no cookie of ours and all the others as before.
func FuzzCookies(f *testing.F) {
	f.Add("a=b; session=x; c=d")
	f.Add("session=x;session=y")
	f.Add(" =session=x;; session ;\tsession=1; a=\"b;session=2\"")
	f.Fuzz(func(t *testing.T, line string) {
		before := http.Header{"Cookie": {line}}
		after := http.Header{"Cookie": {line}}
		stripCookies(after, cookieNames{exact: []string{"session"}})
		if left := CookieValues(after, "session"); left != nil {
			t.Fatalf("%q: %q still holds %q", line, after["Cookie"], left)
		}
		others := func(h http.Header) []string {
			var pairs []string
			for _, c := range (&http.Request{Header: h}).Cookies() {
				if c.Name == "session" {
					continue
				}
				pairs = append(pairs, c.Name+"="+c.Value)
			}
			return pairs
		}
		if want, got := others(before), others(after); !slices.Equal(want, got) {
			t.Fatalf("%q: others were %q, are %q", line, want, got)
		}
		for _, c := range (&http.Request{Header: after}).Cookies() {
			if c.Name == "session" {
				t.Fatalf("%q: net/http still finds %q", line, after["Cookie"])
			}
		}
	})
}
