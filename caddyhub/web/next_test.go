package web

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// corpus is what may stand in next, and where it leads; empty means nowhere.
var corpus = map[string]string{
	"/hub/token":                          "/hub/token",
	"/user/ada/lab?a=b#c":                 "/user/ada/lab?a=b#c",
	"http://example.com/hub/token?x=1":    "/hub/token?x=1",
	"//example.com/hub/home":              "/hub/home",
	"/user/ada/tree/\u00fc":               "/user/ada/tree/%C3%BC",
	"":                                    "",
	"token":                               "",
	"https://evil.example/":               "",
	"https://example.com.evil.example/":   "",
	"https://example.com@evil.example/":   "",
	"//evil.example/":                     "",
	"///evil.example/":                    "",
	`/\evil.example/`:                     "",
	`\\evil.example`:                      "",
	"/\t/evil.example":                    "",
	"/%0d%0aSet-Cookie: a=b":              "",
	"/\r\nSet-Cookie: a=b":                "",
	"javascript:alert(1)":                 "",
	"/hub/../../evil":                     "",
	"http:/\\evil.example":                "",
	"/%2Fevil.example":                    "",
	" //evil.example":                     "",
	"data:text/html,<script>alert(1)":     "",
	"/user/ada/<script>alert(1)</script>": "/user/ada/%3Cscript%3Ealert(1)%3C/script%3E",
}

// TestNext tries the corpus wherever a request may say where to go.
func TestNext(t *testing.T) {
	s := newSite(t)
	fields := url.Values{"username": {"ada"}, "password": {"secret"}}
	for next, want := range corpus {
		query := "?next=" + url.QueryEscape(next)
		or := func(usual string) string {
			if want != "" {
				return want
			}
			return usual
		}
		p := s.person()
		p.submit("/hub/login"+query, "/hub/login"+query, fields).want(t, "login "+next, http.StatusFound, or("/hub/spawn"))
		p.get("/hub/login"+query).want(t, "logged in "+next, http.StatusFound, or("/hub/spawn"))
		p.get("/hub/"+query).want(t, "root "+next, http.StatusFound, or("/hub/spawn"))
		p.get("/hub/logout"+query).want(t, "logout "+next, http.StatusFound, or("/hub/login"))
		form := s.person().get("/hub/login" + query)
		if want == "" {
			form.want(t, "form "+next, http.StatusOK, `action="/hub/login"`)
		}
	}
}

// TestDefaults are the targets of section 6.2 for those who do not say where.
func TestDefaults(t *testing.T) {
	s := newSite(t)
	p := s.person().login("ada")
	p.get("/hub/login?a=b&_xsrf=x&a=c").want(t, "parameters go along", http.StatusFound, "/hub/spawn?a=b&a=c")
	p.get("/hub/login?a=b&next=/hub/home").want(t, "but not past a next", http.StatusFound, "/hub/home")
	s.start("ada", "")
	p.get("/hub/").want(t, "running", http.StatusFound, "/user/ada/")
	s.person().get("/hub/?a=b").want(t, "anonymous", http.StatusFound, "/hub/login?next=%2Fhub%2F%3Fa%3Db")

	configured := newSite(t, func(s *setup) { s.DefaultURL = "/hub/home#top" }).person()
	configured.get("/hub/").want(t, "default_url, anonymous", http.StatusFound, "/hub/home#top")
	configured.submit("/hub/login", "/hub/login", url.Values{"username": {"ada"}, "password": {"secret"}}).
		want(t, "default_url", http.StatusFound, "/hub/home#top")
	configured.get("/hub/login?a=b").want(t, "default_url with parameters", http.StatusFound, "/hub/home?a=b#top")
}

func TestLoginDemanded(t *testing.T) {
	p := newSite(t).person()
	p.get("/hub/spawn/ada?next=/a%20b&x=1").want(t, "GET", http.StatusFound,
		"/hub/login?next=%2Fhub%2Fspawn%2Fada%3Fnext%3D%2Fa%2520b%26x%3D1")
	p.send("HEAD", "/hub/home", "", "").want(t, "HEAD", http.StatusFound, "/hub/login?next=%2Fhub%2Fhome")
	p.post("/hub/stop/ada", nil).want(t, "POST", http.StatusForbidden, "Missing or invalid credentials.")
	token := newSite(t)
	secret := token.token("ada")
	bearer := token.person()
	bearer.header.Set("Authorization", "token "+secret)
	bearer.get("/hub/home").want(t, "tokens open no pages", http.StatusFound, "/hub/login?next=%2Fhub%2Fhome")
}

func TestUserRedirect(t *testing.T) {
	p := newSite(t).person().login("ada@example.org")
	for path, next := range map[string]string{
		"":                        "/user/ada@example.org/",
		"/":                       "/user/ada@example.org/",
		"/lab/tree/a%20b?x=1&y=/": "/user/ada@example.org/lab/tree/a%20b?x=1&y=/",
	} {
		p.get("/hub/user-redirect"+path).want(t, path, http.StatusFound,
			"/hub/spawn/ada@example.org?next="+url.QueryEscape(next))
	}
	s := newSite(t).person()
	s.get("/hub/user-redirect/lab").want(t, "anonymous", http.StatusFound, "/hub/login?next=%2Fhub%2Fuser-redirect%2Flab")
}

func TestLogout(t *testing.T) {
	s := newSite(t)
	p, other := s.person().login("ada"), s.person().login("ada")
	cookie := p.session()
	got := p.get("/hub/logout")
	got.want(t, "logout", http.StatusFound, "/hub/login")
	delete(p.jar, "caddyhub-device") // it outlives the login that it tells of
	if s.lives(cookie) || len(p.jar) != 0 {
		t.Errorf("after logout: lives %v, cookies %v", s.lives(cookie), p.jar)
	}
	if !s.lives(other.session()) {
		t.Error("another browser was logged out")
	}
	p.get("/hub/logout").want(t, "again", http.StatusFound, "/hub/login")

	other.store.Away.Store(true)
	other.get("/hub/logout").want(t, "store away", http.StatusServiceUnavailable, "")
	if other.session() == "" {
		t.Error("looks logged out and is not")
	}
	other.store.Away.Store(false)
	other.get("/hub/home").want(t, "store back", http.StatusOK, "")
}

var _ authenticator.LogoutRedirector = (*elsewhere)(nil)
