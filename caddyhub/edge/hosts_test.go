package edge

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/handover"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/subdomain"
)

// subdomains makes a site of hosts below hub.example.org.
func subdomains(t testing.TB) func(*Options) {
	t.Helper()
	public, err := url.Parse("https://hub.example.org")
	if err != nil {
		t.Fatal(err)
	}
	domain, err := subdomain.Parse("hub.example.org", public)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) { o.Domain, o.PublicURL = domain, public }
}

// visit sends a request to a host; to is the route that it was forwarded to, nil if
// to none.
func (s *site) visit(host, target string, header ...string) (answer *httptest.ResponseRecorder, to *route.Route) {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = host
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	err := s.Serve(w, r, func(w http.ResponseWriter, _ *http.Request, found route.Route) error {
		to = &found
		w.WriteHeader(http.StatusOK)
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
	return w, to
}

// A server is reached at the host of its user, by whoever may visit it, and
// nowhere else, by nobody.
func TestHosts(t *testing.T) {
	s := newSite(t, subdomains(t))
	s.start("ada", "")
	s.start("bob", "")
	const authorization = "Authorization: token " + monitorToken
	for _, test := range []struct {
		host, path string
		// owner is whose server is reached; empty for none.
		owner string
	}{
		{"ada.hub.example.org", "/user/ada/x", "ada"},
		{"ADA.hub.example.org:443", "/user/ada/x", "ada"},
		{"ada.hub.example.org", "/user/%61da/x", "ada"},
		{"bob.hub.example.org", "/user/bob/x", "bob"},
		{"ada.hub.example.org", "/user/bob/x", ""},
		{"bob.hub.example.org", "/user/ada/x", ""},
		{"hub.example.org", "/user/ada/x", ""},
		{"ada.hub.example.org.", "/user/ada/x", ""},
		{"ada.hub.example.org:8443", "/user/ada/x", ""},
		{"x.ada.hub.example.org", "/user/ada/x", ""},
		{"x@ada.hub.example.org", "/user/ada/x", ""},
		{"ada.hub.example.org.evil.example", "/user/ada/x", ""},
		{"", "/user/ada/x", ""},
		{"ada.hub.example.org", "/user/ADA/x", ""},
		{"ada.hub.example.org", "/services/wiki/x", ""},
	} {
		answer, to := s.visit(test.host, test.path, authorization)
		if (to == nil) != (test.owner == "") || to != nil && to.Data.User != test.owner {
			t.Errorf("%s%s: %d, %+v", test.host, test.path, answer.Code, to)
		}
	}
	if _, to := s.visit("wiki--service.hub.example.org", "/services/wiki/x", authorization); to != nil {
		t.Error("a token that may visit servers visits a service")
	}
}

// Who has to log in first is sent round by the hub, where there is one to be sent
// round by; a program is told where to go.
func TestLoginAtHosts(t *testing.T) {
	s := newSite(t, subdomains(t))
	s.options.Handover = handover.NewGuest(handover.GuestOptions{
		Codes: handover.New(handover.Options{Directory: s.directory, Allow: s.options.Domain.Owns}), Browser: s.options.Browser,
		HubURL: "https://hub.example.org/hub/",
	})
	s.start("ada", "")
	answer, to := s.visit("ada.hub.example.org", "/user/ada/lab?x", "Sec-Fetch-Mode: navigate")
	if location := answer.Header().Get("Location"); to != nil || !strings.HasPrefix(location, "https://hub.example.org/hub/handover?host=ada.hub.example.org&next=%2Fuser%2Fada%2Flab%3Fx&state=") {
		t.Errorf("a page: %d %s", answer.Code, location)
	}
	answer, to = s.visit("ada.hub.example.org", "/user/ada/api/status", "Sec-Fetch-Mode: cors")
	if to != nil || answer.Code != http.StatusUnauthorized || answer.Header().Get("Set-Cookie") != "" {
		t.Errorf("a script: %d %v", answer.Code, answer.Header())
	}
	cookie, session, err := s.directory.CreateSession(t.Context(), "ada", "dummy")
	if err != nil {
		t.Fatal(err)
	}
	child := s.directory.HostSession(&session, "ada.hub.example.org")
	for value, reached := range map[string]bool{child: true, cookie: false} {
		_, to := s.visit("ada.hub.example.org", "/user/ada/lab", "Sec-Fetch-Mode: navigate", "Cookie: __Host-caddyhub-session="+value)
		if (to != nil) != reached {
			t.Errorf("with %s: %+v", value, to)
		}
	}
	// A page of this origin needs no other proof than that it is one.
	for origin, reached := range map[string]bool{"https://ada.hub.example.org": true, "https://bob.hub.example.org": false, "https://hub.example.org": false, "null": false} {
		_, to := s.visit("ada.hub.example.org", "/user/ada/api/contents", "Sec-Fetch-Mode: cors", "Origin: "+origin, "Cookie: __Host-caddyhub-session="+child)
		if (to != nil) != reached {
			t.Errorf("a script of %s: %+v", origin, to)
		}
	}
}

// Whatever is asked for, where and how: what is forwarded belongs to the host that
// was asked.
func FuzzHosts(f *testing.F) {
	s := newSite(f, subdomains(f))
	s.start("ada", "")
	s.start("bob", "")
	for _, host := range []string{"ada.hub.example.org", "bob.hub.example.org", "hub.example.org", "ada.hub.example.org:443", "x@ada.hub.example.org", "ada.hub.example.org."} {
		for _, path := range []string{"/user/ada/x", "/user/bob/", "/user/ada/../bob/x", "/user/%62ob/x", "//user/bob/", "/services/wiki/"} {
			f.Add(host, path)
		}
	}
	f.Fuzz(func(t *testing.T, host, path string) {
		address, err := url.ParseRequestURI(path)
		if err != nil || !strings.HasPrefix(path, "/") {
			return
		}
		r := &http.Request{Method: http.MethodGet, URL: address, RequestURI: path, Host: host, Header: http.Header{"Authorization": {"token " + monitorToken}}}
		err = s.Serve(httptest.NewRecorder(), r.WithContext(t.Context()), func(_ http.ResponseWriter, out *http.Request, to route.Route) error {
			canonical, ok := subdomain.Canonical(host, true)
			if !ok || canonical != s.options.Domain.OfUser(to.Data.User) {
				t.Errorf("%q at %q leads to %+v", path, host, to)
			}
			if sent, err := gate.CanonicalPath(out.URL.EscapedPath(), "/"); err != nil || sent.Segment(1) != to.Data.User {
				t.Errorf("%q at %q is sent as %q, %v", path, host, out.URL, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
