package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// Whoever fails in somebody's name locks him out nowhere that he has been before,
// and what the browser proves is of no use to anybody else.
func TestKnownDeviceIsNotLockedOut(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := newSite(t, func(s *setup) {
		s.rules = authenticator.Rules{AllowAll: true}
		s.throttle = authenticator.NewThrottle(authenticator.ThrottleOptions{
			Limits: authenticator.Limits{User: authenticator.Limit{Burst: 2, Every: time.Hour}}, Now: func() time.Time { return now },
		})
	})
	try := func(p *person, user, password string) int {
		return p.submit("/hub/login", "/hub/login", url.Values{"username": {user}, "password": {password}}).StatusCode
	}
	ada := s.person()
	got := ada.submit("/hub/login", "/hub/login", url.Values{"username": {"Ada"}, "password": {"secret"}})
	cookie := ""
	for _, line := range got.Header["Set-Cookie"] {
		if strings.HasPrefix(line, "caddyhub-device=") {
			cookie = line
		}
	}
	for _, part := range []string{"Path=/hub/login;", "Max-Age=15552000", "HttpOnly", "SameSite=Strict"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("cookie %q has no %s", cookie, part)
		}
	}
	ada.get("/hub/logout")
	stranger := s.person()
	for range 2 {
		try(stranger, "ada", "guess")
	}
	if code := try(s.person(), "ada", "secret"); code != http.StatusTooManyRequests {
		t.Errorf("from a new browser: %d, want 429", code)
	}
	forged := s.person()
	for _, value := range []string{"", "x", strings.Repeat("a", 5000), ada.jar["caddyhub-device"] + "AAAA"} {
		forged.jar["caddyhub-device"] = value
		if code := try(forged, "ada", "secret"); code != http.StatusTooManyRequests {
			t.Errorf("with the cookie %.20q: %d, want 429", value, code)
		}
	}
	if code := try(ada, "ada", "secret"); code != http.StatusFound {
		t.Errorf("from her own browser: %d", code)
	}
	ada.get("/hub/logout")
	// The cookie speaks for her alone.
	for range 2 {
		try(stranger, "bob", "guess")
	}
	if code := try(ada, "bob", "secret"); code != http.StatusTooManyRequests {
		t.Errorf("another user from her browser: %d, want 429", code)
	}
	// And guesses from her browser are counted.
	for range 2 {
		try(ada, "ada", "guess")
	}
	if code := try(ada, "ada", "secret"); code != http.StatusTooManyRequests {
		t.Errorf("too many guesses from her browser: %d, want 429", code)
	}
}

// A browser is known for those who logged in last.
func TestDeviceOfSeveralUsers(t *testing.T) {
	s := newSite(t, func(s *setup) { s.rules = authenticator.Rules{AllowAll: true} })
	p := s.person()
	for _, user := range []string{"a", "b", "c", "d", "e", "b"} {
		p.login(user)
		p.get("/hub/logout")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/hub/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", "caddyhub-device="+p.jar["caddyhub-device"])
	c := &call{Web: s.Web, r: r}
	known := ""
	for _, device := range c.devices() {
		known += device.User
	}
	if known != "bedc" {
		t.Errorf("known for %q, want the last four, the latest first", known)
	}
	if c.device("a") != "" || c.device("b") == c.device("c") || c.device("b") == "" {
		t.Error("each user has an id of his own, and one who is forgotten has none")
	}
}
