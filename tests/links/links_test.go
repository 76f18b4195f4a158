// Package links_test follows links with tokens through a whole hub: what a browser
// gets, what the server behind it sees, what stands in the logs, and what is left
// when the token is revoked.
package links_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

func TestMain(m *testing.M) { upstream.Main(m) }

// start starts a hub with the servers of ada, and returns what speaks for her.
func start(t *testing.T, options hubtest.Options) (*hubtest.Hub, *hubtest.Client) {
	t.Helper()
	options.Spawner = upstream.Spawner(t)
	if options.Directive == "" {
		options.Directive = "token_in_url persist"
	}
	hub := hubtest.Start(t, options)
	hub.LogIn("ada")
	ada := hub.API(hub.Token("ada"))
	ada.StartServer("ada", "")
	return hub, ada
}

// token makes a token for ada's server.
func token(t *testing.T, ada *hubtest.Client) (secret, id string) {
	t.Helper()
	var made struct{ Token, ID string }
	ada.Do(http.MethodPost, "/hub/api/users/ada/tokens", map[string]any{"scopes": []string{"access:servers!server=ada/"}}).JSON(t, &made)
	return made.Token, made.ID
}

// follow opens a link as a browser does, and fails unless it leads to the page.
func follow(t *testing.T, browser *hubtest.Client, page, secret string) hubtest.Answer {
	t.Helper()
	separator := "?"
	if strings.Contains(page, "?") {
		separator = "&"
	}
	answer := browser.Do(http.MethodGet, page+separator+"token="+secret, nil, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	if answer.Status != http.StatusSeeOther || answer.Header.Get("Location") != page {
		t.Fatalf("link to %s: %s", page, answer)
	}
	return answer
}

// visit opens a page and returns what the server was sent.
func visit(t *testing.T, browser *hubtest.Client, page string, header ...string) upstream.Request {
	t.Helper()
	answer := browser.Do(http.MethodGet, page, nil, append([]string{"Sec-Fetch-Mode", "navigate"}, header...)...)
	var got upstream.Request
	if answer.Status != http.StatusOK || answer.Header.Get(upstream.Mark) == "" {
		t.Fatalf("%s: %s", page, answer)
	}
	answer.JSON(t, &got)
	return got
}

// whoIs asks the hub as a single-user server does whose token it was given.
func whoIs(t *testing.T, hub *hubtest.Hub, got upstream.Request) (name string, scopes []string) {
	t.Helper()
	given, _ := strings.CutPrefix(got.Header.Get("Authorization"), "token ")
	var model struct {
		Name   string
		Scopes []string
	}
	answer := hub.API(given).Do(http.MethodGet, "/hub/api/user", nil)
	if answer.Status != http.StatusOK {
		t.Fatalf("the token that the server got: %s", answer)
	}
	answer.JSON(t, &model)
	return model.Name, model.Scopes
}

// TestAcrossNodes: a link that was opened at one node works at all of them, and ends
// at all of them.
func TestAcrossNodes(t *testing.T) {
	hub, ada := start(t, hubtest.Options{Redis: redistest.Start(t, redistest.Options{})})
	other := hub.Node()
	secret, id := token(t, ada)
	here := hub.Anonymous()
	follow(t, here, "/user/ada/lab/tree/a%20b.ipynb?x=1", secret)
	there := other.Anonymous()
	there.HTTP.Jar = here.HTTP.Jar
	for _, browser := range []*hubtest.Client{here, there} {
		got := visit(t, browser, "/user/ada/lab")
		name, scopes := whoIs(t, hub, got)
		if name != "ada" || len(scopes) == 0 || strings.Contains(strings.Join(scopes, " "), "inherit") {
			t.Errorf("the server sees %s with %v", name, scopes)
		}
		if _, refused, err := browser.WebSocket("/user/ada/ws"); err != nil {
			t.Errorf("WebSocket: %v %s", err, refused)
		}
	}
	if answer := ada.Do(http.MethodDelete, "/hub/api/users/ada/tokens/"+id, nil); answer.Status != http.StatusNoContent {
		t.Fatalf("revoke: %s", answer)
	}
	for _, browser := range []*hubtest.Client{here, there} {
		hubtest.Eventually(t, "the grant has ended", func() bool {
			return browser.Do(http.MethodGet, "/user/ada/api/x", nil, "Sec-Fetch-Mode", "cors").Status == http.StatusUnauthorized
		})
	}
}

// TestCookies: over TLS the cookie is Secure, and it is nobody's but the edge's: no
// server sees one, sets one, or reads it in a script.
func TestCookies(t *testing.T) {
	hub, ada := start(t, hubtest.Options{HTTPS: true})
	secret, _ := token(t, ada)
	browser := hub.Anonymous()
	set := follow(t, browser, "/user/ada/lab", secret).Header["Set-Cookie"]
	if len(set) != 1 || !strings.HasPrefix(set[0], "__Secure-caddyhub-grant-") {
		t.Fatalf("cookies %q", set)
	}
	for _, attribute := range []string{"; Path=/user/ada/;", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
		if !strings.Contains(set[0]+";", attribute) {
			t.Errorf("%q lacks %q", set[0], attribute)
		}
	}
	name, _, _ := strings.Cut(set[0], "=")
	for _, page := range []string{"/user/ada/lab", "/user/ada/x?header=Set-Cookie:" + name + "%3dforged"} {
		answer := browser.Do(http.MethodGet, page, nil, "Sec-Fetch-Mode", "navigate")
		if strings.Contains(string(answer.Body), "caddyhub-grant") && !strings.Contains(page, "forged") {
			t.Errorf("%s: the server sees the cookie: %s", page, answer)
		}
		if strings.Contains(strings.Join(answer.Header["Set-Cookie"], " "), "caddyhub-grant") {
			t.Errorf("%s: the server sets the cookie: %v", page, answer.Header)
		}
	}
	if answer := browser.Do(http.MethodGet, "/hub/home", nil, "Sec-Fetch-Mode", "navigate"); answer.Status != http.StatusFound {
		t.Errorf("the link logs in: %s", answer)
	}
}

// TestNotLogged (K1): the token of a link is in no log, its use is in the audit log,
// and the page that follows does not tell it in Referer.
func TestNotLogged(t *testing.T) {
	hub, ada := start(t, hubtest.Options{Site: "log", Admins: []string{"root"}})
	secret, id := token(t, ada)
	browser := hub.Anonymous()
	if got := follow(t, browser, "/user/ada/lab", secret); got.Header.Get("Referrer-Policy") != "no-referrer" || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", got.Header)
	}
	visit(t, browser, "/user/ada/lab", "Referer", hub.URL+"/user/ada/lab?token="+secret)
	for _, path := range []string{"/user/bob/lab", "/user/ada/../x", "/user/ada/api/contents", "/hub/login"} {
		browser.Do(http.MethodGet, path+"?token="+secret, nil)
		browser.Do(http.MethodHead, path+"?token="+secret, nil)
	}
	hubtest.Eventually(t, "the access log has the requests", func() bool { return strings.Count(hub.Log(), `"uri":"/hub/login`) >= 2 })
	log := hub.Log()
	if strings.Contains(log, secret) {
		at := strings.Index(log, secret)
		t.Errorf("the log tells the token: %s", log[max(0, at-300):at])
	}
	var event map[string]any
	for line := range strings.SplitSeq(log, "\n") {
		if strings.Contains(line, `"grant.create"`) {
			if err := json.Unmarshal([]byte(line), &event); err != nil {
				t.Fatal(err)
			}
		}
	}
	if event["token"] != id || event["username"] != "ada" || event["actor_kind"] != "anonymous" || event["outcome"] != "success" || event["remote"] != "127.0.0.1" {
		t.Errorf("the audit log has %v", event)
	}
	if metrics := hub.API(hub.Token("root")).Do(http.MethodGet, "/hub/metrics", nil); !strings.Contains(string(metrics.Body), "\ncaddyhub_grants_total 1\n") {
		t.Errorf("metrics: %s", metrics)
	}
}

