package gate_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// visitor is the token that the edge gave the upstream for a request.
func visitor(t *testing.T, got answer) string {
	t.Helper()
	values := got.request(t).Header.Values("Authorization")
	if len(values) != 1 || !strings.HasPrefix(values[0], "token ") {
		t.Fatalf("Authorization upstream: %q", values)
	}
	return strings.TrimPrefix(values[0], "token ")
}

// testVisitorToken: the upstream gets a token of the visitor's own, with which
// the hub says who visits, and which opens this server and no other.
func testVisitorToken(t *testing.T, h *hub) {
	const path = "/user/alice/x"
	token := visitor(t, h.get(t, path, byCookie(h.cookies(t, h.alice, path))))
	var who struct {
		Name   string
		Kind   string
		Admin  bool
		Scopes []string
	}
	h.API(token).Do(http.MethodGet, "/hub/api/user", nil).JSON(t, &who)
	if who.Name != "alice" || who.Kind != "user" || !slices.Contains(who.Scopes, "access:servers!server=alice/") {
		t.Errorf("/hub/api/user: %+v", who)
	}
	for _, scope := range who.Scopes {
		if scope != "access:servers!server=alice/" && !strings.HasPrefix(scope, "read:users:name!user=alice") && !strings.HasPrefix(scope, "read:users:groups!user=alice") {
			t.Errorf("it may %s", scope)
		}
	}
	for _, refused := range []struct{ method, path string }{
		{"GET", "/hub/api/users"}, {"GET", "/hub/api/users/bob"}, {"POST", "/hub/api/users/alice/tokens"},
		{"DELETE", "/hub/api/users/alice/server"}, {"POST", "/hub/api/users/alice/servers/second"}, {"GET", "/hub/api/proxy"},
		{"GET", "/user/bob/x"}, {"GET", "/services/alice/x"},
	} {
		if got := h.API(token).Do(refused.method, refused.path, nil); got.Status != http.StatusForbidden && got.Status != http.StatusNotFound {
			t.Errorf("%s %s by the token of a visit: %s", refused.method, refused.path, got)
		}
	}
	if got := h.get(t, path, byToken(token)); !got.forwarded() {
		t.Errorf("its own server: %s", got)
	}
	// At a service it is another one, for that service.
	served := visitor(t, h.get(t, "/services/alice/x", byCookie(h.cookies(t, h.alice, "/services/alice/x"))))
	if got := h.get(t, path, byToken(served)); served == token || got.forwarded() {
		t.Errorf("the token for a service opens a server: %s", got)
	}
	// A token that a client brings is passed on as it is.
	if got := visitor(t, h.get(t, path, byToken(h.aliceToken))); got != h.aliceToken {
		t.Errorf("a client's own token became %.12s…", got)
	}
}

// testStaleVisitorToken: pages learn the token and send it back after it has run
// out, in the header or in the URL. The session beside it decides.
func testStaleVisitorToken(t *testing.T, h *hub) {
	const path = "/user/alice/x"
	before := h.LogIn("alice")
	stale := visitor(t, h.get(t, path, byCookie(h.cookies(t, before, path))))
	logOut(t, h, before)
	wantJSON(t, "without a session", h.get(t, path, byToken(stale)), http.StatusUnauthorized)

	cookie := byCookie(h.cookies(t, h.alice, path))
	for name, test := range map[string]struct {
		target string
		lines  []string
		want   string
	}{
		"in the header": {path + "?a=1", []string{byToken(stale)}, path + "?a=1"},
		"as bearer":     {path, []string{"Authorization: Bearer " + stale}, path},
		"in the URL":    {path + "?a=%2F&token=" + url.QueryEscape(stale) + "&b", nil, path + "?a=%2F&b"},
		"in both":       {path + "?token=" + url.QueryEscape(stale), []string{byToken(stale)}, path},
		"garbled":       {path, []string{byToken(stale[:len(stale)-3] + "xyz")}, path},
	} {
		got := h.get(t, test.target, append([]string{cookie}, test.lines...)...)
		if fresh := visitor(t, got); fresh == stale || h.API(fresh).Do(http.MethodGet, "/hub/api/user", nil).Status != http.StatusOK {
			t.Errorf("%s: the upstream got no fresh token", name)
		}
		if seen := strings.TrimSuffix(got.request(t).Target, "?"); seen != test.want {
			t.Errorf("%s: forwarded %q, want %q", name, seen, test.want)
		}
		if strings.Contains(string(got.body), stale) {
			t.Errorf("%s: the stale token went upstream", name)
		}
	}
	// Of somebody else's session it proves nothing either.
	bobs := h.get(t, path, byCookie(h.cookies(t, h.bob, path)), byToken(stale))
	if bobs.StatusCode != http.StatusForbidden || bobs.forwarded() {
		t.Errorf("bob with a token that alice had: %s", bobs)
	}
	// ?token= that is not the edge's is no credential, and not the edge's to remove.
	foreign := h.get(t, path+"?token=theirs", byToken(h.aliceToken)).request(t)
	if foreign.Target != path+"?token=theirs" {
		t.Errorf("another token in the URL: forwarded %q", foreign.Target)
	}
	if got := h.get(t, path+"?token="+h.aliceToken, fetch...); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token in the URL logs in: %s", got)
	}
}

// testAmbiguousTokens: the gate and the upstream must not read different ones.
func testAmbiguousTokens(t *testing.T, h *hub) {
	for name, lines := range map[string][]string{
		"two tokens":              {byToken(h.aliceToken), byToken(h.bobToken)},
		"the same twice":          {byToken(h.aliceToken), byToken(h.aliceToken)},
		"one of another scheme":   {"Authorization: Basic YTpi", byToken(h.aliceToken)},
		"one of another scheme b": {byToken(h.aliceToken), "Authorization: Basic YTpi"},
	} {
		if got := h.get(t, "/user/alice/x", lines...); got.StatusCode != http.StatusBadRequest || got.forwarded() {
			t.Errorf("%s: %s", name, got)
		}
	}
}
