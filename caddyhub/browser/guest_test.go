package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

const adasHost = "ada.hub.example.org"

// withGuests is a fixture that hands logins over to hosts below the hub's.
func withGuests(t testing.TB, public string) *fixture {
	t.Helper()
	f := newFixture(t, "/jupyter/", public)
	f.Browser = New(Options{
		Directory: f.directory, Base: "/jupyter/", PublicURL: f.public, Now: f.clock.Now, Subdomains: true,
		Guest: func(host string) bool {
			name, _, _ := strings.Cut(host, ":")
			return strings.HasSuffix(name, ".hub.example.org")
		},
	})
	return f
}

// By the host of a request it is certain which cookie counts.
func TestSessionsOfHosts(t *testing.T) {
	f := withGuests(t, "https://hub.example.org")
	child := f.directory.HostSession(&f.session, adasHost)
	for _, test := range []struct {
		host, cookie string
		known        bool
	}{
		{"hub.example.org", "__Host-caddyhub-session=" + f.cookie, true},
		{"hub.example.org", "__Host-caddyhub-session=" + child, false},
		{adasHost, "__Host-caddyhub-session=" + child, true},
		{"ADA.hub.example.org:443", "__Host-caddyhub-session=" + child, true},
		{adasHost, "__Host-caddyhub-session=evil; __Host-caddyhub-session=" + child, true},
		{adasHost, "__Host-caddyhub-session=" + f.cookie, false},
		{adasHost, "__Secure-caddyhub-session=" + child, false},
		{adasHost, "caddyhub-session=" + child, false},
		{"eve.hub.example.org", "__Host-caddyhub-session=" + child, false},
		{adasHost + ":8443", "__Host-caddyhub-session=" + child, false},
		{adasHost + ".", "__Host-caddyhub-session=" + child, false},
		{"x@" + adasHost, "__Host-caddyhub-session=" + child, false},
		{"elsewhere.example", "__Host-caddyhub-session=" + child, false},
		{"elsewhere.example", "__Host-caddyhub-session=" + f.cookie, true}, // the hub under another name
		{"hub.example.org", "__Secure-caddyhub-session=" + f.cookie, false},
	} {
		r := request(http.MethodGet, "/", "Cookie: "+test.cookie)
		r.Host = test.host
		visit, err := f.Identify(r)
		if err != nil || (visit.Identity != nil) != test.known || visit.ByCookie != test.known {
			t.Errorf("%s %s: %+v, %v", test.host, test.cookie, visit, err)
		}
	}
}

// A proof is good at the host that it was given for, though one session is behind
// the pages of all.
func TestProofsOfHosts(t *testing.T) {
	f := withGuests(t, "https://hub.example.org")
	const prefix = "/user/ada/"
	visit := func(host, cookie string) (*http.Request, Visit) {
		r := request(http.MethodPost, prefix, "Cookie: __Host-caddyhub-session="+cookie)
		r.Host = host
		visit, err := f.Identify(r)
		if err != nil || visit.Identity == nil {
			t.Fatalf("%s: %+v, %v", host, visit, err)
		}
		return r, visit
	}
	hosts := map[string]string{
		"hub.example.org":     f.cookie,
		adasHost:              f.directory.HostSession(&f.session, adasHost),
		"eve.hub.example.org": f.directory.HostSession(&f.session, "eve.hub.example.org"),
	}
	for from, cookie := range hosts {
		r, at := visit(from, cookie)
		proof, err := f.XSRFToken(httptest.NewRecorder(), r, at, prefix)
		if err != nil {
			t.Fatal(err)
		}
		for to, cookie := range hosts {
			r, at := visit(to, cookie)
			r.Header.Set("X-Xsrftoken", proof)
			if passed := f.XSRF(r, at, gate.AreaServer, prefix) == gate.XSRFPassed; passed != (from == to) {
				t.Errorf("a proof for %s at %s: %v", from, to, passed)
			}
		}
	}
}

func TestOriginsOfHosts(t *testing.T) {
	for public, want := range map[string]map[string]string{
		"https://hub.example.org:8443": {
			"hub.example.org:8443": "https://hub.example.org:8443", "internal:80": "https://hub.example.org:8443",
			"Ada.hub.example.org:8443": "https://ada.hub.example.org:8443",
		},
		"http://hub.example.org": {"ada.hub.example.org:80": "http://ada.hub.example.org", "x": "http://hub.example.org"},
	} {
		f := withGuests(t, public)
		for host, origin := range want {
			r := request(http.MethodGet, "/")
			r.Host = host
			if got := f.Origin(r); got != origin {
				t.Errorf("%s at %s: %s", host, public, got)
			}
			r.Header.Set("Origin", origin)
			if !f.Origins(r).Same(r) {
				t.Errorf("%s at %s: a page of its own is a stranger", host, public)
			}
		}
	}
}

// With hosts of users below, no other host can set the cookies of the hub, whatever
// its path is.
func TestCookiesBesideHosts(t *testing.T) {
	f := withGuests(t, "https://hub.example.org")
	guest := request(http.MethodGet, "/")
	guest.Host = adasHost
	for name, set := range map[string]func(http.ResponseWriter){
		"session": func(w http.ResponseWriter) {
			f.SetSession(w, request(http.MethodGet, "/jupyter/hub/"), f.cookie, f.session)
		},
		"guest session": func(w http.ResponseWriter) { f.SetGuestSession(w, guest, "x", f.session) },
		"secret":        func(w http.ResponseWriter) { f.HandoverSecret(w, guest) },
		"login": func(w http.ResponseWriter) {
			if _, err := f.XSRFToken(w, request(http.MethodGet, "/jupyter/hub/login"), Visit{}, "/jupyter/hub/"); err != nil {
				t.Error(err)
			}
		},
		"logout": func(w http.ResponseWriter) { f.Clear(w, request(http.MethodGet, "/jupyter/hub/")) },
	} {
		w := httptest.NewRecorder()
		set(w)
		found := false
		for _, cookie := range w.Result().Cookies() {
			if cookie.Domain != "" || !cookie.Secure {
				t.Errorf("%s: %v", name, cookie)
			}
			if strings.HasPrefix(cookie.Name, "__Host-caddyhub-") {
				found = true
				if cookie.Path != "/" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
					t.Errorf("%s: %v", name, cookie)
				}
			} else if strings.Contains(cookie.Name, "caddyhub") && cookie.MaxAge >= 0 {
				t.Errorf("%s: %v", name, cookie)
			}
		}
		if !found {
			t.Errorf("%s: %v", name, w.Result().Cookies())
		}
	}
}

func TestHandoverSecrets(t *testing.T) {
	f := withGuests(t, "https://hub.example.org")
	w, r := httptest.NewRecorder(), request(http.MethodGet, "/")
	secret := f.HandoverSecret(w, r)
	if len(secret) != handoverLength {
		t.Fatalf("a secret of %d letters", len(secret))
	}
	name := "__Host-caddyhub-handover="
	for cookies, want := range map[string]int{
		"": 0, name + secret: 1, name + secret[1:]: 0, name + secret + "x": 0, "caddyhub-handover=" + secret: 0,
		strings.Repeat(name+secret+"; ", 20): gate.MaxSessionCookies,
	} {
		if got := f.HandoverSecrets(request(http.MethodGet, "/", "Cookie: "+cookies)); len(got) != want {
			t.Errorf("%.60s: %d secrets", cookies, len(got))
		}
	}
}
