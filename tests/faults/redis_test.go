package faults_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// wantUnavailable: trouble of the hub's own is never the visitor's fault.
func wantUnavailable(t *testing.T, what string, got hubtest.Answer) {
	t.Helper()
	if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("%s: want 503 with Retry-After: %s (Retry-After %q)", what, got, got.Header.Get("Retry-After"))
	}
}

// TestRedisAway stops Redis under a hub: what memory knows goes on for the
// grace, what needs the store is told to come back, and so does everything when
// the grace is over. It recovers by itself.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Persistent: true})
	h := hubtest.Start(t, hubtest.Options{Spawner: upstream.Spawner(t), Redis: server})
	ada, bob := enter(h, "ada"), enter(h, "bob")
	ada.api.StartServer("ada", "")
	process := ada.visit(t).Process
	socket := ada.socket(t)
	ada.api.Do(http.MethodGet, "/user/ada/x", nil)

	server.Stop()
	for range 5 {
		ada.visit(t)
		arrived(t, ada.api.Do(http.MethodGet, "/user/ada/x", nil))
	}
	ada.socket(t)
	wantAway(t, h, ada, bob)

	server.Restart()
	hubtest.Eventually(t, "the store is back", func() bool {
		return ada.api.Do(http.MethodPost, "/hub/api/users/ada/tokens", nil).Status == http.StatusCreated
	})
	wantEcho(t, socket)
	if after := ada.visit(t).Process; after != process {
		t.Errorf("ada's server was process %d and is %d", process, after)
	}
	bob.api.StartServer("bob", "")
	bob.visit(t)
	h.LogIn("carol")
}

// wantAway asks for what cannot be known or done without the store.
func wantAway(t *testing.T, h *hubtest.Hub, ada, bob user) {
	t.Helper()
	wantUnavailable(t, "new token", ada.api.Do(http.MethodPost, "/hub/api/users/ada/tokens", nil))
	wantUnavailable(t, "start", bob.api.Do(http.MethodPost, "/hub/api/users/bob/server", nil))
	wantUnavailable(t, "stop", ada.api.Do(http.MethodDelete, "/hub/api/users/ada/server", nil))
	wantUnavailable(t, "unknown token", h.API("0123456789abcdef0123456789abcdef").Do(http.MethodGet, "/user/ada/api/x", nil))
	wantUnavailable(t, "unknown token, API", h.API("0123456789abcdef0123456789abcdef").Do(http.MethodGet, "/hub/api/user", nil))
	unknown := h.Anonymous()
	wantUnavailable(t, "unknown session", unknown.Do(http.MethodGet, "/user/ada/api/x", nil, "Cookie", "caddyhub-session=AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
}

// TestRedisAwayForLong is about what comes when the grace is over.
func TestRedisAwayForLong(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Persistent: true})
	h := hubtest.Start(t, hubtest.Options{Spawner: upstream.Spawner(t), Redis: server})
	address := "url " + server.URL()
	if err := h.Reload(strings.Replace(h.Caddyfile(), address, address+"\n\t\t\tgrace 1s", 1)); err != nil {
		t.Fatal(err)
	}
	ada := enter(h, "ada")
	ada.api.StartServer("ada", "")
	process := ada.visit(t).Process

	server.Kill()
	ada.visit(t)
	last := http.StatusOK
	hubtest.Eventually(t, "the grace is over", func() bool {
		for _, got := range []hubtest.Answer{
			ada.session.Do(http.MethodGet, "/user/ada/x", nil, "Sec-Fetch-Mode", "navigate"),
			ada.api.Do(http.MethodGet, "/user/ada/api/x", nil),
			ada.api.Do(http.MethodGet, "/hub/api/user", nil),
		} {
			if last = got.Status; last != http.StatusOK {
				wantUnavailable(t, "after the grace", got)
			}
		}
		return last != http.StatusOK
	})
	if got := h.Anonymous().Do(http.MethodGet, "/hub/health", nil); got.Status >= 400 && got.Status != http.StatusServiceUnavailable {
		t.Errorf("health: %s", got)
	}
	server.Restart()
	hubtest.Eventually(t, "the store is back", func() bool {
		got := ada.session.Do(http.MethodGet, "/user/ada/x", nil, "Sec-Fetch-Mode", "navigate")
		if got.Status != http.StatusOK {
			wantUnavailable(t, "on the way back", got)
		}
		return got.Status == http.StatusOK
	})
	if after := ada.visit(t).Process; after != process {
		t.Errorf("ada's server was process %d and is %d", process, after)
	}
}

// TestStartWithoutRedis starts a hub whose store is away: it is up, says so, and
// serves as soon as the store is back.
func TestStartWithoutRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Persistent: true})
	h := hubtest.Start(t, hubtest.Options{Spawner: upstream.Spawner(t), Redis: server})
	ada := enter(h, "ada")
	ada.api.StartServer("ada", "")
	process := ada.visit(t).Process
	h.Kill()
	server.Stop()

	healthy := make(chan struct{})
	go func() {
		defer close(healthy)
		h.Restart()
	}()
	request, err := http.NewRequest(http.MethodGet, h.URL+"/user/ada/api/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "token "+ada.token)
	client := h.Anonymous().HTTP
	hubtest.Eventually(t, "the hub answers", func() bool {
		response, err := client.Do(request)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		wantUnavailable(t, "before the store", hubtest.Answer{Status: response.StatusCode, Header: response.Header})
		return true
	})
	server.Restart()
	<-healthy
	if after := ada.visit(t).Process; after != process {
		t.Errorf("ada's server was process %d and is %d", process, after)
	}
}
