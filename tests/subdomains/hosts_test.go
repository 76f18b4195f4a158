package subdomains_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// A path is served at the one host that belongs to it. At any other a person is
// shown the way, and everything else is refused before anybody is asked.
func TestWrongHosts(t *testing.T) {
	t.Parallel()
	town := newTown(t, hubtest.Options{Spawner: upstream.Spawner(t), Admins: []string{"ada"}, Hub: "service weather {\n\t\t\turl http://127.0.0.1:1\n\t\t}"})
	ada := town.server("ada")
	town.server("mallory")
	browser := town.LogIn("ada")
	_, answer := navigate(t, browser, town.of("ada")+"/user/ada/x")
	wantServer(t, answer)

	hub, own, other := town.URL, town.of("ada"), town.of("mallory")
	for _, test := range []struct{ at, path, belongs string }{
		{own, "/user/mallory/x?y=1", other},
		{own, "/user/mallory", other},
		{other, "/user/ada/x", own},
		{hub, "/user/ada/x", own},
		{hub, "/user/nobody/", town.of("nobody")},
		{own, "/user/ada%40example.org/", town.of("u-adaexamp--cfe00dde46ef942601ffafb9e2825e80")},
		{own, "/user/j%C3%BCrgen/", town.of("xn--jrgen-kva")},
		{own, "/user/Ada/x", town.of("u-ada--99a563ab2f6e21e96998f9fddd2a2bab")},
		{own, "/services/weather/", town.of("weather--service")},
		{hub, "/services/weather/", town.of("weather--service")},
		{own, "/", hub},
		{own, "/hub/", hub},
		{own, "/hub/home", hub},
		{own, "/hub/api/user", hub},
		{own, "/hub/admin", hub},
		{own, "/hub/api/oauth2/authorize?client_id=x", hub},
		{own, "/favicon.ico", hub},
		{town.of("weather--service"), "/user/ada/x", own},
		// Hosts that nobody has lead to the hub, which knows the way.
		{town.of("x.ada"), "/user/ada/x", hub},
		{strings.Replace(own, "."+domain, "."+domain+".", 1), "/user/ada/x", hub},
		{own + "0", "/user/ada/x", hub},
		{strings.Replace(own, "://ada", "://ADA", 1), "/user/mallory/x", other},
	} {
		what := test.at + test.path
		at, path := strings.TrimPrefix(test.at, "https://"), test.path
		page := town.raw(t, browser, http.MethodGet, at, path, "Sec-Fetch-Mode", "navigate", "Accept", "text/html")
		if want := test.belongs + path; page.Status != http.StatusFound || page.Header.Get("Location") != want {
			t.Errorf("%s leads to %s, want %s", what, page, want)
		}
		wantNoServer(t, what, page)
		for _, client := range []*hubtest.Client{browser, ada} {
			script := town.raw(t, client, http.MethodGet, at, path, "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin", "Accept", "application/json")
			if script.Status != http.StatusMisdirectedRequest || script.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s by a script: %s", what, script)
			}
			write := town.raw(t, client, http.MethodPost, at, path, "Accept", "text/html")
			if write.Status != http.StatusMisdirectedRequest {
				t.Errorf("POST %s: %s", what, write)
			}
		}
	}
	// Ambiguous paths are ambiguous everywhere.
	for _, path := range []string{"/user/ada/../mallory/x", "/user/mallory%2f..%2fada/", "/user//ada/x", "/hub/..%2fuser/ada/"} {
		if answer := town.raw(t, browser, http.MethodGet, strings.TrimPrefix(own, "https://"), path, "Sec-Fetch-Mode", "navigate"); answer.Status != http.StatusBadRequest {
			t.Errorf("%s: %s", path, answer)
		}
	}
	// Hosts outside of the domain have no servers, whatever the path says.
	for _, host := range []string{"ada.example.test", "ada" + domain, domain + ".evil.example", "ada." + domain + ".evil.example"} {
		answer := town.raw(t, ada, http.MethodGet, host, "/user/ada/x")
		wantNoServer(t, host, answer)
	}
}

// raw sends a request with a Host of its own over the connection to the hub.
func (w *town) raw(t testing.TB, client *hubtest.Client, method, host, path string, header ...string) hubtest.Answer {
	t.Helper()
	return client.Do(method, path, nil, append([]string{"Host", host}, header...)...)
}

// What the pages of refusals need is at every host; nothing else of the hub is.
func TestRefusalsLookRight(t *testing.T) {
	t.Parallel()
	town := newTown(t, hubtest.Options{Spawner: upstream.Spawner(t)})
	town.server("ada")
	mallory := town.LogIn("mallory")
	end, answer := navigate(t, mallory, town.of("ada")+"/user/ada/lab")
	if answer.Status != http.StatusForbidden || !strings.HasPrefix(end, town.of("ada")) {
		t.Fatalf("mallory at ada's: %s %s", end, answer)
	}
	wantNoServer(t, "mallory at ada's", answer)
	found := false
	for piece := range strings.SplitSeq(string(answer.Body), `"`) {
		if !strings.HasPrefix(piece, "/hub/static/") && piece != "/hub/logo" {
			continue
		}
		found = true
		if got := mallory.Do(http.MethodGet, town.of("ada")+piece, nil, "Sec-Fetch-Mode", "no-cors"); got.Status != http.StatusOK {
			t.Errorf("%s: %d", piece, got.Status)
		}
	}
	if !found {
		t.Errorf("the page refers to no files: %s", answer)
	}
	// The page of a stopped server leads to where it is started, and back.
	town.LogIn("grace")
	grace := town.LogIn("grace")
	_, answer = navigate(t, grace, town.of("grace")+"/user/grace/lab")
	if want := town.URL + "/hub/spawn/grace?next="; answer.Status != http.StatusFailedDependency || !strings.Contains(string(answer.Body), want) {
		t.Errorf("a stopped server: %s", answer)
	}
}

// A WebSocket is for pages of its own host, and ends with the login.
func TestWebSockets(t *testing.T) {
	t.Parallel()
	town := newTown(t, hubtest.Options{Spawner: upstream.Spawner(t)})
	town.server("ada")
	ada := town.LogIn("ada")
	page := town.of("ada") + "/user/ada/ws"
	navigate(t, ada, town.of("ada")+"/user/ada/x")
	socket, answer, err := ada.WebSocket(page)
	if err != nil {
		t.Fatalf("%v %s", err, answer)
	}
	for _, origin := range []string{town.URL, town.of("mallory"), town.of("x.ada"), "null", ""} {
		got := ada.Do(http.MethodGet, page, nil, "Origin", origin, "Connection", "Upgrade", "Upgrade", "websocket",
			"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-Fetch-Mode", "websocket")
		if got.Status != http.StatusForbidden && got.Status != http.StatusBadRequest {
			t.Errorf("from a page of %q: %s", origin, got)
		}
		wantNoServer(t, fmt.Sprintf("from a page of %q", origin), got)
	}
	ada.Do(http.MethodGet, "/hub/logout", nil, "Sec-Fetch-Mode", "navigate")
	wantClosed(t, socket)
}
