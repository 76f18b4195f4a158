package accesslog

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMaskURI: what JupyterHub hides, and what it does not think of; all else
// stays as it was sent.
func TestMaskURI(t *testing.T) {
	for uri, want := range map[string]string{
		"/hub/home":                                "/hub/home",
		"/hub/home?":                               "/hub/home?",
		"/hub/api/users?limit=5&offset=%zz":        "/hub/api/users?limit=5&offset=%zz",
		"/x?token=abc":                             "/x?token=[secret]",
		"/x?a=b&access_token=abc;c=d&d":            "/x?a=b&access_token=[secret];c=d&d",
		"/x?TOKEN=abc&%74oken=abc&to%6ben=abc":     "/x?TOKEN=[secret]&%74oken=[secret]&to%6ben=[secret]",
		"/hub/oauth_callback?code=c&state=s":       "/hub/oauth_callback?code=[secret]&state=[secret]",
		"/hub/accept-share?code=abc":               "/hub/accept-share?code=[secret]",
		"/x?_xsrf=a&author=me&keyboard=1":          "/x?_xsrf=[secret]&author=[secret]&keyboard=[secret]",
		"/x?password=p&SAMLResponse=s&otp=1":       "/x?password=[secret]&SAMLResponse=[secret]&otp=[secret]",
		"/x?token=&token":                          "/x?token=&token",
		"/x?token=a=b":                             "/x?token=[secret]",
		"/hub/api/authorizations/token/abc":        "/hub/api/authorizations/token/[secret]",
		"/hub/api/authorizations/cookie/n/abc?x":   "/hub/api/authorizations/cookie/n/[secret]?x",
		"/hub/login?next=%2Fuser%2Fada%2Ftree":     "/hub/login?next=%2Fuser%2Fada%2Ftree",
		"/hub/login?next=%2Fx%3Ftoken%3Dabc%26a":   "/hub/login?next=%2Fx%3Ftoken%3D%5Bsecret%5D%26a",
		"/x#access_token=abc":                      "/x#access_token=[secret]",
		"/x?a=b#id_token=abc":                      "/x?a=b#id_token=[secret]",
		"https://idp.example.org/auth?state=a&n=b": "https://idp.example.org/auth?state=[secret]&n=b",
		"*": "*",
		"/hub/login?next=" + url.QueryEscape("/hub/login?next="+url.QueryEscape("/x?code=abc")): "/hub/login?next=" +
			url.QueryEscape("/hub/login?next="+url.QueryEscape("/x?code=[secret]")),
	} {
		if got := MaskURI(uri); got != want {
			t.Errorf("%s\n got %s\nwant %s", uri, got, want)
		}
	}
}

// TestMaskHeader: credentials in headers that Caddy does not know.
func TestMaskHeader(t *testing.T) {
	plain := http.Header{"Accept": {"text/html"}, "Referer": {"https://hub/x?a=b"}, "Sec-Websocket-Key": {"x"}}
	if got, changed := maskHeader(plain); changed || cmp.Diff(plain, got) != "" {
		t.Errorf("nothing to hide, and got %v", got)
	}
	secret := http.Header{
		"Accept": {"text/html"}, "X-Grafana": {"eyJhbGciOiJFUzI1NiJ9.e30.AA", "eyJ"}, "X-Xsrftoken": {"abc"}, "X-Auth-Token": {"abc", "abc"}, "X-Api-Key": {"abc"},
		"Referer":                {"https://hub/x?a=b&token=abc"},
		"Location":               {"/hub/api/oauth2/authorize?client_id=c&state=abc"},
		"Sec-Websocket-Protocol": {"v1.kernel.websocket.jupyter.org, 0123456789abcdef0123456789abcdef, graphql-ws"},
	}
	want := http.Header{
		"Accept": {"text/html"}, "X-Grafana": {redacted, "eyJ"}, "X-Xsrftoken": {redacted}, "X-Auth-Token": {redacted, redacted}, "X-Api-Key": {redacted},
		"Referer":                {"https://hub/x?a=b&token=[secret]"},
		"Location":               {"/hub/api/oauth2/authorize?client_id=c&state=[secret]"},
		"Sec-Websocket-Protocol": {"v1.kernel.websocket.jupyter.org, REDACTED, graphql-ws"},
	}
	got, changed := maskHeader(secret)
	if diff := cmp.Diff(want, got); !changed || diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if secret.Get("X-Api-Key") != "abc" {
		t.Error("the header of the request itself was changed")
	}
}

// FuzzMaskURI: whatever stands around it, a token that is sent as a parameter is
// not logged; and masking twice hides nothing more.
func FuzzMaskURI(f *testing.F) {
	f.Add("/hub/login", "next", "a=b&c", "#d")
	f.Add("/x?y=z", "%74oken", "", "&e")
	f.Fuzz(func(t *testing.T, path, before, name, after string) {
		const secret = "0123456789secretsecret"
		if strings.ContainsAny(name, "?#&;=") {
			name = ""
		}
		uri := path + "?" + before + "&" + name + "token=" + secret + "&" + after
		masked := MaskURI(uri)
		if strings.Contains(masked, secret) {
			t.Errorf("%q becomes %q", uri, masked)
		}
		if MaskURI(uri) != masked {
			t.Errorf("%q does not always become %q", uri, masked)
		}
		if nested := MaskURI("/hub/login?next=" + url.QueryEscape(uri)); strings.Contains(nested, secret) {
			t.Errorf("nested, %q becomes %q", uri, nested)
		}
	})
}
