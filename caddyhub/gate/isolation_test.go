package gate

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeepApart(t *testing.T) {
	h := http.Header{}
	KeepApart(h)
	if got := h.Get(openerPolicy); got != "same-origin-allow-popups" {
		t.Errorf("policy %q", got)
	}
	h.Set(openerPolicy, "unsafe-none")
	KeepApart(h)
	if got := h.Get(openerPolicy); got != "unsafe-none" {
		t.Errorf("the policy of an upstream became %q", got)
	}
	other := http.Header{}
	KeepApart(other)
	if got := other.Get(openerPolicy); got != "same-origin-allow-popups" {
		t.Errorf("answers share a list that one has changed: %q", got)
	}
}

func TestKeepUncached(t *testing.T) {
	for name, test := range map[string]struct {
		store      bool
		from, want http.Header
	}{
		"page":      {false, http.Header{"Cache-Control": {"public, max-age=60"}, "Expires": {"x"}}, http.Header{"Cache-Control": {"no-store"}}},
		"script":    {true, http.Header{"Cache-Control": {"max-age=60"}}, http.Header{"Cache-Control": {"max-age=60"}, "Vary": proofs}},
		"with Vary": {true, http.Header{"Vary": {"Accept"}}, http.Header{"Vary": {"Accept", proofs[0]}}},
	} {
		KeepUncached(test.from, test.store)
		if diff := cmp.Diff(test.want, test.from); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestConfinement(t *testing.T) {
	for name, test := range map[string]struct {
		origin, prefix string
		want           string
	}{
		"https":        {"https://hub.example.org", "/user/mallory/", "https://hub.example.org/user/mallory/"},
		"http":         {"http://hub.example.org:8000", "/base/user/m/", "http://hub.example.org:8000/base/user/m/"},
		"default port": {"https://hub.example.org:443", "/user/m/", "https://hub.example.org/user/m/"},
		"name":         {"https://hub.example.org", "/user/a;b,c/", "https://hub.example.org/user/a%3Bb%2Cc/"},
		"no origin":    {"https://hub.example.org; frame-src *", "/user/m/", ""},
	} {
		h := http.Header{"Content-Security-Policy": {"default-src 'self'"}, openerPolicy: {"unsafe-none"}}
		if status := NewConfinement(test.origin, test.prefix).Apply(httptest.NewRequest("GET", "/", nil), h, 200); status != 200 {
			t.Errorf("%s: status %d", name, status)
		}
		policies := h["Content-Security-Policy"]
		if len(policies) != 2 || policies[0] != "default-src 'self'" || h.Get(openerPolicy) != "same-origin" {
			t.Fatalf("%s: %v", name, h)
		}
		got := map[string][]string{}
		for directive := range strings.SplitSeq(policies[1], ";") {
			words := strings.Fields(directive)
			got[words[0]] = words[1:]
		}
		frames, sockets := []string{"data:", "blob:"}, []string{"http:", "https:", "data:", "blob:"}
		if test.want != "" {
			frames, sockets = append(frames, test.want), append(sockets, "ws"+strings.TrimPrefix(test.want, "http"))
		}
		want := map[string][]string{"connect-src": sockets, "frame-src": frames, "worker-src": frames, "object-src": frames}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A browser does not look at the path of a frame again once it was redirected.
func TestConfinedRedirects(t *testing.T) {
	confinement := NewConfinement("https://hub.example.org", "/user/mallory/")
	for location, stays := range map[string]bool{
		"/user/mallory/a":                        true,
		"b?c":                                    true,
		"./b":                                    true,
		"":                                       true,
		"?x":                                     true,
		"https://hub.example.org/user/mallory/a": true,
		"https://elsewhere.example.org/user/ada/lab": true,
		"/user/ada/lab":                        false,
		"/user/mallory":                        false,
		"/user/malloryx/":                      false,
		"../ada/lab":                           true,
		"../../ada/lab":                        false,
		"../../../hub/home":                    false,
		"/user/mallory/../ada/lab":             false,
		"/user/mallory/..%2fada/lab":           false,
		"//hub.example.org/user/ada/lab":       false,
		"https://HUB.example.org/user/ada/lab": false,
		"https:/user/ada/lab":                  false,
		"https:user/ada/lab":                   false,
		`\user\ada\lab`:                        false,
		"/\t/hub.example.org/user/ada":         false,
		"/%zz":                                 false,
		"/":                                    false,
	} {
		for _, dest := range []string{"iframe", "frame", "object", "embed", "worker", "something-new", "document", "empty", ""} {
			r := httptest.NewRequest("GET", "https://hub.example.org/user/mallory/deep/r", nil)
			if dest != "" {
				r.Header.Set("Sec-Fetch-Dest", dest)
			}
			h := http.Header{"Location": {location}}
			status := confinement.Apply(r, h, http.StatusFound)
			want := stays || slices.Contains([]string{"document", "empty", ""}, dest)
			if want != (status == http.StatusFound) || want != (len(h["Location"]) == 1) {
				t.Errorf("%q into %q: %d %v, want it to pass: %v", location, dest, status, h["Location"], want)
			}
		}
	}
	r := httptest.NewRequest("GET", "/user/mallory/r", nil)
	r.Header.Set("Sec-Fetch-Dest", "iframe")
	h := http.Header{"Location": {"/user/mallory/a", "/user/ada/lab"}}
	if status := confinement.Apply(r, h, http.StatusFound); status != http.StatusForbidden {
		t.Errorf("two redirects: %d", status)
	}
}

func TestConfinedServiceWorker(t *testing.T) {
	r := httptest.NewRequest("GET", "/user/mallory/worker.js", nil)
	r.Header.Set("Service-Worker", "script")
	request := Request{Class: Classify(r, Path{}), Method: "GET", URI: "/user/mallory/worker.js"}
	subject := Subject{Identity: IdentityVerified, XSRF: XSRFPassed, Access: AccessGranted, Confined: true}
	if got := Decide(request, subject, Resource{State: StateReady}, Links{}); got.Allowed() || got.Status != http.StatusForbidden {
		t.Errorf("worker of another's server: %+v", got)
	}
	subject.Confined = false
	if got := Decide(request, subject, Resource{State: StateReady}, Links{}); !got.Allowed() {
		t.Errorf("worker of one's own: %+v", got)
	}
}
