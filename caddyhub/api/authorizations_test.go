package api_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestWhoseCookie asks whose login a cookie is, as programs of before OAuth do.
func TestWhoseCookie(t *testing.T) {
	h := newHub(t)
	cookie, xsrf := h.session("ada")
	value := url.PathEscape(cookie)
	all, own := h.token("root", "read:users:name"), h.token("root", "self")
	for _, c := range []struct {
		path, token string
		status      int
		want        string
	}{
		{"/authorizations/cookie/caddyhub-session/" + value, all, 200, `{"admin":false,"kind":"user","name":"ada"}`},
		{"/authorizations/cookie/__Host-caddyhub-session/" + value, all, 200, ""},
		{"/authorizations/cookie/caddyhub-session/" + value, own, 200, `{}`},
		{"/authorizations/cookie/jupyterhub-hub-login/" + value, all, 404, "Not Found"},
		{"/authorizations/cookie/caddyhub-session/" + value[:20], all, 404, "Not Found"},
		{"/authorizations/cookie/caddyhub-session", all, 404, "Not Found"},
		{"/authorizations/cookie/caddyhub-session/", all, 404, "Not Found"},
		{"/authorizations/cookie/caddyhub-session/" + value, "", 403, "Forbidden"},
		{"/authorizations/cookie/caddyhub-session/" + value, "wrong-token", 403, "Forbidden"},
	} {
		h.expect(request{method: "GET", path: c.path, token: c.token}, c.status, c.want)
	}
	byCookie := request{method: "GET", path: "/authorizations/cookie/caddyhub-session/" + value, cookie: cookie}
	h.expect(byCookie.with("X-XSRFToken", xsrf), 403, "Forbidden")
	h.expect(request{method: "POST", path: "/authorizations/token"}, 404, "Deprecated endpoint /hub/api/authorizations/token"+
		" is removed in JupyterHub 2.0. Use /hub/api/users/:user/tokens instead.")

	for body, status := range map[string]int{cookie: 200, cookie + strings.Repeat("x", 5000): 404} {
		wire := httptest.NewRequest("GET", "/hub/api/authorizations/cookie/caddyhub-session", strings.NewReader(body))
		wire.Header.Set("Authorization", "token "+all)
		if got := h.raw(wire); got.Code != status {
			t.Errorf("in the body, %d bytes: %d %s", len(body), got.Code, got.Body)
		}
	}
}
