package gate_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/nexturl/redirecttest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestRedirects asks every place of the hub and of the edge that redirects for
// every target that leads away from the site.
func TestRedirects(t *testing.T) {
	t.Parallel()
	h := start(t, hubtest.Options{NamedServers: true, Hub: ""})
	redirecttest.Check(t, h.URL, h.places(t)...)
}

// places are all that redirect where a request says. A new one goes here.
func (h *hub) places(t *testing.T) []redirecttest.Place {
	t.Helper()
	alice := h.cookies(t, h.alice, "/user/alice/x")
	// by asks with a target in a query, or as it is in a path.
	by := func(method, before, after string, lines ...string) func(*testing.T, string) string {
		return func(t *testing.T, target string) string {
			got := h.send(t, h.head(method, before+escaped(before, target)+after, append([]string{"Sec-Fetch-Mode: navigate", "Content-Length: 0"}, lines...)...)+"\r\n")
			return got.Header.Get("Location")
		}
	}
	return []redirecttest.Place{
		{Name: "login, logged in", Accepts: "/hub/token", Ask: by("GET", "/hub/login?next=", "", byCookie(alice))},
		{Name: "login form", Accepts: "/hub/token", Ask: h.askLogin},
		{Name: "root of the hub", Accepts: "/hub/token", Ask: by("GET", "/hub/?next=", "", byCookie(alice))},
		{Name: "spawn of what runs", Ask: by("GET", "/hub/spawn?next=", "", byCookie(alice))},
		{Name: "spawn-pending of what runs", Accepts: "/hub/token", Ask: by("GET", "/hub/spawn-pending/alice?next=", "", byCookie(alice))},
		{Name: "logout", Accepts: "/hub/token", Ask: by("GET", "/hub/logout?next=", "")},
		{Name: "user-redirect", Ask: by("GET", "/hub/user-redirect/", "", byCookie(alice))},
		{Name: "hub/user", Ask: by("GET", "/hub/user/alice/", "", byCookie(alice))},
		{Name: "path outside the hub", Ask: by("GET", "/", "", byCookie(alice))},
		{Name: "path outside the hub, as it is", Ask: by("GET", "", "", byCookie(alice))},
		{Name: "path of nobody's server", Ask: by("GET", "/user/nobody/", "")},
		{Name: "slash of a server", Ask: by("GET", "/user/alice?x=", "", byCookie(alice))},
		{Name: "slash of a service", Ask: by("GET", "/services/alice?x=", "", byCookie(alice))},
		{Name: "OAuth, redirect_uri", Ask: by("GET", "/hub/api/oauth2/authorize?client_id=jupyterhub-user-alice&response_type=code&redirect_uri=", "", byCookie(alice))},
		{Name: "OAuth, error of another client", Ask: by("GET", "/hub/api/oauth2/authorize?client_id=nobody&response_type=token&redirect_uri=", "", byCookie(alice))},
		{Name: "Host", Ask: h.askHost(alice)},
	}
}

// escaped is a target for the query or the path that comes after a text.
func escaped(before, target string) string {
	if strings.Contains(before, "=") {
		return url.QueryEscape(target)
	}
	// What cannot be in a request line is tried by its escape.
	return strings.NewReplacer("\r", "%0D", "\n", "%0A", "\t", "%09", " ", "%20", "\x00", "%00", "\v", "%0B", "\x01", "%01").Replace(target)
}

var action = regexp.MustCompile(`<form action="([^"]*)" method="post"`)

// askLogin logs in by the form that the page has for a target.
func (h *hub) askLogin(t *testing.T, target string) string {
	t.Helper()
	visitor := h.Anonymous()
	page := visitor.Do(http.MethodGet, "/hub/login?next="+url.QueryEscape(target), nil)
	to, field := action.FindSubmatch(page.Body), form.FindSubmatch(page.Body)
	if to == nil || field == nil {
		t.Fatalf("%q: no form: %s", target, page)
	}
	address := html.UnescapeString(string(to[1]))
	if !strings.HasPrefix(address, "/hub/login") {
		t.Fatalf("%q: the form goes to %q", target, address)
	}
	got := visitor.Do(http.MethodPost, address, url.Values{
		"_xsrf": {html.UnescapeString(string(field[1]))}, "username": {"alice"}, "password": {hubtest.Password}, "next": {target},
	}, "Origin", h.URL)
	return got.Header.Get("Location")
}

// askHost asks with another host than the site's: nothing may lead there.
func (h *hub) askHost(cookies string) func(*testing.T, string) string {
	return func(t *testing.T, _ string) string {
		t.Helper()
		for _, line := range []string{"X-Forwarded-Host: " + redirecttest.Evil, "Forwarded: host=" + redirecttest.Evil, "X-Original-Host: " + redirecttest.Evil} {
			for _, path := range []string{"/", "/hub/", "/user/alice", "/hub/login", "/user/nobody/lab"} {
				if location := h.get(t, path, line, byCookie(cookies)).Header.Get("Location"); strings.Contains(location, redirecttest.Evil) {
					return location
				}
			}
		}
		return ""
	}
}
