package refresh_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// limit is how long anything may take on a busy machine; how long it took is told.
const limit = 30 * time.Second

// Two nodes under traffic ask about one person one question at a time.
func TestOneQuestion(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a, b := s.nodes(t, "refresh 1s")
	ada := comes(t, a, "ada")
	s.set(func(s *site) { s.slow = 100 * time.Millisecond })
	before, _ := s.of("ada")
	ctx, stop := context.WithTimeout(t.Context(), 6*time.Second)
	defer stop()
	var group sync.WaitGroup
	for i := range 8 {
		browser := ada.at([]*hubtest.Hub{a, b}[i%2])
		group.Go(func() {
			for ctx.Err() == nil {
				if got := browser.reads(ada.server()); got.Status != http.StatusOK {
					t.Errorf("%s", got)
					return
				}
			}
		})
	}
	group.Wait()
	asked, most := s.of("ada")
	t.Logf("%d questions in 6 s of traffic on two nodes, refresh 1s", asked-before)
	if most != 1 {
		t.Errorf("%d questions about one person at the same time", most)
	}
	if asked == before {
		t.Error("nobody asked")
	}
}

// A no ends it everywhere: requests and WebSockets, on the node that asked and on
// the other, for this person and nobody else.
func TestNo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a, b := s.nodes(t, "refresh 1s")
	ada, bob := comes(t, a, "ada"), comes(t, b, "bob")
	onB := ada.at(b)
	sockets := map[string]*websocket.Conn{"a": opens(t, ada), "b": opens(t, onB)}
	bobs := opens(t, bob)
	s.set(func(s *site) { s.gone["ada"] = true })

	// Nobody makes a request: the WebSockets are what is asked about.
	for node, socket := range sockets {
		if code := closes(t, socket); code != websocket.StatusPolicyViolation {
			t.Errorf("node %s closed with %d", node, code)
		}
		t.Logf("node %s closed the WebSocket %s after the site's no", node, s.since())
	}
	for node, browser := range map[string]*person{"a": ada, "b": onB} {
		hubtest.Eventually(t, "requests are refused", func() bool {
			return browser.reads(ada.server()).Status == http.StatusUnauthorized
		})
		t.Logf("node %s refused requests %s after the site's no", node, s.since())
		if got := browser.navigate("/user/ada/lab"); got.Status != http.StatusFound || !strings.HasPrefix(got.Header.Get("Location"), "/hub/login?next=") {
			t.Errorf("node %s, a page: %s", node, got)
		}
		if got := browser.navigate("/hub/home"); got.Status != http.StatusFound {
			t.Errorf("node %s, a page of the hub: %s", node, got)
		}
	}
	if got := bob.reads(bob.server()); got.Status != http.StatusOK {
		t.Errorf("bob: %s", got)
	}
	if err := bobs.Ping(reading(t, bobs)); err != nil {
		t.Errorf("bob's WebSocket: %v", err)
	}
	if events := a.Log() + b.Log(); strings.Count(events, `"answer":"login_again"`) != 1 {
		t.Error("the audit log does not have it once")
	}
}

// While the site is in trouble all goes on, until the grace is over; then it is
// trouble and no refusal, and afterwards the same session goes on.
func TestTrouble(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	hub := hubtest.Start(t, s.options(t, "refresh 1s\nrefresh_grace 3s"))
	ada := comes(t, hub, "ada")
	socket := opens(t, ada)
	s.set(func(s *site) { s.status = http.StatusInternalServerError })
	begun := time.Now()
	var statuses []int
	hubtest.Eventually(t, "the grace is over", func() bool {
		got := ada.reads(ada.server())
		statuses = append(statuses, got.Status)
		return got.Status == http.StatusServiceUnavailable && got.Header.Get("Retry-After") != ""
	})
	t.Logf("503 %s after the trouble had begun, %d requests", time.Since(begun).Round(time.Millisecond), len(statuses))
	if slices.ContainsFunc(statuses, func(status int) bool { return status != http.StatusOK && status != http.StatusServiceUnavailable }) {
		t.Errorf("statuses %v", statuses)
	}
	for _, path := range []string{"/hub/api/user", "/hub/home", "/user/ada/lab"} {
		if got := ada.navigate(path); got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s", path, got)
		}
	}
	if code := closes(t, socket); code != websocket.StatusTryAgainLater {
		t.Errorf("the WebSocket was closed with %d", code)
	}
	s.set(func(s *site) { s.status = http.StatusOK })
	hubtest.Eventually(t, "it goes on", func() bool { return ada.reads(ada.server()).Status == http.StatusOK })
	if session := ada.Cookie("/", "caddyhub-session"); session == nil || session.Value != ada.session {
		t.Error("it is another session")
	}
}

// Groups follow the site while people work, and with them what they may do.
func TestGroups(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	options := s.options(t, "refresh 1s")
	options.Hub += "\nrole help {\nscopes access:servers!user=ada\ngroups helpers\n}"
	hub := hubtest.Start(t, options)
	ada, bob := comes(t, hub, "ada"), comes(t, hub, "bob")
	if got := bob.reads(ada.server()); got.Status != http.StatusForbidden {
		t.Errorf("before: %s", got)
	}
	s.set(func(s *site) { s.groups = []string{"helpers"} })
	hubtest.Eventually(t, "bob may help", func() bool { return bob.reads(ada.server()).Status == http.StatusOK })
	s.set(func(s *site) { s.groups = nil })
	hubtest.Eventually(t, "bob may not", func() bool { return bob.reads(ada.server()).Status == http.StatusForbidden })
}

