package gate

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func site() *Hygiene {
	return NewHygiene(HygieneOptions{
		IdentityHeaders: []string{"X-Forwarded-User", "x-CADDYHUB_token", "Remote-User"},
		Cookies:         []string{"session", "__Host-hub"},
		ReservedCookies: []string{"_xsrf"},
		HubHost:         "Hub.example.org",
	})
}

// Every spelling that a server could fold into one of the names is removed.
func TestIdentityHeaderAliases(t *testing.T) {
	x := site()
	name := "x-forwarded-user"
	for mask := range 81 {
		spelling, rest := []byte(name), mask
		for i, c := range spelling {
			if c == '-' {
				spelling[i] = "-_."[rest%3]
				rest /= 3
			} else if (mask+i)%2 == 0 {
				spelling[i] = c - 'a' + 'A'
			}
		}
		h := http.Header{string(spelling): {"admin"}, "X-Forwarded-Users": {"kept"}, "Forwarded-User": {"kept"}}
		x.SanitizeRequest(h)
		if len(h) != 2 {
			t.Errorf("%s: left %v", spelling, h)
		}
	}
	for _, name := range []string{"", "X", strings.Repeat("x", 4000), "X-Caddyhub-Token-2"} {
		if x.IsIdentity(name) {
			t.Errorf("%q is ours", name)
		}
	}
	if !x.IsIdentity("X-Caddyhub-Token") || !x.IsIdentity("REMOTE_USER") {
		t.Error("configured in another spelling")
	}
}

