package hub

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/subdomain"
)

// below gives users hosts below hub.example.org, where the hub is at a host of its
// own among them.
func below(t *testing.T) func(*Settings) {
	t.Helper()
	public, err := url.Parse("https://start.hub.example.org")
	if err != nil {
		t.Fatal(err)
	}
	domain, err := subdomain.Parse("hub.example.org", public)
	if err != nil {
		t.Fatal(err)
	}
	return func(s *Settings) { s.PublicURL, s.Domain = public, domain }
}

// The hub answers at its own host and at those that nobody could have; at all
// others it answers for nothing but what refusals look like.
func TestAstray(t *testing.T) {
	f := newFixture(t)
	site := f.configure(settings(&platform{}, below(t)))
	for _, test := range []struct {
		host, target string
		// leads is where a person is sent; "here" if other parts of the hub answer.
		leads string
	}{
		{"start.hub.example.org", "/hub/home", "here"},
		{"START.hub.example.org:443", "/hub/home", "here"},
		{"start.hub.example.org", "/user/ada/", "here"},
		{"10.0.0.1:8081", "/hub/api/users", "here"},
		{"ada.hub.example.org", "/user/ada/lab", "here"},
		{"ada.hub.example.org", "/user/grace/lab", "here"}, // the gate knows
		{"ada.hub.example.org", "/services/x/", "here"},
		{"ada.hub.example.org", "/hub/static/theme.css", "here"},
		{"ada.hub.example.org", "/hub/logo", "here"},
		{"ada.hub.example.org", "/user/ada/../x", "here"}, // refused there
		{"ada.hub.example.org", "/hub/home?x=1", "https://start.hub.example.org/hub/home?x=1"},
		{"ada.hub.example.org", "/hub/logout", "https://start.hub.example.org/hub/logout"},
		{"ada.hub.example.org", "/hub/api/user", "https://start.hub.example.org/hub/api/user"},
		{"ada.hub.example.org", "/", "https://start.hub.example.org/"},
		{"hub.example.org", "/hub/home", "https://start.hub.example.org/hub/home"},
		{"x.ada.hub.example.org", "/user/ada/", "https://start.hub.example.org/user/ada/"},
		{"ada.hub.example.org.", "/user/ada/", "https://start.hub.example.org/user/ada/"},
		{"ada.hub.example.org:8443", "/user/ada/", "https://start.hub.example.org/user/ada/"},
		{"x@ada.hub.example.org", "/hub/home", "https://start.hub.example.org/hub/home"},
		{"", "/hub/home", "https://start.hub.example.org/hub/home"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.RequestURI = test.host, test.target
		if r.URL, _ = url.ParseRequestURI(test.target); r.URL == nil {
			t.Fatal(test.target)
		}
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		w := httptest.NewRecorder()
		leads := "here"
		if site.Astray(r) {
			site.Lead(w, r)
			leads = w.Result().Header.Get("Location")
		}
		if leads != test.leads {
			t.Errorf("%s%s leads to %q, want %q", test.host, test.target, leads, test.leads)
		}
		r.Header.Set("Sec-Fetch-Mode", "cors")
		w = httptest.NewRecorder()
		astray := site.Astray(r)
		if astray {
			site.Lead(w, r)
		}
		if astray && w.Code != http.StatusMisdirectedRequest || astray == (test.leads == "here") {
			t.Errorf("%s%s by a script: %v %d", test.host, test.target, astray, w.Code)
		}
	}
	// Without hosts of users every host is the hub's.
	site = f.configure(settings(&platform{}))
	if site.Astray(httptest.NewRequest(http.MethodGet, "https://ada.hub.example.org/hub/home", nil)) {
		t.Error("a hub without hosts of users sends people away")
	}
}

// Certificates are for hosts that somebody has, and cost one look at the store.
func TestKnown(t *testing.T) {
	f := newFixture(t)
	site := f.configure(settings(&platform{}, below(t), services("wiki", "Wiki")))
	if _, err := site.directory.CreateUser(t.Context(), "jürgen", false); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"start.hub.example.org":          true,
		"root.hub.example.org":           true,
		"ROOT.hub.example.org":           true,
		"xn--jrgen-kva.hub.example.org":  true,
		"wiki--service.hub.example.org":  true,
		"nobody.hub.example.org":         false,
		"hub.example.org":                false,
		"x.root.hub.example.org":         false,
		"root.hub.example.org.":          false,
		"root.example.org":               false,
		"other--service.hub.example.org": false,
		"":                               false,
		strings.Split(site.settings.Domain.OfService("Wiki"), ":")[0]: true,
		strings.Split(site.settings.Domain.OfUser("Nobody"), ":")[0]:  false,
	} {
		if got, err := site.Known(t.Context(), name); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	f.store.Away.Store(true)
	if known, err := site.Known(t.Context(), "fresh.hub.example.org"); known || err == nil {
		t.Errorf("without the store: %v, %v", known, err)
	}
	f.store.Away.Store(false)
}
