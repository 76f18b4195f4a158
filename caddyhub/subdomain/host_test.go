package subdomain

import (
	"net/url"
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	for text, want := range map[string]string{
		"hub.example.org":          "hub.example.org",
		"Ada.Hub.Example.ORG":      "ada.hub.example.org",
		"hub.example.org:443":      "hub.example.org",
		"hub.example.org:80":       "hub.example.org:80",
		"hub.example.org:8443":     "hub.example.org:8443",
		"localhost:1":              "localhost:1",
		"127.0.0.1:65535":          "127.0.0.1:65535",
		"[::1]":                    "[::1]",
		"[2001:DB8::1]:443":        "[2001:db8::1]",
		"[::1]:8443":               "[::1]:8443",
		"xn--jrgen-kva.example":    "xn--jrgen-kva.example",
		"u-x--0123.hub_1.example":  "u-x--0123.hub_1.example",
		strings.Repeat("a", 63):    strings.Repeat("a", 63),
		"":                         "",
		".":                        "",
		"hub.example.org.":         "",
		".hub.example.org":         "",
		"ada..hub.example.org":     "",
		"hub.example.org.:443":     "",
		"hub.example.org:":         "",
		"hub.example.org:0":        "",
		"hub.example.org:0443":     "",
		"hub.example.org:+443":     "",
		"hub.example.org:65536":    "",
		"hub.example.org:443:443":  "",
		"hub.example.org:https":    "",
		"ada@hub.example.org":      "",
		"ada:secret@example.org":   "",
		"hub.example.org/":         "",
		`hub.example.org\`:         "",
		"hub.example.org?x":        "",
		"hub.example.org#x":        "",
		"hub.example.org,other":    "",
		" hub.example.org":         "",
		"hub.example.org\t":        "",
		"hub.example.org\x00":      "",
		"h%75b.example.org":        "",
		"jürgen.example.org":       "",
		"ada。hub.example.org":      "",
		"ＨＵＢ.example.org":          "",
		"{env.HOST}":               "",
		"*.hub.example.org":        "",
		"::1":                      "",
		"[::1":                     "",
		"[::1]x":                   "",
		"[::1%25eth0]":             "",
		"[fe80::1%eth0]":           "",
		"[127.0.0.1]":              "",
		"[hub.example.org]":        "",
		strings.Repeat("a", 64):    "",
		strings.Repeat("a.", 127):  "",
		strings.Repeat("a.", 126):  "",
		strings.Repeat("ab.", 100): "",
	} {
		got, ok := Canonical(text, true)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, ok, want)
		}
	}
	if got, _ := Canonical("hub.example.org:80", false); got != "hub.example.org" {
		t.Errorf("the default port of http: %q", got)
	}
	if got, _ := Canonical("hub.example.org:443", false); got != "hub.example.org:443" {
		t.Errorf("the default port of https over http: %q", got)
	}
}

// What is accepted reads the same again, as a URL too, and is plain.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{"Hub.example.org:443", "a.b.", "[::1]:80", "u:p@h", "jürgen.example", "a:1:2", "xn--a"} {
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, secure bool) {
		host, ok := Canonical(text, secure)
		if !ok {
			if host != "" {
				t.Fatalf("%q is refused and reads as %q", text, host)
			}
			return
		}
		if again, ok := Canonical(host, secure); !ok || again != host {
			t.Fatalf("%q: %q, then %q", text, host, again)
		}
		if strings.ToLower(text) != host && !strings.HasPrefix(strings.ToLower(text), host+":") {
			t.Fatalf("%q became %q", text, host)
		}
		u, err := url.Parse("https://" + host + "/path")
		if err != nil || u.Host != host || u.User != nil || u.Path != "/path" {
			t.Fatalf("%q: a URL with %q reads as %+v, %v", text, host, u, err)
		}
	})
}
