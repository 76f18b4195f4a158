package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// raw sends a request that need not be well-formed.
func (h *hub) raw(wire *http.Request) *httptest.ResponseRecorder {
	h.t.Helper()
	got := httptest.NewRecorder()
	h.api.ServeHTTP(got, wire)
	conforms(h.t, wire, got)
	return got
}

// TestOutage takes the store away: everything that needs it says so, and nothing
// says that somebody is not allowed.
func TestOutage(t *testing.T) {
	h := newHub(t)
	root := h.token("root", "inherit")
	cookie, xsrf := h.session("root")
	h.store.away.Store(true)
	cases := append([]accessCase{
		{method: "GET", path: "/user"},
		{method: "POST", path: "/users/ada/tokens"},
		{method: "GET", path: "/authorizations/token/x0123456789"},
	}, accessCases...)
	for _, c := range cases {
		for name, r := range map[string]request{
			"token":  {method: c.method, path: c.path, body: c.body, token: root},
			"cookie": request{method: c.method, path: c.path, body: c.body, cookie: cookie}.with("X-XSRFToken", xsrf),
		} {
			got := h.send(r)
			if got.Code != 503 || got.Header().Get("Retry-After") != "5" {
				t.Errorf("%s %s by %s: %d %v", c.method, c.path, name, got.Code, got.Header())
			}
		}
	}
	h.expect(request{method: "GET", path: "/health"}, 200, "")
	h.expect(request{method: "GET", path: "/"}, 200, "")
}

// TestOutageOfGroups takes the store away between the caller and the groups that
// the decision needs.
func TestOutageOfGroups(t *testing.T) {
	h := newHub(t)
	token := h.token("root", "read:users!group=astro", "list:users!group=astro", "tokens!group=astro")
	for _, r := range []request{
		{method: "GET", path: "/users/ada"},
		{method: "GET", path: "/users"},
		{method: "POST", path: "/users/ada/tokens", body: "{}"},
	} {
		for reads := 1; ; reads++ {
			h.store.after(reads)
			r.token = token
			got := h.send(r)
			h.store.after(0)
			if got.Code < 300 {
				break
			}
			if got.Code != 503 {
				t.Errorf("%s %s: %d %s when the store goes away after %d reads", r.method, r.path, got.Code, got.Body, reads)
			}
			if reads > 20 {
				t.Fatalf("%s %s never succeeds", r.method, r.path)
			}
		}
	}
}

// TestOutageWhileWaiting takes the store away after a start or stop was recorded:
// it goes on, and asking again is answered.
func TestOutageWhileWaiting(t *testing.T) {
	h := newHub(t)
	r := request{method: "POST", path: "/users/ada/server", token: h.token("ada", "inherit")}
	held := h.spawner.hold()
	answered := make(chan int)
	go func() { answered <- h.send(r).Code }()
	// What comes before the spawner is asked needs the store.
	<-held
	h.store.away.Store(true)
	// Any word from the spawner makes the waiting request look at the store.
	h.spawner.release()
	code := <-answered
	h.store.away.Store(false)
	if code != 202 && code != 201 {
		t.Errorf("a start that goes on is answered with %d", code)
	}
	if s := h.settled("ada", ""); !s.Ready {
		t.Errorf("%+v", s)
	}
}
