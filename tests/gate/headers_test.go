package gate_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// identityHeaders say upstream who visits. Nobody else may.
var identityHeaders = []string{"X-Forwarded-User", "Remote-User", "X-Remote-User", "X-JupyterHub-User"}

// spellings are a name with every mix of "-", "_" and "." for its dashes, each
// as written, in lower and in upper case.
func spellings(name string) []string {
	mixed := []string{""}
	for i, part := range strings.Split(name, "-") {
		var longer []string
		for _, begin := range mixed {
			if i == 0 {
				longer = append(longer, part)
				continue
			}
			for _, dash := range []string{"-", "_", "."} {
				longer = append(longer, begin+dash+part)
			}
		}
		mixed = longer
	}
	var all []string
	for _, one := range mixed {
		all = append(all, one, strings.ToLower(one), strings.ToUpper(one))
	}
	return all
}

// testIdentityHeaders: no upstream hears from a client who the visitor is.
func testIdentityHeaders(t *testing.T, h *hub) {
	for _, path := range []string{"/user/alice/x", "/services/alice/x"} {
		for _, credentials := range []string{byToken(h.aliceToken), byCookie(h.cookies(t, h.alice, path))} {
			for _, name := range identityHeaders {
				lines := []string{credentials, "X-Kept: kept"}
				for _, spelling := range spellings(name) {
					lines = append(lines, spelling+": mallory")
				}
				seen := h.get(t, path, lines...).request(t)
				for key, values := range seen.Header {
					if slices.Contains(values, "mallory") {
						t.Errorf("%s %.20s: %s reached the upstream: %v", path, credentials, key, values)
					}
				}
				if seen.Header.Get("X-Kept") != "kept" {
					t.Errorf("%s: another header did not arrive: %v", path, seen.Header)
				}
			}
		}
	}
}

// testConnection: what Connection names is removed by proxies; a client could
// name what the gate has set.
func testConnection(t *testing.T, h *hub) {
	path := "/user/alice/x"
	cookies := h.cookies(t, h.alice, path)
	for _, line := range []string{
		"Connection: close, Authorization, Cookie, X-Forwarded-For, X-Forwarded-Host, X-Kept",
		"Connection: Authorization\r\nConnection: keep-alive, cookie\r\nConnection: X-KEPT, x-forwarded-for, x-forwarded-host",
		"connection: authorization,cookie,x-forwarded-for,x-forwarded-host,x-kept",
	} {
		seen := h.get(t, path, byCookie(cookies+"; mine=1"), "X-Kept: kept", line).request(t)
		for _, name := range []string{"Authorization", "Cookie", "X-Forwarded-For", "X-Forwarded-Host", "X-Kept"} {
			if seen.Header.Get(name) == "" {
				t.Errorf("%q removed %s", line, name)
			}
		}
	}
}

// testForwardedHeaders: from a client that is no trusted proxy they decide
// nothing, neither here nor behind.
func testForwardedHeaders(t *testing.T, h *hub) {
	lines := []string{
		"X-Forwarded-For: 10.9.8.7", "X-Forwarded-Host: evil.example.com", "X-Forwarded-Proto: https",
		"X-Forwarded-Port: 443", "X-Forwarded-Prefix: /evil", "X-Forwarded-Uri: /hub/health", "X-Forwarded-Method: GET",
		"Forwarded: for=10.9.8.7;host=evil.example.com;proto=https", "X-Real-IP: 10.9.8.7",
		"X-Original-URL: /hub/health", "X-Rewrite-URL: /hub/health", "X-HTTP-Method-Override: GET",
	}
	anonymous := h.get(t, "/user/alice/x", append(lines, "Sec-Fetch-Mode: navigate")...)
	if location := anonymous.Header.Get("Location"); anonymous.StatusCode != http.StatusFound || !strings.HasPrefix(location, "/hub/login?next=%2Fuser%2Falice%2Fx") {
		t.Errorf("anonymous: %s", anonymous)
	}
	login := h.get(t, "/hub/login", lines...)
	if len(login.Header["Set-Cookie"]) == 0 {
		t.Errorf("no cookie to look at: %s", login)
	}
	for _, cookie := range login.Header["Set-Cookie"] {
		if strings.Contains(cookie, "Secure") || strings.Contains(cookie, "evil") {
			t.Errorf("X-Forwarded-Proto or -Host changed a cookie: %s", cookie)
		}
	}
	seen := h.get(t, "/user/alice/x", append(lines, byToken(h.aliceToken))...).request(t)
	for name, want := range map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": strings.TrimPrefix(h.URL, "http://"), "X-Forwarded-Proto": "http",
	} {
		if got := seen.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: upstream sees %q, want %q", name, got, want)
		}
	}
	if seen.Method != http.MethodGet || seen.Target != "/user/alice/x" {
		t.Errorf("forwarded %s %s", seen.Method, seen.Target)
	}
}
