package gate_test

import (
	"net/http"
	"net/url"
	"testing"
)

// testForeignPages: what another site makes a browser do, the cookies do not
// speak for.
func testForeignPages(t *testing.T, h *hub) {
	const path = "/user/alice/api/contents/x"
	cookie := byCookie(h.cookies(t, h.alice, path))
	const foreign = "Origin: https://evil.example.com"
	for name, test := range map[string]struct {
		method string
		lines  []string
	}{
		"form":                 {"POST", []string{foreign, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Content-Type: application/x-www-form-urlencoded"}},
		"form, null":           {"POST", []string{"Origin: null", "Sec-Fetch-Mode: navigate"}},
		"form, old browser":    {"POST", []string{foreign}},
		"fetch":                {"GET", []string{foreign, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"}},
		"fetch, no-cors":       {"GET", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}},
		"image":                {"GET", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}},
		"script, sibling site": {"GET", []string{"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"}},
		"PUT":                  {"PUT", []string{foreign}},
		"DELETE":               {"DELETE", []string{foreign}},
		"method of its own":    {"FROBNICATE", []string{foreign}},
		"two Sec-Fetch-Site":   {"GET", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"}},
	} {
		raw := h.head(test.method, path, append([]string{cookie, "Content-Length: 0"}, test.lines...)...) + "\r\n"
		if got := h.send(t, raw); got.StatusCode != http.StatusForbidden || got.forwarded() {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, lines := range map[string][]string{
		"a link on another site":   {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"},
		"a script of one's own":    {"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"},
		"a token, from anywhere":   {byToken(h.aliceToken), foreign, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"},
		"an address typed by hand": {"Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"},
	} {
		target := path
		if name == "a script of one's own" {
			target = "/user/alice/static/x.js" // data needs more than that
		}
		if got := h.get(t, target, append([]string{cookie}, lines...)...); !got.forwarded() {
			t.Errorf("%s: %s", name, got)
		}
	}
	write := h.head("PUT", path, byToken(h.aliceToken), foreign, "Content-Length: 2") + "\r\n{}"
	if seen := h.send(t, write).request(t); seen.Method != "PUT" || seen.Body != "{}" {
		t.Errorf("PUT by token: %+v", seen)
	}
}

// testXSRF: pages of all users share an origin. A script proves by its token
// that it runs on a page of this session and server.
func testXSRF(t *testing.T, h *hub) {
	const path = "/user/alice/api/contents/x"
	h.alice.Do(http.MethodGet, "/user/alice/x", nil, "Sec-Fetch-Mode", "navigate")
	found := h.alice.Cookie(path, "_xsrf")
	if found == nil {
		t.Fatal("a page of the server brought no token")
	}
	alice := found.Value
	second := h.LogIn("alice")
	second.Do(http.MethodGet, "/user/alice/x", nil, "Sec-Fetch-Mode", "navigate")
	otherSession := second.Cookie(path, "_xsrf")
	if otherSession == nil || otherSession.Value == alice {
		t.Fatalf("token of another session: %v", otherSession)
	}
	hubPage := h.alice.Do(http.MethodGet, "/hub/home", nil, "Sec-Fetch-Mode", "navigate")
	hubToken := h.alice.Cookie("/hub/home", "_xsrf")
	if hubPage.Status != http.StatusOK || hubToken == nil {
		t.Fatalf("no token for pages of the hub: %s", hubPage)
	}
	cookie := byCookie(h.cookies(t, h.alice, path))
	fetch := []string{cookie, "Origin: " + h.URL, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"}
	for name, test := range map[string]struct {
		line string
		want int
	}{
		"none":                 {"X-None: x", 403},
		"right":                {"X-XSRFToken: " + alice, 200},
		"right, other header":  {"X-CSRFToken: " + alice, 200},
		"one character off":    {"X-XSRFToken: " + alice[:len(alice)-2] + "xx", 403},
		"empty":                {"X-XSRFToken: ", 403},
		"of another session":   {"X-XSRFToken: " + otherSession.Value, 403},
		"of the hub's pages":   {"X-XSRFToken: " + hubToken.Value, 403},
		"by the cookie alone":  {"Cookie: _xsrf=" + alice, 403},
		"right among the rest": {"X-XSRFToken: x\r\nX-XSRFToken: " + alice, 200},
	} {
		for _, method := range []string{"GET", "POST"} {
			got := h.send(t, h.head(method, path, append(fetch, test.line, "Content-Length: 0")...)+"\r\n")
			if got.StatusCode != test.want || got.forwarded() != (test.want == 200) {
				t.Errorf("%s, %s: %s", method, name, got)
			}
		}
	}
	if got := h.get(t, path+"?_xsrf="+url.QueryEscape(alice), fetch...); !got.forwarded() {
		t.Errorf("in the query: %s", got)
	}
}
