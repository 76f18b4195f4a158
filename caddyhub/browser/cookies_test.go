package browser

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// sites are the ways in which a site can be reached.
var sites = map[string]struct {
	base   hubpath.Base
	public string
	tls    bool
	secure bool
	prefix string
}{
	"plain":                       {"/", "", false, false, ""},
	"plain below a path":          {"/jupyter/", "", false, false, ""},
	"TLS":                         {"/", "", true, true, "__Host-"},
	"TLS below a path":            {"/jupyter/", "", true, true, "__Secure-"},
	"behind a front with TLS":     {"/", "https://hub.example.org", false, true, "__Host-"},
	"below a path behind a front": {"/jupyter/", "https://hub.example.org/jupyter/", false, true, "__Secure-"},
	"TLS that users do not see":   {"/", "http://hub.example.org", true, false, ""},
}

// siteRequest is a request for a page of the hub.
func siteRequest(base hubpath.Base, overTLS bool) *http.Request {
	r := request("GET", base.Hub("home"))
	r.Host = "hub.example.org"
	if overTLS {
		r.TLS = new(tls.ConnectionState)
	}
	return r
}

func TestFlags(t *testing.T) {
	for name, site := range sites {
		f := newFixture(t, site.base, site.public)
		r := siteRequest(site.base, site.tls)
		w := httptest.NewRecorder()
		if _, err := f.XSRFToken(w, r, Visit{}, site.base.Hub("")); err != nil {
			t.Fatal(err)
		}
		f.SetSession(w, r, f.cookie, f.session)
		visit := Visit{Identity: &identity.Identity{Session: &f.session}, ByCookie: true}
		if _, err := f.XSRFToken(w, r, visit, site.base.Hub("")); err != nil {
			t.Fatal(err)
		}
		type flags struct {
			Path     string
			HTTPOnly bool
			MaxAge   int
		}
		lifetime := int(identity.DefaultMaxLifetime.Seconds())
		want := map[string]flags{
			site.prefix + sessionCookie:   {string(site.base), true, lifetime},
			site.prefix + anonymousCookie: {string(site.base), true, 0},
			BrowserSessionCookie:          {string(site.base), true, 0},
			XSRFCookie:                    {site.base.Hub(""), false, 0},
		}
		got := make(map[string]flags)
		for _, cookie := range w.Result().Cookies() {
			if cookie.MaxAge >= 0 {
				got[cookie.Name] = flags{cookie.Path, cookie.HttpOnly, cookie.MaxAge}
			}
			if !cookie.Expires.IsZero() || cookie.Secure != site.secure || cookie.SameSite != http.SameSiteLaxMode || cookie.Domain != "" {
				t.Errorf("%s: %s", name, cookie.Raw)
			}
			if strings.HasPrefix(cookie.Name, "__Host-") && (cookie.Path != "/" || !cookie.Secure) || strings.HasPrefix(cookie.Name, "__Secure-") && !cookie.Secure {
				t.Errorf("%s: a browser refuses %s", name, cookie.Raw)
			}
			if cookie.Name != XSRFCookie && cookie.Name != BrowserSessionCookie && !slices.Contains(f.ReservedCookies(), cookie.Name) {
				t.Errorf("%s: %s is not reserved", name, cookie.Name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if f.Secure(r) != site.secure || !strings.HasSuffix(f.Origin(r), "://hub.example.org") || strings.HasPrefix(f.Origin(r), "https:") != site.secure {
			t.Errorf("%s: origin %s", name, f.Origin(r))
		}
	}
}

// A browser that is logged in is identified, and after Clear has nothing left.
func TestCookieJar(t *testing.T) {
	for name, site := range sites {
		f := newFixture(t, site.base, site.public)
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		scheme := "http"
		if site.secure {
			scheme = "https"
		}
		page := &url.URL{Scheme: scheme, Host: "hub.example.org", Path: site.base.Hub("home")}
		visitPage := func(use func(http.ResponseWriter, *http.Request)) {
			r := siteRequest(site.base, site.tls)
			for _, cookie := range jar.Cookies(page) {
				r.AddCookie(cookie)
			}
			w := httptest.NewRecorder()
			use(w, r)
			jar.SetCookies(page, w.Result().Cookies())
		}
		identified := func(want bool) {
			t.Helper()
			visitPage(func(_ http.ResponseWriter, r *http.Request) {
				if visit, err := f.Identify(r); err != nil || (visit.Identity != nil) != want {
					t.Errorf("%s: %v, %v", name, visit.Identity, err)
				}
			})
		}
		visitPage(func(w http.ResponseWriter, r *http.Request) {
			if _, err := f.XSRFToken(w, r, Visit{}, site.base.Hub("")); err != nil {
				t.Error(err)
			}
		})
		if len(jar.Cookies(page)) != 1 {
			t.Errorf("%s: before the login: %v", name, jar.Cookies(page))
		}
		visitPage(func(w http.ResponseWriter, r *http.Request) { f.SetSession(w, r, f.cookie, f.session) })
		identified(true)
		if left := jar.Cookies(page); len(left) != 2 {
			t.Errorf("%s: after the login: %v", name, left)
		}
		visitPage(func(w http.ResponseWriter, r *http.Request) {
			visit, err := f.Identify(r)
			if err != nil {
				t.Error(err)
			}
			if _, err := f.XSRFToken(w, r, visit, site.base.Hub("")); err != nil {
				t.Error(err)
			}
			before := len(w.Header()["Set-Cookie"])
			if f.SetBrowserSession(w, r, f.session); len(w.Header()["Set-Cookie"]) != before {
				t.Errorf("%s: the session id is set again", name)
			}
			// One that another login has left, before the site had TLS.
			http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: "old.one", Path: string(site.base)})
		})
		visitPage(f.Clear)
		if left := jar.Cookies(page); len(left) > 0 {
			t.Errorf("%s: after the logout: %v", name, left)
		}
		identified(false)
	}
}

// The session id that servers read is repaired where it is missing, another
// one, or ambiguous.
func TestSetBrowserSession(t *testing.T) {
	f := newFixture(t, "/", "")
	id := f.session.BrowserSession
	for cookies, set := range map[string]bool{
		"": true, "other=x": true, BrowserSessionCookie + "=x": true, BrowserSessionCookie + "=" + id: false,
		BrowserSessionCookie + "=" + id + "; " + BrowserSessionCookie + "=x": true,
	} {
		w := httptest.NewRecorder()
		f.SetBrowserSession(w, request("GET", "/", "Cookie: "+cookies), f.session)
		if got := w.Result().Cookies(); (len(got) == 1) != set {
			t.Errorf("%q: %v", cookies, got)
		}
	}
}

// The gate takes all reserved cookies out, under every name they may have.
func TestReservedCookies(t *testing.T) {
	f := newFixture(t, "/", "")
	reserved := f.ReservedCookies()
	for _, name := range []string{
		"caddyhub-session", "__Host-caddyhub-session", "__Secure-caddyhub-session",
		"caddyhub-login", "__Host-caddyhub-login", "__Secure-caddyhub-login",
	} {
		if !slices.Contains(reserved, name) {
			t.Errorf("%s is not reserved", name)
		}
	}
	if slices.Contains(reserved, BrowserSessionCookie) {
		t.Error("single-user servers read the session id")
	}
	names := f.CredentialNames(siteRequest("/", true))
	if diff := cmp.Diff(gate.CredentialNames{SessionCookies: []string{"__Host-caddyhub-session"}, VisitorPrefix: "visitor."}, names); diff != "" {
		t.Error(diff)
	}
}

// Whoever has opened many servers sends each of them the cookies of that one.
func TestManyServers(t *testing.T) {
	f := newFixture(t, "/", "https://hub.example.org")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	cookie, session := f.login(t)
	address := func(path string) *url.URL {
		return &url.URL{Scheme: "https", Host: "hub.example.org", Path: path}
	}
	w, r := httptest.NewRecorder(), siteRequest("/", true)
	f.SetSession(w, r, cookie, session)
	jar.SetCookies(address("/"), w.Result().Cookies())
	visit := f.visit(&session)
	for i := range 200 {
		prefix := fmt.Sprintf("/user/ada/server-%d/", i)
		w := httptest.NewRecorder()
		if _, err := f.XSRFToken(w, r, visit, prefix); err != nil {
			t.Fatal(err)
		}
		jar.SetCookies(address(prefix), w.Result().Cookies())
	}
	for _, path := range []string{"/user/ada/server-7/lab", "/user/ada/server-199/", "/hub/home"} {
		length := 0
		for _, sent := range jar.Cookies(address(path)) {
			length += len(sent.String()) + 2
		}
		if length == 0 || length > 512 {
			t.Errorf("%s gets %d bytes of cookies", path, length)
		}
	}
}
