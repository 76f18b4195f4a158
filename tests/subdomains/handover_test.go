package subdomains_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// wantClosed waits for the close frame of a login that has ended.
func wantClosed(t testing.TB, socket *websocket.Conn) {
	t.Helper()
	_, _, err := socket.Read(t.Context())
	if code := websocket.CloseStatus(err); code != websocket.StatusPolicyViolation {
		t.Errorf("the socket is closed with %d, %v", code, err)
	}
}

// setOut has a browser ask for a page and go as far as the hub sends it; it
// returns the address with the code.
func setOut(t testing.TB, browser *hubtest.Client, page string) string {
	t.Helper()
	first := browser.Do(http.MethodGet, page, nil, "Sec-Fetch-Mode", "navigate")
	second := browser.Do(http.MethodGet, first.Header.Get("Location"), nil, "Sec-Fetch-Mode", "navigate")
	address := second.Header.Get("Location")
	if second.Status != http.StatusSeeOther || !strings.Contains(address, "/.caddyhub/handover?code=") {
		t.Fatalf("no code: %s then %s", first, second)
	}
	for _, header := range []string{"Cache-Control:no-store", "Referrer-Policy:no-referrer"} {
		name, want, _ := strings.Cut(header, ":")
		if got := second.Header.Get(name); got != want {
			t.Errorf("%s of the answer with the code: %q", name, got)
		}
	}
	return address
}

func arrive(browser *hubtest.Client, address string, header ...string) hubtest.Answer {
	return browser.Do(http.MethodGet, address, nil, append([]string{"Sec-Fetch-Mode", "navigate"}, header...)...)
}

// A code logs in once, the browser that set out, at the host that it set out from.
func TestCodes(t *testing.T) {
	t.Parallel()
	town := newTown(t, hubtest.Options{Spawner: upstream.Spawner(t), Admins: []string{"ada"}, Site: "log"})
	town.server("ada")
	town.server("mallory")
	page := town.of("ada") + "/user/ada/x"
	var codes []string
	code := func(t *testing.T) (browser *hubtest.Client, address string) {
		browser = town.LogIn("ada")
		address = setOut(t, browser, page)
		codes = append(codes, mustParse(t, address).Query().Get("code"))
		return browser, address
	}
	t.Run("replay", func(t *testing.T) {
		browser, address := code(t)
		if got := arrive(browser, address); got.Status != http.StatusSeeOther || got.Header.Get("Location") != "/user/ada/x" {
			t.Fatalf("the first time: %s", got)
		}
		for range 3 {
			if got := arrive(browser, address); got.Status != http.StatusForbidden {
				t.Errorf("again: %s", got)
			}
		}
	})
	t.Run("another browser", func(t *testing.T) {
		// Mallory sends ada a link with a code of hers: ada must not become mallory.
		mallory := town.LogIn("mallory")
		link := setOut(t, mallory, town.of("mallory")+"/user/mallory/x")
		ada := town.LogIn("ada")
		navigate(t, ada, town.of("mallory")+"/user/mallory/x") // she has been there
		before := cookieOf(t, ada, town.of("mallory"))
		if got := arrive(ada, link); got.Status != http.StatusForbidden || len(got.Header["Set-Cookie"]) > 0 {
			t.Errorf("with mallory's code: %s %v", got, got.Header)
		}
		if after := cookieOf(t, ada, town.of("mallory")); after != before {
			t.Errorf("ada has another session now")
		}
		if got := arrive(mallory, link); got.Status != http.StatusForbidden {
			t.Errorf("a code that somebody else has tried is still good: %s", got)
		}
	})
	t.Run("another host", func(t *testing.T) {
		browser, address := code(t)
		moved := strings.Replace(address, "://ada.", "://mallory.", 1)
		navigate(t, browser, town.of("mallory")+"/user/mallory/x")
		if got := arrive(browser, moved); got.Status != http.StatusForbidden {
			t.Errorf("at mallory's host: %s", got)
		}
		if got := arrive(browser, address); got.Status != http.StatusForbidden {
			t.Errorf("then at ada's: %s", got)
		}
	})
	t.Run("at the hub", func(t *testing.T) {
		browser, address := code(t)
		if got := arrive(browser, strings.Replace(address, "://ada.", "://", 1)); got.Status != http.StatusFound && got.Status != http.StatusNotFound || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s", got)
		}
	})
	t.Run("looking ahead", func(t *testing.T) {
		browser, address := code(t)
		for _, header := range [][]string{{"Sec-Purpose", "prefetch;prerender"}, {"Sec-Fetch-Mode", "no-cors"}, {"Sec-Fetch-Mode", "cors"}} {
			if got := arrive(browser, address, header...); got.Status != http.StatusForbidden {
				t.Errorf("%v: %s", header, got)
			}
		}
		if got := browser.Do(http.MethodHead, address, nil); got.Status != http.StatusMethodNotAllowed {
			t.Errorf("HEAD: %s", got)
		}
		if got := arrive(browser, address); got.Status != http.StatusSeeOther {
			t.Errorf("afterwards: %s", got)
		}
	})
	t.Run("after logging out", func(t *testing.T) {
		browser, address := code(t)
		browser.Do(http.MethodGet, "/hub/logout", nil, "Sec-Fetch-Mode", "navigate")
		if got := arrive(browser, address); got.Status != http.StatusForbidden {
			t.Errorf("%s", got)
		}
	})
	log := town.Log()
	if !strings.Contains(log, "/.caddyhub/handover?code=") {
		t.Error("the access log does not tell of the hand-over")
	}
	for _, code := range codes {
		if strings.Contains(log, code) {
			t.Error("a code is in the log")
		}
	}
}

