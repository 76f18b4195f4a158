package logins_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// Two nodes count failures together. Who is logged in stays so, and who has been
// here before comes in.
func TestFailuresAreCountedTogether(t *testing.T) {
	store := redistest.Start(t, redistest.Options{Persistent: true})
	first := hubtest.Start(t, hubtest.Options{
		Redis: store, Hub: "login_limits {\n user 4 1h\n}",
	})
	second := first.Node()
	at := func(i int) *hubtest.Hub { return []*hubtest.Hub{first, second}[i%2] }

	session, _ := logIn(t, second, "", "ada", hubtest.Password)
	known, _ := logIn(t, first, "", "ada", hubtest.Password)
	known.Do(http.MethodGet, "/hub/logout", nil)
	for i := range 4 {
		user := []string{"ada", "ADA", " ada ", "Ada"}[i]
		refused(t, at(i), "", user, "a canary of a guess", http.StatusForbidden)
	}
	for i := range 2 {
		answer := submit(t, at(i), at(i).Anonymous(), "", "ada", hubtest.Password)
		if wait, err := strconv.Atoi(answer.Header.Get("Retry-After")); answer.Status != http.StatusTooManyRequests || err != nil || wait < 3000 || wait > 3600 {
			t.Errorf("node %d, fifth attempt: %s, Retry-After %q", i+1, answer, answer.Header.Get("Retry-After"))
		}
	}
	if answer := session.Do(http.MethodGet, "/hub/api/user", nil); answer.Status != http.StatusOK {
		t.Errorf("a session that exists: %s", answer)
	}
	logIn(t, second, "", "grace", hubtest.Password)
	if answer := submit(t, first, known, "", "ada", hubtest.Password); answer.Status != http.StatusFound {
		t.Errorf("from a browser that she has logged in with: %s", answer)
	}
	// A restart, a reload and a crash of the node forget nothing.
	second.Kill()
	second.Restart()
	refused(t, second, "", "ada", hubtest.Password, http.StatusTooManyRequests)
	if err := first.Reload(strings.Replace(first.Caddyfile(), "user 4 1h", "user 5 1h", 1)); err != nil {
		t.Fatal(err)
	}
	refused(t, first, "", "ada", "a canary of a guess", http.StatusForbidden)
	refused(t, first, "", "ada", "a canary of a guess", http.StatusTooManyRequests)

	forgive(t, second, `{"user":"ADA"}`, http.StatusOK)
	logIn(t, first, "", "ada", hubtest.Password)
	forgive(t, first, `{}`, http.StatusBadRequest)
	forgive(t, first, `{"remote":"nowhere"}`, http.StatusBadRequest)

	store.Stop()
	answer := submit(t, first, first.Anonymous(), "", "eve", "a canary of a guess")
	if answer.Status != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("store away: %s", answer)
	}
	store.Restart()
	hubtest.Eventually(t, "the store is back", func() bool {
		return submit(t, first, first.Anonymous(), "", "eve", hubtest.Password).Status == http.StatusFound
	})
	if strings.Contains(first.Log()+second.Log(), "canary") {
		t.Error("a password is in the log")
	}
}

// forgive asks the admin endpoint of a node to forget failures.
func forgive(t *testing.T, h *hubtest.Hub, body string, status int) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", h.AdminSocket())
	}}}
	answer, err := client.Post("http://127.0.0.1/caddyhub/logins/forgive", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var waited struct{ Waited float64 }
	err = json.NewDecoder(answer.Body).Decode(&waited)
	if answer.StatusCode != status || status == http.StatusOK && (err != nil || waited.Waited <= 0) {
		t.Errorf("forgive %s: %d, %+v, %v", body, answer.StatusCode, waited, err)
	}
}