// TestByMatcher: only what the configuration names takes tokens, the first line that
// matches counts, and nothing does without one.
func TestByMatcher(t *testing.T) {
	service := httptest.NewServer(upstream.Handler())
	t.Cleanup(service.Close)
	hub, ada := start(t, hubtest.Options{
		NamedServers: true, Admins: []string{"ada"},
		Site:      "@wiki path /services/wiki/*",
		Directive: "token_in_url /user/ada/private/* off\n\t\ttoken_in_url /user/ada/* persist\n\t\ttoken_in_url @wiki persist",
		Hub:       fmt.Sprintf("service wiki {\n\t\t\turl %s\n\t\t}\n\t\tservice other {\n\t\t\turl %s\n\t\t}", service.URL, service.URL),
	})
	ada.StartServer("ada", "private")
	ada.StartServer("ada", "open")
	var made struct{ Token string }
	ada.Do(http.MethodPost, "/hub/api/users/ada/tokens", map[string]any{"scopes": []string{"inherit"}}).JSON(t, &made)
	for page, want := range map[string]int{
		"/user/ada/lab": 303, "/user/ada/open/lab": 303, "/user/ada/private/lab": 302,
		"/services/wiki/": 303, "/services/other/": 302,
	} {
		browser := hub.Anonymous()
		answer := browser.Do(http.MethodGet, page+"?token="+made.Token, nil, "Sec-Fetch-Mode", "navigate")
		if answer.Status != want || (len(answer.Header["Set-Cookie"]) > 0) != (want == 303) {
			t.Errorf("%s: %s %v", page, answer, answer.Header["Set-Cookie"])
			continue
		}
		if want == 303 {
			if name, _ := whoIs(t, hub, visit(t, browser, page)); name != "ada" {
				t.Errorf("%s: visited by %s", page, name)
			}
		}
	}
}

// TestSwitchedOff: a reload that takes the option away ends what it gave, and without
// it no link ever gives anything.
func TestSwitchedOff(t *testing.T) {
	hub, ada := start(t, hubtest.Options{})
	secret, _ := token(t, ada)
	browser := hub.Anonymous()
	follow(t, browser, "/user/ada/lab", secret)
	visit(t, browser, "/user/ada/lab")
	if err := hub.Reload(strings.Replace(hub.Caddyfile(), "token_in_url persist", "token_in_url off", 1)); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"/user/ada/lab", "/user/ada/lab?token=" + secret} {
		answer := browser.Do(http.MethodGet, page, nil, "Sec-Fetch-Mode", "navigate")
		if answer.Status != http.StatusFound || !strings.HasPrefix(answer.Header.Get("Location"), "/hub/login") || len(answer.Header["Set-Cookie"]) > 0 {
			t.Errorf("%s: %s %v", page, answer, answer.Header)
		}
	}
}