func TestSanitizeRequest(t *testing.T) {
	for name, test := range map[string]struct{ in, want http.Header }{
		"nothing to do": {
			http.Header{"Connection": {"keep-alive, Upgrade"}, "Cookie": {"a=b; c=d"}},
			http.Header{"Connection": {"keep-alive, Upgrade"}, "Cookie": {"a=b; c=d"}},
		},
		"Connection names ours": {
			http.Header{"Connection": {"close, X-Forwarded-User", "cookie,TE, authorization"}},
			http.Header{"Connection": {"close, TE"}},
		},
		"Connection names only ours": {
			http.Header{"Connection": {"x-forwarded-for"}},
			http.Header{},
		},
		"our cookies": {
			http.Header{"Cookie": {"session=1; a=\"x y\";b=c ;  session=2;_xsrf=3; __Host-hub=4"}},
			http.Header{"Cookie": {"a=\"x y\";b=c ;_xsrf=3"}},
		},
		"first and last": {
			http.Header{"Cookie": {"session=1; a=b; session=2"}},
			http.Header{"Cookie": {"a=b"}},
		},
		"only ours": {
			http.Header{"Cookie": {"session=1", "session=2; session=3"}},
			http.Header{},
		},
		"other names": {
			http.Header{"Cookie": {"Session=1; session2=2; xsession=3;session.4=5"}},
			http.Header{"Cookie": {"Session=1; session2=2; xsession=3;session.4=5"}},
		},
		"several lines": {
			http.Header{"Cookie": {"a=b", "session=1", "c=d; session=2"}},
			http.Header{"Cookie": {"a=b", "c=d"}},
		},
	} {
		site().SanitizeRequest(test.in)
		if diff := cmp.Diff(test.want, test.in); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSanitizeResponseCookies(t *testing.T) {
	for line, want := range map[string]bool{
		"a=b; Path=/user/alice/":                      true,
		"a=b; Domain=alice.hub.example.org; Path=/":   true,
		"a=b; Domain=":                                true,
		"session2=b":                                  true,
		"a=session=1":                                 true,
		"session=b":                                   false,
		" session =b; Path=/user/alice/":              false,
		"\tsession=b":                                 false,
		"=session=b":                                  false,
		"==session=b":                                 false,
		"session":                                     false,
		"__Host-hub=1; Secure; Path=/":                false,
		"_xsrf=1; Path=/hub/":                         false,
		"a=b; Domain=hub.example.org":                 false,
		"a=b; Domain=.HUB.example.org; Path=/":        false,
		"a=b; domain = example.org":                   false,
		"a=b;DOMAIN=org":                              false,
		"a=b; Domain=hub.example.org.":                false,
		"a=b; Domain=x.hub.example.org; Domain=org":   false,
		"a=b; Domain=alice.hub.example.org;path=/;x=": true,
	} {
		h := http.Header{"Set-Cookie": {"keep=1", line}}
		site().SanitizeResponse(h, "/user/alice/")
		if got := len(h["Set-Cookie"]) == 2; got != want {
			t.Errorf("%q: kept %v", line, got)
		}
		if len(h["Set-Cookie"]) == 0 || h["Set-Cookie"][0] != "keep=1" {
			t.Errorf("%q: the other cookie is gone", line)
		}
	}
	h := http.Header{"Set-Cookie": {"session=1"}}
	site().SanitizeResponse(h, "/user/alice/")
	if len(h) != 0 {
		t.Errorf("left %v", h)
	}
	strict := NewHygiene(HygieneOptions{})
	h = http.Header{"Set-Cookie": {"a=b; Domain=anything.example"}}
	strict.SanitizeResponse(h, "/")
	if len(h) != 0 {
		t.Errorf("Domain without a known hub: %v", h)
	}
}

func TestHeadersOfSite(t *testing.T) {
	h := http.Header{"Alt-Svc": {"h3=site"}, "Server": {"Caddy"}}
	site := OfSite(h)
	h.Add("Alt-Svc", "h3=evil")
	h.Set("Server", "theirs")
	site.Restore(h)
	if diff := cmp.Diff(http.Header{"Alt-Svc": {"h3=site"}, "Server": {"theirs"}}, h); diff != "" {
		t.Error(diff)
	}
	if none := OfSite(http.Header{"Server": {"Caddy"}}); none != nil {
		t.Errorf("nothing was set: %v", none)
	}
}

func TestSanitizeResponseOrigin(t *testing.T) {
	h := http.Header{
		"Clear-Site-Data": {`"cookies"`}, "Strict-Transport-Security": {"max-age=0"}, "Alt-Svc": {"h2=evil:443"},
		"Content-Type": {"text/html"}, "Service-Worker-Allowed": {"/"},
	}
	site().SanitizeResponse(h, "/user/alice/")
	if diff := cmp.Diff(http.Header{"Content-Type": {"text/html"}}, h); diff != "" {
		t.Error(diff)
	}
	for scope, want := range map[string]bool{
		"/user/alice/": true, "/user/alice/lab/": true, "/user/alice": false, "/user/": false, "/user/bob/": false,
		"/user/alice/../bob/": false, "/user/alice/%2e%2e/": false, "user/alice/": false, "": false, "//user/alice/": false,
	} {
		h := http.Header{"Service-Worker-Allowed": {scope}}
		site().SanitizeResponse(h, "/user/alice/")
		if got := len(h) == 1; got != want {
			t.Errorf("scope %q: kept %v", scope, got)
		}
	}
}

// A browser that would send a cookie of ours after this answer must not exist.
func FuzzSetCookie(f *testing.F) {
	f.Add("session=1; Path=/")
	f.Add("=session=1")
	f.Add("a=b; Domain=example.org")
	f.Fuzz(func(t *testing.T, line string) {
		h := http.Header{"Set-Cookie": {line}}
		site().SanitizeResponse(h, "/user/alice/")
		for _, c := range (&http.Response{Header: h}).Cookies() {
			if c.Name == "session" || c.Name == "_xsrf" || c.Name == "__Host-hub" {
				t.Fatalf("%q sets %s", line, c.Name)
			}
			if d := strings.ToLower(strings.TrimPrefix(c.Domain, ".")); d != "" && strings.HasSuffix(".hub.example.org", "."+d) {
				t.Fatalf("%q reaches %q", line, c.Domain)
			}
		}
	})
}

func BenchmarkSanitizeRequest(b *testing.B) {
	x := site()
	h := http.Header{
		"Accept": {"*/*"}, "Accept-Encoding": {"gzip"}, "Accept-Language": {"de"}, "Connection": {"keep-alive"},
		"Cookie": {"a=b; c=d"}, "Referer": {"https://hub.example.org/user/alice/lab"}, "User-Agent": {"Mozilla/5.0"},
		"Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Site": {"same-origin"}, "X-Xsrftoken": {"abc"},
	}
	b.ReportAllocs()
	for b.Loop() {
		x.SanitizeRequest(h)
	}
}
