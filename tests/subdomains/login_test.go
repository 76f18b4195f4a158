package subdomains_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// A link to a page of a server brings whoever follows it there: by the login page
// if need be, without it if they are logged in, and not at all after logging out.
func TestLogin(t *testing.T) {
	t.Parallel()
	town := newTown(t, hubtest.Options{Spawner: upstream.Spawner(t)})
	town.server("ada")
	page := town.of("ada") + "/user/ada/lab?reset&x=%2F"

	ada := town.Anonymous()
	end, _ := navigate(t, ada, page)
	if !strings.HasPrefix(end, town.URL+"/hub/login?next=") {
		t.Fatalf("a stranger ends at %s", end)
	}
	next, err := url.Parse(end)
	if err != nil {
		t.Fatal(err)
	}
	ada.SubmitLogin("ada", hubtest.Password)
	end, answer := navigate(t, ada, resolve(t, end, next.Query().Get("next")))
	wantServer(t, answer)
	if end != page {
		t.Errorf("the login leads to %s, not %s", end, page)
	}

	// In another browser, logged in already and at the hub's host.
	other := town.LogIn("ada")
	end, answer = navigate(t, other, town.URL+"/user/ada/lab?reset&x=%2F")
	wantServer(t, answer)
	if end != page {
		t.Errorf("the hub leads to %s, not %s", end, page)
	}
	if _, answer = navigate(t, other, town.URL+"/hub/user/ada/lab"); answer.Header.Get(upstream.Mark) == "" {
		t.Errorf("by the hub's address of a server: %s", answer)
	}

	other.Do(http.MethodGet, "/hub/logout", nil, "Sec-Fetch-Mode", "navigate")
	if end, _ := navigate(t, other, page); !strings.HasPrefix(end, town.URL+"/hub/login") {
		t.Errorf("after logging out a page leads to %s", end)
	}
	answer = other.Do(http.MethodGet, page, nil, "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin")
	if answer.Status != http.StatusUnauthorized || !strings.Contains(string(answer.Body), `"login_url":"`+town.URL+`/hub/login"`) {
		t.Errorf("after logging out a script gets %s", answer)
	}
	// The other browser's login has nothing to do with it.
	_, answer = navigate(t, ada, page)
	wantServer(t, answer)
}

// Cookies are for one host each, and no upstream widens that.
func TestCookies(t *testing.T) {
	t.Parallel()
	town := newTown(t, hubtest.Options{Spawner: upstream.Spawner(t)})
	town.server("ada")
	ada := town.LogIn("ada")
	address := town.of("ada") + "/user/ada/x?header=" + url.QueryEscape("Set-Cookie:a=1; Domain="+domain) +
		"&header=" + url.QueryEscape("Set-Cookie:b=1; Domain=ada."+domain) +
		"&header=" + url.QueryEscape("Set-Cookie:__Host-caddyhub-session=evil; Path=/; Secure") +
		"&header=" + url.QueryEscape("Set-Cookie:own=1; Path=/user/ada/")
	var seen []*http.Cookie
	for range 8 {
		answer := ada.Do(http.MethodGet, address, nil, "Sec-Fetch-Mode", "navigate")
		seen = append(seen, (&http.Response{Header: answer.Header}).Cookies()...)
		if answer.Status < 300 || answer.Status > 399 {
			wantServer(t, answer)
			var arrived upstream.Request
			answer.JSON(t, &arrived)
			if strings.Contains(arrived.Header.Get("Cookie"), "caddyhub") {
				t.Errorf("the server sees cookies of the hub: %s", answer)
			}
			break
		}
		address = resolve(t, address, answer.Header.Get("Location"))
	}
	names := map[string]bool{}
	for _, cookie := range seen {
		names[cookie.Name] = true
		if cookie.Domain != "" {
			t.Errorf("a cookie for other hosts too: %s", cookie)
		}
		if strings.Contains(cookie.Name, "caddyhub") && (!strings.HasPrefix(cookie.Name, "__Host-") || !cookie.HttpOnly || !cookie.Secure || cookie.Path != "/") {
			t.Errorf("a cookie that logs in: %s", cookie)
		}
	}
	if !names["__Host-caddyhub-session"] || !names["own"] || names["a"] || names["b"] {
		t.Errorf("cookies: %v", names)
	}
}

// The session of a user's host is worth nothing at the hub and at other hosts, and
// that of the hub nothing at theirs.
func TestSessionsStayAtTheirHosts(t *testing.T) {
	t.Parallel()
	town := newTown(t, hubtest.Options{Spawner: upstream.Spawner(t), Admins: []string{"ada"}})
	town.server("ada")
	town.server("mallory")
	ada := town.LogIn("ada")
	_, answer := navigate(t, ada, town.of("ada")+"/user/ada/x")
	wantServer(t, answer)
	_, answer = navigate(t, ada, town.of("mallory")+"/user/mallory/x")
	wantServer(t, answer) // who is an admin may visit it

	sessions := map[string]string{"hub": cookieOf(t, ada, town.URL), "ada": cookieOf(t, ada, town.of("ada")), "mallory": cookieOf(t, ada, town.of("mallory"))}
	for from, cookie := range sessions {
		for at, request := range map[string]string{
			"hub": town.URL + "/hub/api/user", "ada": town.of("ada") + "/user/ada/x", "mallory": town.of("mallory") + "/user/mallory/x",
		} {
			stranger := town.Anonymous()
			answer := stranger.Do(http.MethodGet, request, nil, "Cookie", "__Host-caddyhub-session="+cookie, "Accept", "application/json")
			if good := answer.Status == http.StatusOK; good != (from == at) {
				t.Errorf("the session of %s at %s: %s", from, at, answer)
			}
		}
	}
}

func cookieOf(t testing.TB, browser *hubtest.Client, origin string) string {
	t.Helper()
	address, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range browser.HTTP.Jar.Cookies(address) {
		if cookie.Name == "__Host-caddyhub-session" {
			return cookie.Value
		}
	}
	t.Fatalf("no session at %s", origin)
	return ""
}
