package gate_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// Callers, by what they send.
var (
	navigation = []string{"Sec-Fetch-Mode: navigate", "Accept: text/html"}
	oldBrowser = []string{"Accept: text/html,application/xhtml+xml,*/*;q=0.8"}
	fetch      = []string{"Sec-Fetch-Mode: cors", "Accept: */*"}
	xhr        = []string{"X-Requested-With: XMLHttpRequest"}
	jsonClient = []string{"Accept: application/json"}
)

// testRefusals: a person is sent to the login, everybody else is told.
func testRefusals(t *testing.T, h *hub) {
	for name, lines := range map[string][]string{"navigation": navigation, "old browser": oldBrowser, "curl": nil} {
		got := h.get(t, "/user/alice/lab?a=1&b=%2F", lines...)
		if want := "/hub/login?next=%2Fuser%2Falice%2Flab%3Fa%3D1%26b%3D%252F"; got.StatusCode != http.StatusFound || got.Header.Get("Location") != want {
			t.Errorf("%s: %s, want a redirect to %s", name, got, want)
		}
	}
	for name, lines := range map[string][]string{
		"fetch": fetch, "XHR": xhr, "JSON client": jsonClient, "WebSocket": handshake,
		"wrong token": {byToken("wrong")}, "wrong token that wants HTML": {byToken("wrong"), "Accept: text/html"},
		"wrong token beside a good cookie": {byToken("wrong"), byCookie(h.cookies(t, h.alice, "/user/alice/"))},
		"wrong cookie":                     append([]string{"Cookie: caddyhub-session=wrong"}, fetch...),
	} {
		got := h.get(t, "/user/alice/lab", lines...)
		if name == "wrong token that wants HTML" && got.StatusCode == http.StatusFound {
			t.Errorf("%s: %s", name, got)
		}
		wantJSON(t, name, got, http.StatusUnauthorized)
	}
	wantJSON(t, "path below api", h.get(t, "/user/alice/api/status"), http.StatusUnauthorized)
	form := h.send(t, h.head("POST", "/user/alice/x", append([]string{"Content-Length: 0"}, navigation...)...)+"\r\n")
	if form.StatusCode != http.StatusForbidden || form.Header.Get("Location") != "" {
		t.Errorf("form: %s", form)
	}
}

// testStopped: 424 with the way to start it, as JupyterHub answers; a page of a
// server that is starting waits for it.
func testStopped(t *testing.T, h *hub) {
	token := byToken(h.bobToken)
	page := h.get(t, "/user/bob/lab", append([]string{byCookie(h.cookies(t, h.bob, "/user/bob/lab"))}, navigation...)...)
	if page.StatusCode != http.StatusFailedDependency || !strings.Contains(string(page.body), "/hub/spawn/bob") ||
		!strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
		t.Errorf("page: %s", page)
	}
	for name, lines := range map[string][]string{"fetch": fetch, "JSON client": jsonClient, "WebSocket": handshake} {
		wantJSON(t, name, h.get(t, "/user/bob/lab", append([]string{token}, lines...)...), http.StatusFailedDependency)
	}
	wantJSON(t, "API path", h.get(t, "/user/bob/api/contents", token), http.StatusFailedDependency)
	wantJSON(t, "named server", h.get(t, "/user/bob/nothing/api", token), http.StatusFailedDependency)

	carol := h.LogIn("carol")
	carolToken := h.Token("carol")
	release := upstream.Hold(t, h.Hub, "carol")
	upstream.StartHeld(t, h.Hub, carolToken, "carol")
	waiting := h.get(t, "/user/carol/lab", append([]string{byCookie(h.cookies(t, carol, "/user/carol/lab"))}, navigation...)...)
	if want := "/hub/spawn-pending/carol?next=%2Fuser%2Fcarol%2Flab"; waiting.StatusCode != http.StatusSeeOther || waiting.Header.Get("Location") != want {
		t.Errorf("page of a starting server: %s, want 303 to %s", waiting, want)
	}
	wantJSON(t, "fetch from a starting server", h.get(t, "/user/carol/lab", append([]string{byToken(carolToken)}, fetch...)...), http.StatusFailedDependency)
	release()
	h.API(carolToken).WaitServer("carol", "", true)
	if got := h.get(t, "/user/carol/lab", byToken(carolToken)); !got.forwarded() {
		t.Errorf("started: %s", got)
	}
}

// testOthersServers: another user's server is refused, whatever the caller is,
// and what is not running is not even there.
func testOthersServers(t *testing.T, h *hub) {
	token := byToken(h.bobToken)
	wantJSON(t, "running", h.get(t, "/user/alice/api/x", token), http.StatusForbidden)
	wantJSON(t, "WebSocket", h.get(t, "/user/alice/ws", append([]string{token}, handshake...)...), http.StatusForbidden)
	wantJSON(t, "service", h.get(t, "/services/alice/api/x", token), http.StatusForbidden)
	wantJSON(t, "not running", h.get(t, "/user/root/api/x", token), http.StatusNotFound)
	wantJSON(t, "no such user", h.get(t, "/user/nobody-at-all/api/x", token), http.StatusNotFound)
	page := h.get(t, "/user/alice/lab", append([]string{byCookie(h.cookies(t, h.bob, "/user/alice/lab"))}, navigation...)...)
	if page.StatusCode != http.StatusForbidden || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || page.forwarded() {
		t.Errorf("page: %s", page)
	}
	for _, path := range []string{"/user/alic/x", "/user/alicex/x", "/user/ALICE/x", "/user/al/x"} {
		if got := h.get(t, path, token); got.forwarded() || got.StatusCode < 400 {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// testNothingRevealed: without credentials, what exists looks like what does not.
func testNothingRevealed(t *testing.T, h *hub) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "TRACE", "DELETE"} {
		for _, lines := range [][]string{navigation, fetch, handshake} {
			look := func(user string) string {
				got := h.send(t, h.head(method, "/user/"+user+"/x", append([]string{"Content-Length: 0"}, lines...)...)+"\r\n")
				if got.forwarded() {
					t.Errorf("%s %s: %s", method, user, got)
				}
				names := make([]string, 0, len(got.Header))
				for name := range got.Header {
					names = append(names, name)
				}
				slices.Sort(names)
				return strings.ReplaceAll(got.Status+strings.Join(names, " ")+got.Header.Get("Location")+string(got.body), user, "USER")
			}
			running := look("alice")
			for _, user := range []string{"bob", "nobody-at-all"} {
				if other := look(user); other != running {
					t.Errorf("%s: alice is answered\n%s\n%s is answered\n%s", method, running, user, other)
				}
			}
		}
	}
}
