package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/version"
)

// TestServes is the border between the pages and the other handlers.
func TestServes(t *testing.T) {
	for _, test := range []struct {
		base hubpath.Base
		path string
		want bool
	}{
		{"/", "/", true},
		{"/", "/hub", true},
		{"/", "/hub/", true},
		{"/", "/hub/home", true},
		{"/", "/hub/nothing/here", true},
		{"/", "/hub/user/ada/lab", true},
		{"/", "/user-redirect/lab", true},
		{"/", "/favicon.ico", true},
		{"/", "/user", false},
		{"/", "/user/ada", false},
		{"/", "/services/grafana/", false},
		{"/", "/hub/api", false},
		{"/", "/hub/api/users", false},
		{"/", "/hub/api/oauth2/authorize", false},
		{"/", "/hub/health", false},
		{"/", "/hub/apis", true},
		{"/", "/%75ser/ada/", true},
		{"/", "/hub/../user/ada/", true},
		{"/", "/hub//home", true},
		{"/", "/hub/%2e%2e/home", true},
		{"/", "/user/ada/../bob/", false},
		{"/", "/a/../b", false},
		{"/jupyter/", "/jupyter", true},
		{"/jupyter/", "/jupyter/", true},
		{"/jupyter/", "/jupyter/hub/home", true},
		{"/jupyter/", "/jupyter/user/ada/", false},
		{"/jupyter/", "/jupyter/hub/api/users", false},
		{"/jupyter/", "/hub/home", false},
		{"/jupyter/", "/jupyterhub/", false},
		{"/jupyter/", "/", false},
	} {
		s := &Web{options: Options{Base: test.base}, hub: test.base.Hub("")}
		r := httptest.NewRequest("GET", test.path, nil)
		if got := s.Serves(r); got != test.want {
			t.Errorf("base %s: %s: %v", test.base, test.path, got)
		}
	}
}

// TestToHub holds what is outside the hub to JupyterHub's section 0.1.
func TestToHub(t *testing.T) {
	at := func(b hubpath.Base) *person { return newSite(t, base(b)).person() }
	root, below := at("/"), at("/jupyter/")
	for _, test := range []struct {
		p        *person
		from, to string
	}{
		{root, "/", "/hub/"},
		{root, "/hub", "/hub/"},
		{root, "/home?a=b", "/hub/home?a=b"},
		{root, "/user-redirect/lab/tree/a%20b?x=%2F", "/hub/user-redirect/lab/tree/a%20b?x=%2F"},
		{root, "/spawn/", "/hub/spawn/"},
		{root, "/%75ser/ada/", "/hub/%75ser/ada/"},
		{root, "/?next=https://evil.example", "/hub/?next=https://evil.example"},
		{below, "/jupyter", "/jupyter/hub/"},
		{below, "/jupyter/", "/jupyter/hub/"},
		{below, "/jupyter/hub", "/jupyter/hub/"},
		{below, "/jupyter/user-redirect/", "/jupyter/hub/user-redirect/"},
	} {
		test.p.get(test.from).want(t, test.from, http.StatusFound, test.to)
	}
	root.post("/home", nil).want(t, "post outside", http.StatusMethodNotAllowed, "")
	public := newSite(t, func(s *setup) { s.PublicURL = &url.URL{Scheme: "https", Host: "hub.example.org"} }).person()
	public.get("/home").want(t, "public URL", http.StatusFound, "https://hub.example.org/hub/home")
}

func TestUnknownPathsAndMethods(t *testing.T) {
	p := newSite(t).person().login("ada")
	for path, status := range map[string]int{
		"/hub/nothing":           http.StatusNotFound,
		"/hub/home/":             http.StatusNotFound,
		"/hub/hom%65":            http.StatusNotFound,
		"/hub/%75ser/ada/":       http.StatusNotFound,
		"/hub/metrics":           http.StatusNotFound,
		"/hub/error/200":         http.StatusNotFound,
		"/hub/error/abc":         http.StatusNotFound,
		"/hub/spawn//":           http.StatusBadRequest,
		"/hub/spawn/ada/%ff":     http.StatusBadRequest,
		"/hub/../user/ada/":      http.StatusBadRequest,
		"/hub/home;a":            http.StatusBadRequest,
		"/hub/spawn/ada/a/b":     http.StatusNotFound,
		"/hub/login/dummy/paths": http.StatusNotFound,
	} {
		p.get(path).want(t, path, status, "")
	}
	for _, test := range []struct{ method, path, allow string }{
		{"POST", "/hub/home", "GET, HEAD"},
		{"GET", "/hub/home/new-server", "POST"},
		{"GET", "/hub/stop/ada", "POST"},
		{"PUT", "/hub/token", "GET, HEAD, POST"},
		{"HEAD", "/hub/spawn", "GET, POST"},
		{"HEAD", "/hub/logout", "GET"},
		{"POST", "/hub/logout", "GET"},
		{"OPTIONS", "/hub/login", "GET, HEAD, POST"},
		{"DELETE", "/hub/", "GET, HEAD"},
		{"GET", "/hub/security/csp-report", "POST"},
	} {
		got := p.send(test.method, test.path, "", "")
		if got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != test.allow {
			t.Errorf("%s %s: %d, Allow %q", test.method, test.path, got.StatusCode, got.Header.Get("Allow"))
		}
	}
	if !p.lives(p.session()) {
		t.Error("logged out by a request that is not GET")
	}
}

// TestHeaders are those of section 0.2.
func TestHeaders(t *testing.T) {
	p := newSite(t).person()
	for _, path := range []string{"/", "/hub/login", "/hub/home", "/hub/nothing", "/hub/error/503", "/hub/logo"} {
		header := p.get(path).Header
		if header.Get("X-JupyterHub-Version") != version.JupyterHub || header.Get("X-CaddyHub-Version") == "" {
			t.Errorf("%s: versions missing: %v", path, header)
		}
		if header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: open to other origins", path)
		}
		policy := header.Get("Content-Security-Policy")
		if path != "/hub/logo" && (!strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "report-uri /hub/security/csp-report")) {
			t.Errorf("%s: policy %q", path, policy)
		}
		if path != "/hub/logo" && header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, header.Get("Cache-Control"))
		}
	}
}

func TestSmallPages(t *testing.T) {
	p := newSite(t).person()
	p.get("/hub/error/503").want(t, "error 503", http.StatusOK, "Your server appears to be down.")
	p.get("/hub/error/404").want(t, "error 404", http.StatusOK, "Error 404")
	p.get("/hub/user/ada/lab").want(t, "user path", http.StatusOK, "user path /hub/user/ada/lab")
	p.send("DELETE", "/hub/user/ada/api", "", "").want(t, "user path", http.StatusOK, "user path /hub/user/ada/api")
	p.get("/hub/static/hub.css").want(t, "static", http.StatusOK, "{")
	p.get("/hub/logo").want(t, "logo", http.StatusOK, "<svg")
	report := func(body string) answer {
		return p.send("POST", "/hub/security/csp-report", "application/csp-report", body)
	}
	report(`{"csp-report":{}}`).want(t, "report", http.StatusNoContent, "")
	report(strings.Repeat("x", maxReport)).want(t, "long report", http.StatusNoContent, "")
	report(strings.Repeat("x", maxReport+1)).want(t, "too long report", http.StatusRequestEntityTooLarge, "")
}
