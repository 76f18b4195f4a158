package api_test

import (
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// A limited session makes no token that is worth more than itself, and acts as no
// administrator.
func TestLimitedSession(t *testing.T) {
	h := newHub(t)
	cookie, xsrf := h.limitedSession("root", &identity.Limit{Scopes: []string{"tokens!user=root", "read:users!user=root", "admin:users!user=ada"}})
	ask := func(method, path, body string) request {
		return request{method: method, path: path, cookie: cookie, body: body}.with("X-XSRFToken", xsrf)
	}
	h.expect(ask("POST", "/users/root/tokens", `{"scopes": ["inherit"]}`), 403, "A token that inherits everything cannot be made in a session that is limited")
	h.expect(ask("POST", "/users/root/tokens", `{}`), 403, "A token that inherits everything cannot be made in a session that is limited")
	h.expect(ask("POST", "/users/root/tokens", `{"scopes": ["shutdown"]}`), 400, "")
	h.expect(ask("POST", "/users/root/tokens", `{"scopes": ["admin:users"]}`), 400, "")
	h.expect(ask("POST", "/users/root/tokens", `{"scopes": ["read:users!user=root"]}`), 201, "")
	h.expect(ask("PATCH", "/users/ada", `{"admin": true}`), 403, "")
	full, proof := h.session("root")
	h.expect(request{method: "POST", path: "/users/root/tokens", cookie: full, body: `{"scopes": ["inherit"]}`}.with("X-XSRFToken", proof), 201, "")
}
