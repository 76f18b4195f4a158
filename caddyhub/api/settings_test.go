package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/api"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
)

// TestPublicURL makes the absolute addresses in models.
func TestPublicURL(t *testing.T) {
	public := &url.URL{Scheme: "https", Host: "hub.example.org", Path: "/ignored"}
	h := newHub(t, func(s *settings) { s.api.PublicURL = public })
	h.ready("ada", "my lab")
	root := h.token("root", "inherit")
	user := model[struct{ Servers map[string]map[string]any }](t, h.expect(request{method: "GET", path: "/users/ada", token: root}, 200, ""))
	lab := user.Servers["my lab"]
	if lab["full_url"] != "https://hub.example.org/user/ada/my%20lab/" ||
		lab["full_progress_url"] != "https://hub.example.org/hub/api/users/ada/servers/my%20lab/progress" {
		t.Errorf("addresses: %v", lab)
	}
	// Who came by the public address is led on by it, others by the one they used.
	for host, want := range map[string]string{
		"hub.example.org": "https://hub.example.org/hub/api/users?", "HUB.example.org": "https://HUB.example.org/hub/api/users?",
		"10.0.0.1:8081": "http://10.0.0.1:8081/hub/api/users?",
	} {
		r := request{method: "GET", path: "/users?limit=1", token: root}.with("Accept", paginated).http(t.Context())
		r.Host = host
		page := model[pageOf](t, h.raw(r))
		if page.Pagination.Next == nil || !strings.HasPrefix(page.Pagination.Next.URL, want) {
			t.Errorf("%s: %+v", host, page.Pagination.Next)
		}
	}
}

// TestSubdomains gives each user an origin.
func TestSubdomains(t *testing.T) {
	h := newHub(t, func(s *settings) {
		s.servers.UserOrigin = func(user string) string { return "https://" + user + ".hub.example.org" }
	})
	h.ready("ada", "")
	user := model[map[string]any](t, h.expect(request{method: "GET", path: "/users/ada", token: h.token("root", "inherit")}, 200, ""))
	server := user["servers"].(map[string]any)[""].(map[string]any)
	const want = "https://ada.hub.example.org/user/ada/"
	if user["server"] != want || server["url"] != want || server["full_url"] != want || server["full_progress_url"] != nil ||
		server["progress_url"] != "/hub/api/users/ada/server/progress" {
		t.Errorf("addresses: %v", user)
	}
}

// TestBase serves a hub that is not at the root of its site.
func TestBase(t *testing.T) {
	a := api.New(api.Options{Base: hubpath.Base("/jupyter/")})
	for path, want := range map[string]int{
		"/jupyter/hub/api": 200, "/jupyter/hub/api/": 200, "/jupyter/hub/health": 200, "/jupyter/hub/api/health": 200, "/jupyter/hub/api/nothing": 404,
	} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		got := httptest.NewRecorder()
		if a.ServeHTTP(got, r); got.Code != want || !a.Serves(r) {
			t.Errorf("%s: %d", path, got.Code)
		}
		if policy := got.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "report-uri /jupyter/hub/security/csp-report;") {
			t.Errorf("%s: %s", path, policy)
		}
	}
	for _, path := range []string{"/hub/api", "/hub/health", "/jupyter/api", "/jupyter/hub/apix", "/jupyter/hub/api/oauth2/token"} {
		r, got := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
		if a.ServeHTTP(got, r); got.Code != 404 {
			t.Errorf("%s: %d", path, got.Code)
		}
		if a.Serves(httptest.NewRequest(http.MethodGet, path, nil)) {
			t.Errorf("%s is served", path)
		}
	}
}

// TestCreatedOnce lets several create the same user at once.
func TestCreatedOnce(t *testing.T) {
	h := newHub(t)
	root := h.token("root", "inherit")
	for _, r := range []request{
		{method: "POST", path: "/users/one", token: root},
		{method: "POST", path: "/users", body: `{"usernames":["two"]}`, token: root},
	} {
		var (
			running sync.WaitGroup
			mu      sync.Mutex
			codes   = make(map[int]int)
		)
		for range 8 {
			running.Go(func() {
				got := h.send(r)
				mu.Lock()
				defer mu.Unlock()
				codes[got.Code]++
			})
		}
		running.Wait()
		if codes[201] != 1 || codes[409] != 7 {
			t.Errorf("%s: %v", r.path, codes)
		}
	}
}

// TestStartedOnce lets several start the same server at once.
func TestStartedOnce(t *testing.T) {
	h := newHub(t, impatient)
	root := h.token("root", "inherit")
	h.spawner.hold()
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			if got := h.send(request{method: "POST", path: "/users/ada/server", token: root}); got.Code != 202 {
				t.Errorf("%d %s", got.Code, got.Body)
			}
		})
	}
	running.Wait()
	h.spawner.release()
	if s := h.settled("ada", ""); !s.Ready {
		t.Errorf("%+v", s)
	}
	if len(h.spawner.running) != 1 {
		t.Errorf("%d servers run", len(h.spawner.running))
	}
}
