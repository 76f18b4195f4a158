package nexturl

import (
	"net/url"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/nexturl/redirecttest"
)

var site = Site{Origins: []string{"https://hub.example.org"}}

func TestClean(t *testing.T) {
	for next, want := range map[string]string{
		// Ours.
		"/":                          "/",
		"/hub/home":                  "/hub/home",
		"/has?query#andhash":         "/has?query#andhash",
		"/user/ada/lab?x=//e&y=a\\b": "/user/ada/lab?x=//e&y=a%5Cb",
		"/user/ada/a%2Fb%20c":        "/user/ada/a%2Fb%20c",
		"/user/ada/a//b":             "/user/ada/a//b",
		"/user/ada/a\\b":             "/user/ada/a%5Cb",
		"/user/ada/tree/http://e":    "/user/ada/tree/http://e",
		"/hub/x?next=https://e/":     "/hub/x?next=https://e/",
		"/user/jürgen/ a":            "/user/j%C3%BCrgen/%20a",
		"/x?{env.SECRET}\"<b>'":      "/x?%7Benv.SECRET%7D%22%3Cb%3E%27",
		"/hub/／e":                    "/hub/%EF%BC%8Fe",
		"/@/space%20word/":           "/@/space%20word/",

		// Ours, written out.
		"https://hub.example.org/hub/home":    "/hub/home",
		"https://hub.example.org:443/a?b#c":   "/a?b#c",
		"HTTPS://HUB.example.org/a":           "/a",
		"//hub.example.org/a":                 "/a",
		"///hub.example.org/a":                "/a",
		"https://hub.example.org":             "/",
		"https://hub.example.org?x":           "/?x",
		"https://hub.example.org//e.example/": "/e.example/",
		"https://hub.example.org////e/":       "/e/",

		// Elsewhere, or who knows.
		"":                                   "",
		"hub/home":                           "",
		"next/url.html":                      "",
		"//e":                                "",
		"///e":                               "",
		"////e/x":                            "",
		"/\\e":                               "",
		"\\\\e":                              "",
		"\\/e":                               "",
		"\\/\\/e":                            "",
		"/\t/e":                              "",
		"/%09/e":                             "",
		"/%5ce":                              "",
		"/%2Fe":                              "",
		"/%2f%2fe":                           "",
		"/%0d%0aX:1":                         "",
		"https:e":                            "",
		"https:/e":                           "",
		"https:///e":                         "",
		"http:/\\e":                          "",
		"http:\\\\e":                         "",
		"https:hub.example.org":              "",
		"/..//e":                             "",
		"/.//e":                              "",
		"/%2e%2e//e":                         "",
		"/a/%2E./b":                          "",
		"/a\\..\\b":                          "",
		"/a/..%2fb":                          "",
		"/%2e":                               "",
		"/x\r\nLocation: //e":                "",
		"/x\x00":                             "",
		"/x\u0085":                           "",
		"/x%c2%85":                           "",
		"/x\u2028":                           "",
		"/%ff":                               "",
		"/\xff":                              "",
		"/%zz":                               "",
		" /hub":                              "",
		"/hub ":                              "",
		"\u00a0/hub":                         "",
		"/\u3000/e":                          "/%E3%80%80/e",
		"／／e":                                "",
		"javascript:alert(1)":                "",
		"javascript://hub.example.org/%0a1":  "",
		"data:text/html,x":                   "",
		"ftp://hub.example.org/":             "",
		"http://hub.example.org/":            "",
		"https://hub.example.org:8443/":      "",
		"https://hub.example.org@e/":         "",
		"https://e@hub.example.org/":         "",
		"https://hub.example.org.e/":         "",
		"https://hub.example.org./":          "",
		"https://alice.hub.example.org/":     "",
		"https://hub.example.org\\@e/":       "",
		"//hub.example.org:443@e/":           "",
		"https://e/#https://hub.example.org": "",
		"/" + strings.Repeat("a", MaxLength): "",
	} {
		got, ok := site.Clean(next)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", next, got, ok, want)
		}
	}
	if got, ok := (Site{}).Clean("https:///x"); ok {
		t.Errorf("a site without origins accepts %q", got)
	}
}

func TestSubdomains(t *testing.T) {
	site := Site{Origins: []string{"https://hub.example.org"}, SubdomainHost: "hub.example.org:8443"}
	for next, want := range map[string]string{
		"https://alice.hub.example.org/user/alice/lab?x": "/user/alice/lab?x",
		"//alice.hub.example.org:8443/user/alice/":       "/user/alice/",
		"https://hub.example.org:8443/hub/":              "/hub/",
		"https://alicehub.example.org/":                  "",
		"https://alice.hub.example.org.e/":               "",
		"https://e/.hub.example.org":                     "",
		"https://e#.hub.example.org/":                    "",
		"https://e@a.hub.example.org/":                   "",
		"https://a:b.hub.example.org/":                   "",
		"https://.hub.example.org/":                      "",
		"https://e%2f.hub.example.org/":                  "",
	} {
		if got, _ := site.Clean(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
}

// TestPlaces asks it for every target that leads away.
func TestPlaces(t *testing.T) {
	ask := func(site Site) func(*testing.T, string) string {
		return func(_ *testing.T, target string) string {
			target, _ = site.Clean(target)
			return target
		}
	}
	redirecttest.Check(t, site.Origins[0],
		redirecttest.Place{Name: "one origin", Accepts: "/hub/token?a=b#c", Ask: ask(site)},
		redirecttest.Place{Name: "plain", Accepts: "/hub/token", Ask: ask(Site{Origins: []string{"http://hub.example.org:8000", site.Origins[0]}})},
		redirecttest.Place{Name: "subdomains", Accepts: "/user/ada/lab", Ask: ask(Site{Origins: site.Origins, SubdomainHost: "hub.example.org"})},
	)
}

// What is accepted stays here for a browser, for a server, after one decoding,
// and when it is cleaned again.
func FuzzClean(f *testing.F) {
	for _, seed := range redirecttest.Targets() {
		f.Add(seed)
	}
	for _, seed := range []string{"/hub/home", "//e", `/\e`, "https://hub.example.org//e", "/%09/e", "/..//e", "https:e", "/%252e%252e//e"} {
		f.Add(seed)
	}
	subdomains := Site{Origins: site.Origins, SubdomainHost: "hub.example.org"}
	f.Fuzz(func(t *testing.T, next string) {
		for _, s := range []Site{site, subdomains} {
			target, ok := s.Clean(next)
			if !ok {
				continue
			}
			path, _, _ := strings.Cut(target, "?")
			path, _, _ = strings.Cut(path, "#")
			decoded, err := url.PathUnescape(path)
			if err != nil {
				t.Fatalf("%q: %q cannot be decoded", next, target)
			}
			for _, form := range []string{target, decoded} {
				if origin := redirecttest.Origin(site.Origins[0], form); origin != site.Origins[0] {
					t.Fatalf("%q: %q leads to %q", next, form, origin)
				}
			}
			u, err := url.Parse(target)
			if err != nil || u.Host != "" || u.Scheme != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") {
				t.Fatalf("%q: a server reads %q as %+v, %v", next, target, u, err)
			}
			if strings.ContainsFunc(target, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"<>{}\`, c) }) {
				t.Fatalf("%q: %q is not plain", next, target)
			}
			if again, ok := s.Clean(target); len(target) <= MaxLength && (!ok || again != target) {
				t.Fatalf("%q: %q, then %q", next, target, again)
			}
		}
	})
}
