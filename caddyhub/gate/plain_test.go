package gate

import (
	"bufio"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// TestPlain: an app may have what would be ambiguous in the first segments of a
// hub's paths, and nothing that means two things anywhere.
func TestPlain(t *testing.T) {
	for target, want := range map[string]error{
		"/":                                      nil,
		"/api/projects/group%2Fproject":          nil,
		"//double//slashes/":                     nil,
		"/a;version=1/b":                         nil,
		"/d/%C3%A4?q=../..":                      nil,
		"http://app.example.org/absolute":        nil,
		"/a/../b":                                ErrPathDots,
		"/a/%2e%2e/b":                            ErrPathDots,
		"/a/%252e%252e/b":                        ErrPathDots,
		"/a/..;/b":                               ErrPathDots,
		"/a/..%2fb":                              ErrPathDots,
		"/a\\b":                                  ErrPathByte,
		"/a%5cb":                                 ErrPathByte,
		"/a%00":                                  ErrPathByte,
		"/%ff":                                   ErrPathEncoding,
		"/" + strings.Repeat("a", MaxPathLength): ErrPathLength,
		"*":                                      ErrPathForm,
	} {
		method := http.MethodGet
		if target == "*" {
			method = http.MethodOptions
		}
		request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: app.example.org\r\n\r\n")))
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		if path, err := Plain(request); !errors.Is(err, want) || want == nil && !strings.HasSuffix(strings.Split(target, "?")[0], path.String()) {
			t.Errorf("%s: %q, %v, want %v", target, path, err, want)
		}
	}
}

// TestSanitizeCookies: what acts on a whole origin is the app's own affair if it
// has one to itself; our cookies are not.
func TestSanitizeCookies(t *testing.T) {
	hygiene := NewHygiene(HygieneOptions{Cookies: []string{"session"}, HubHost: "hub.example.org"})
	h := http.Header{
		"Strict-Transport-Security": {"max-age=1"}, "Clear-Site-Data": {"*"}, "Service-Worker-Allowed": {"/"},
		"Set-Cookie": {"session=x", "own=y; Path=/", "tossed=z; Domain=example.org"},
	}
	hygiene.SanitizeCookies(h)
	if len(h) != 4 || len(h["Set-Cookie"]) != 1 || h["Set-Cookie"][0] != "own=y; Path=/" {
		t.Errorf("left: %v", h)
	}
}