// Any app behind the gate is one of the places where the login is asked about, and
// sees no more of the cookie than servers do.
func TestApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	app := httptest.NewServer(upstream.Handler())
	t.Cleanup(app.Close)
	options := s.options(t, "refresh 1s\nrefresh_grace 2s")
	options.Site = "hub_auth /app/* {\nallow authenticated\n}\nreverse_proxy /app/* " + app.URL
	hub := hubtest.Start(t, options)
	ada := comes(t, hub, "ada")
	got := ada.reads("/app/x")
	var arrived upstream.Request
	got.JSON(t, &arrived)
	if seen := strings.Join(arrived.Header["Cookie"], ";"); strings.Contains(seen, cookieName) {
		t.Errorf("the app got %s", seen)
	}
	s.set(func(s *site) { s.status = http.StatusInternalServerError })
	hubtest.Eventually(t, "the grace is over", func() bool { return ada.reads("/app/x").Status == http.StatusServiceUnavailable })
	s.set(func(s *site) { s.status = http.StatusOK; s.gone["ada"] = true })
	hubtest.Eventually(t, "the session has ended", func() bool { return ada.reads("/app/x").Status == http.StatusUnauthorized })
}

// Servers do not see the cookie unless they are meant to, and cannot set it.
func TestCookieStaysHere(t *testing.T) {
	t.Parallel()
	for _, forward := range []bool{false, true} {
		s := newSite(t)
		var words []string
		if forward {
			words = append(words, "forward_cookie")
		}
		hub := hubtest.Start(t, s.options(t, "refresh off", words...))
		ada := comes(t, hub, "ada")
		got := ada.reads("/user/ada/api/x?header=Set-Cookie:" + cookieName + "%3Dmallory")
		var arrived upstream.Request
		got.JSON(t, &arrived)
		if seen := strings.Contains(strings.Join(arrived.Header["Cookie"], ";"), cookieName); seen != forward {
			t.Errorf("forward_cookie %v: the server got %v", forward, arrived.Header["Cookie"])
		}
		if set := strings.Join(got.Header["Set-Cookie"], ";"); strings.Contains(set, cookieName) {
			t.Errorf("the server set %s", set)
		}
	}
}

// A server starts only for somebody whose login holds at that moment.
func TestPreSpawn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	options := s.options(t, "refresh off\nrefresh_pre_spawn")
	options.Admins = []string{"root"}
	hub := hubtest.Start(t, options)
	ada := comes(t, hub, "ada")
	root := hub.API(hub.Token("root"))
	stop := func() {
		root.Do(http.MethodDelete, "/hub/api/users/ada/server", nil)
		root.WaitServer("ada", "", false)
	}
	stop()
	s.set(func(s *site) { s.status = http.StatusBadGateway })
	if got := root.Do(http.MethodPost, "/hub/api/users/ada/server", nil); got.Status != http.StatusServiceUnavailable {
		t.Errorf("in trouble: %s", got)
	}
	s.set(func(s *site) { s.status = http.StatusOK; s.gone["ada"] = true })
	hubtest.Eventually(t, "the start is refused", func() bool {
		got := root.Do(http.MethodPost, "/hub/api/users/ada/server", nil)
		return got.Status == http.StatusForbidden && strings.Contains(string(got.Body), "auth has expired for ada, login again")
	})
	if got := ada.reads(ada.server()); got.Status != http.StatusUnauthorized {
		t.Errorf("the session: %s", got)
	}
	s.set(func(s *site) { s.gone["ada"] = false })
	ada.navigate("/hub/login")
	root.StartServer("ada", "")
}

// Who has no cookie is sent where it is had, once, with the way back.
func TestLoginURL(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	hub := hubtest.Start(t, s.options(t, "refresh off", "login_url https://login.example.org/in"))
	browser := hub.Anonymous()
	navigate := func(path string) hubtest.Answer {
		return browser.Do(http.MethodGet, path, nil, "Sec-Fetch-Mode", "navigate")
	}
	got := navigate("/hub/login?next=%2Fuser%2Fada%2Flab")
	const back = "https://login.example.org/in?next=http%3A%2F%2Flocalhost%3A"
	if location := got.Header.Get("Location"); got.Status != http.StatusFound || !strings.HasPrefix(location, back) ||
		!strings.HasSuffix(location, "%2Fhub%2Flogin%3Fnext%3D%252Fuser%252Fada%252Flab%26returned%3D1") {
		t.Errorf("without a cookie: %s", got)
	}
	if got := navigate("/hub/login?next=%2Fuser%2Fada%2Flab&returned=1"); got.Status != http.StatusForbidden {
		t.Errorf("back without a cookie: %s", got)
	}
	s.set(func(s *site) { s.status = http.StatusInternalServerError })
	if got := browser.Do(http.MethodGet, "/hub/login", nil, "Cookie", cookieName+"=ada"); got.Status != http.StatusServiceUnavailable {
		t.Errorf("in trouble: %s", got)
	}
}

// opens opens a WebSocket to somebody's server that works.
func opens(t testing.TB, p *person) *websocket.Conn {
	t.Helper()
	socket, _, err := p.WebSocket("/user/" + p.name + "/ws")
	if err != nil {
		t.Fatalf("WebSocket: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := socket.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, message, err := socket.Read(ctx); err != nil || string(message) != "hello" {
		t.Fatalf("WebSocket: %q, %v", message, err)
	}
	return socket
}

// closes waits until a WebSocket is closed, and returns the code.
func closes(t testing.TB, socket *websocket.Conn) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, _, err := socket.Read(ctx)
	return websocket.CloseStatus(err)
}

// reading reads from a WebSocket, as Ping needs, until the context ends.
func reading(t testing.TB, socket *websocket.Conn) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return socket.CloseRead(ctx)
}
