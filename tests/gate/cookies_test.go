package gate_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

const sessionCookie = "caddyhub-session"

// testCookies: cookies of the hub go to no upstream, all others arrive as they
// were sent.
func testCookies(t *testing.T, h *hub) {
	session := h.alice.Cookie("/user/alice/", sessionCookie)
	if session == nil {
		t.Fatal("no session")
	}
	ours := sessionCookie + "=" + session.Value
	// Or the edge would put it there.
	known := "jupyterhub-session-id=" + h.alice.Cookie("/user/alice/", "jupyterhub-session-id").Value
	for sent, want := range map[string]string{
		known + "; " + ours: known,
		ours + "; " + known: known,
		`a=1; ` + ours + `; b="x y";c=%20;; d; ` + known:                                                   `a=1; b="x y";c=%20;; d; ` + known,
		known + ";" + ours + ";e==;f=a=b":                                                                  known + ";e==;f=a=b",
		"caddyhub-login=x; __Host-caddyhub-session=x; __Secure-caddyhub-session=x; " + ours + "; " + known: known,
		"=" + sessionCookie + "=x; " + ours + "; " + known:                                                 known,
		ours + "x; " + ours + "; " + known:                                                                 known,
		"x" + ours + "; " + ours + "; " + known:                                                            "x" + ours + "; " + known,
		"_xsrf=page; " + ours + "; " + known:                                                               "_xsrf=page; " + known,
	} {
		seen := h.get(t, "/user/alice/x", byCookie(sent)).request(t)
		if got := seen.Header.Values("Cookie"); len(got) != 1 || got[0] != want {
			t.Errorf("sent %q\narrived %q\nwant    %q", sent, got, want)
		}
	}
	if added := h.get(t, "/user/alice/x", byCookie("a=1; "+ours)).request(t).Header.Get("Cookie"); added != "a=1; "+known {
		t.Errorf("without the cookie of the login: %q arrived, want %q", added, "a=1; "+known)
	}
	two := h.get(t, "/user/alice/x", byCookie(ours), byCookie("a=1"), byCookie(known)).request(t)
	if all := strings.Join(two.Header.Values("Cookie"), "|"); strings.Contains(all, sessionCookie) || !strings.Contains(all, "a=1") {
		t.Errorf("two Cookie headers arrived as %q", all)
	}
}

// testCookiesOfUpstream: an upstream sets cookies of its own, and none of ours.
func testCookiesOfUpstream(t *testing.T, h *hub) {
	refused := []string{
		sessionCookie + "=mallory; Path=/", "__Host-caddyhub-session=mallory; Path=/; Secure", "__Secure-caddyhub-session=mallory; Secure",
		"caddyhub-login=mallory; Path=/hub/", "_xsrf=mallory; Path=/", "jupyterhub-session-id=mallory; Path=/",
		"=" + sessionCookie + "=mallory", " " + sessionCookie + " =mallory", "a=mallory; Domain=localhost", "a=mallory; DOMAIN = .localhost.",
	}
	kept := []string{"theme=dark; Path=/user/alice/", "username-localhost-8888=x; HttpOnly", "caddyhub-sessionx=1"}
	query := url.Values{}
	for _, cookie := range append(slices.Clone(refused), kept...) {
		query.Add("header", "Set-Cookie:"+cookie)
	}
	query.Add("header", "Clear-Site-Data:\"cookies\"")
	query.Add("header", "Service-Worker-Allowed:/")
	got := h.get(t, "/user/alice/x?"+query.Encode(), byToken(h.aliceToken))
	got.request(t)
	if set := got.Header.Values("Set-Cookie"); !slices.Equal(set, kept) {
		t.Errorf("the browser gets %q, want %q", set, kept)
	}
	for _, name := range []string{"Clear-Site-Data", "Service-Worker-Allowed"} {
		if value := got.Header.Get(name); value != "" {
			t.Errorf("the browser gets %s: %s", name, value)
		}
	}
}

// form finds the token in the login form.
var form = regexp.MustCompile(`name="_xsrf" value="([^"]+)"`)

// testFixation: whoever puts a session cookie into a browser before its user
// logs in does not share the session after it.
func testFixation(t *testing.T, h *hub) {
	address, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	mallory := h.LogIn("mallory").Cookie("/", sessionCookie)
	for name, planted := range map[string]string{"made up": "0123456789abcdef.0123456789abcdef", "of another user": mallory.Value} {
		victim := h.Anonymous()
		page := victim.Do(http.MethodGet, "/hub/login", nil)
		field := form.FindSubmatch(page.Body)
		if field == nil {
			t.Fatalf("%s: no form: %s", name, page)
		}
		victim.HTTP.Jar.SetCookies(address, []*http.Cookie{{Name: sessionCookie, Value: planted, Path: "/"}})
		got := victim.Do(http.MethodPost, "/hub/login", url.Values{
			"_xsrf": {html.UnescapeString(string(field[1]))}, "username": {"victim"}, "password": {hubtest.Password},
		}, "Origin", h.URL)
		after := victim.Cookie("/", sessionCookie)
		if got.Status == http.StatusFound && (after == nil || after.Value == planted) {
			t.Errorf("%s: after the login the session is still the planted one: %s", name, got)
		}
		if who := h.get(t, "/hub/api/user", byCookie(sessionCookie+"="+planted)); strings.Contains(string(who.body), "victim") {
			t.Errorf("%s: the planted session became the victim's: %s", name, who)
		}
	}
}