// The hub gives codes for its own hosts, in exactly one spelling, and for nothing
// that its visitor did not ask for.
func TestHubGivesCodesForItsHostsOnly(t *testing.T) {
	t.Parallel()
	town := newTown(t, hubtest.Options{Spawner: upstream.Spawner(t)})
	ada := town.LogIn("ada")
	own, err := url.Parse(town.of("ada"))
	if err != nil {
		t.Fatal(err)
	}
	state := strings.Repeat("A", 43)
	ask := func(host, state, next string) hubtest.Answer {
		values := url.Values{"host": {host}, "state": {state}, "next": {next}}
		return ada.Do(http.MethodGet, "/hub/handover?"+values.Encode(), nil, "Sec-Fetch-Mode", "navigate")
	}
	if got := ask(own.Host, state, "/x"); got.Status != http.StatusSeeOther {
		t.Fatalf("for ada's host: %s", got)
	}
	port := own.Port()
	for _, host := range []string{
		"", "evil.example", "evil.example:" + port, own.Hostname(), own.Hostname() + ":443", own.Hostname() + ":1" + port,
		strings.ToUpper(own.Host), own.Hostname() + ".:" + port, "x@" + own.Host, own.Host + "/", own.Host + "#", own.Host + "?", `\` + own.Host,
		"x.ada." + domain + ":" + port, domain + ":" + port, "evil.example/." + domain + ":" + port, "ada." + domain + ":" + port + ".evil.example",
		"evil.example#." + domain + ":" + port, "." + domain + ":" + port, "-" + domain + ":" + port, "ada。" + domain + ":" + port, "ad%61." + domain + ":" + port,
		" " + own.Host, own.Host + "\r\nX: y", "ada." + domain + ":0" + port,
	} {
		if got := ask(host, state, "/x"); got.Status != http.StatusForbidden || got.Header.Get("Location") != "" {
			t.Errorf("for %q: %s", host, got)
		}
	}
	for _, next := range []string{"", "//evil.example", "https://evil.example/", `/\evil.example`, "x", "/../x", "/%2e%2e/x", "/\t/evil.example"} {
		if got := ask(own.Host, state, next); got.Status != http.StatusBadRequest || got.Header.Get("Location") != "" {
			t.Errorf("next %q: %s", next, got)
		}
	}
	for _, state := range []string{"", "x", state + "A"} {
		if got := ask(own.Host, state, "/x"); got.Status != http.StatusBadRequest {
			t.Errorf("state %q: %s", state, got)
		}
	}
}

// Of many attempts with one code at two nodes one gets a session; the session is
// good at both, and over at both within a second after logging out at one.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	options := hubtest.Options{Spawner: upstream.Spawner(t), Redis: redistest.Start(t, redistest.Options{})}
	first := newTown(t, options)
	second := first.Node()
	first.server("ada")
	page := first.of("ada") + "/user/ada/x"
	browser := first.LogIn("ada")
	for range 5 {
		address := setOut(t, browser, page)
		jar := browser.HTTP.Jar
		var group sync.WaitGroup
		var granted atomic.Int32
		for i := range 40 {
			node := first.Hub
			if i%2 == 1 {
				node = second
			}
			client := node.Anonymous()
			client.HTTP.Jar = readOnly{jar}
			group.Go(func() {
				if got := arrive(client, address); got.Status == http.StatusSeeOther {
					granted.Add(1)
				}
			})
		}
		group.Wait()
		if granted.Load() != 1 {
			t.Errorf("%d attempts got a session", granted.Load())
		}
	}
	navigate(t, browser, page)
	there := second.Anonymous()
	there.HTTP.Jar = browser.HTTP.Jar
	wantServer(t, there.Do(http.MethodGet, page, nil))
	socket, answer, err := there.WebSocket(first.of("ada") + "/user/ada/ws")
	if err != nil {
		t.Fatalf("%v %s", err, answer)
	}
	kept := readOnly{browser.HTTP.Jar}
	cookies := kept.Cookies(mustParse(t, page))
	browser.Do(http.MethodGet, "/hub/logout", nil, "Sec-Fetch-Mode", "navigate")
	wantClosed(t, socket)
	stranger := second.Anonymous()
	stranger.HTTP.Jar.SetCookies(mustParse(t, page), cookies)
	hubtest.Eventually(t, "the session is over at the other node", func() bool {
		return stranger.Do(http.MethodGet, page, nil, "Accept", "application/json").Status == http.StatusUnauthorized
	})
}

// readOnly is a cookie jar that keeps what it has.
type readOnly struct{ http.CookieJar }

func (readOnly) SetCookies(*url.URL, []*http.Cookie) {}

func mustParse(t testing.TB, text string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
