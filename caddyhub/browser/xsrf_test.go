package browser

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// visit is ada by cookie.
func (f *fixture) visit(session *identity.Session) Visit {
	return Visit{Identity: &identity.Identity{Owner: identity.UserOwner("ada"), Session: session}, ByCookie: true}
}

func (f *fixture) mint(t *testing.T, session *identity.Session, prefix string) string {
	t.Helper()
	token, err := f.XSRFToken(httptest.NewRecorder(), request("GET", "/hub/home"), f.visit(session), prefix)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestXSRF(t *testing.T) {
	f := newFixture(t, "/", "")
	_, other := f.login(t)
	elsewhere := newFixture(t, "/", "")
	const hub, lab = "/hub/", "/user/ada/"
	token := f.mint(t, &f.session, hub)
	anonymous, err := f.XSRFToken(httptest.NewRecorder(), request("GET", "/hub/login"), Visit{}, hub)
	if err != nil {
		t.Fatal(err)
	}
	post := func(token string) *http.Request { return request("POST", "/hub/spawn", "X-XSRFToken: "+token) }
	form := func(token string) *http.Request {
		r := httptest.NewRequest("POST", "/hub/spawn", strings.NewReader(url.Values{"_xsrf": {token}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if err := r.ParseForm(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	visit := f.visit(&f.session)
	byToken := Visit{Identity: &identity.Identity{Owner: identity.UserOwner("ada"), Token: new(identity.Token)}}
	byVisitor := visit
	byVisitor.ByCookie = false
	for name, test := range map[string]struct {
		r     *http.Request
		visit Visit
		want  gate.XSRF
	}{
		"header":                 {post(token), visit, gate.XSRFPassed},
		"form":                   {form(token), visit, gate.XSRFPassed},
		"query":                  {request("POST", "/hub/spawn?_xsrf="+token), visit, gate.XSRFPassed},
		"one of several":         {request("POST", "/hub/spawn?_xsrf=x", "X-XSRFToken: "+token), visit, gate.XSRFPassed},
		"missing":                {request("POST", "/hub/spawn"), visit, gate.XSRFMissing},
		"only in the cookie":     {request("POST", "/hub/spawn", "Cookie: _xsrf="+token), visit, gate.XSRFMissing},
		"empty":                  {form(""), visit, gate.XSRFMissing},
		"made up":                {post("x"), visit, gate.XSRFMismatch},
		"of another session":     {post(f.mint(t, &other, hub)), visit, gate.XSRFMismatch},
		"of another path":        {post(f.mint(t, &f.session, lab)), visit, gate.XSRFMismatch},
		"of the login form":      {post(anonymous), visit, gate.XSRFMismatch},
		"of another hub":         {post(elsewhere.mint(t, &f.session, hub)), visit, gate.XSRFMismatch},
		"changed":                {post(token[:len(token)-2] + "AA"), visit, gate.XSRFMismatch},
		"endless":                {post(strings.Repeat("x", 10000)), visit, gate.XSRFMismatch},
		"behind too many others": {request("POST", "/hub/spawn?"+strings.Repeat("_xsrf=x&", 20)+"_xsrf="+token), visit, gate.XSRFMismatch},
		"navigation":             {request("GET", "/hub/home"), visit, gate.XSRFPassed},
		"token, no cookie":       {request("POST", "/hub/spawn"), byToken, gate.XSRFPassed},
		"visitor token":          {request("POST", "/hub/spawn"), byVisitor, gate.XSRFPassed},
		"anonymous":              {request("POST", "/hub/spawn"), Visit{}, gate.XSRFPassed},
	} {
		if got := f.XSRF(test.r, test.visit, gate.AreaPage, hub); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
		err := f.CheckXSRF(test.r, test.visit, gate.AreaPage, hub)
		if (err == nil) != (test.want == gate.XSRFPassed) || err != nil && !errors.Is(err, ErrXSRF) {
			t.Errorf("%s: %v", name, err)
		}
		text := map[gate.XSRF]string{gate.XSRFMissing: "'_xsrf' argument missing from POST", gate.XSRFMismatch: "XSRF cookie does not match POST argument"}
		if err != nil && err.Error() != text[test.want] {
			t.Errorf("%s: %q", name, err)
		}
	}
	f.clock.Advance(31 * 24 * time.Hour)
	if got := f.XSRF(post(token), visit, gate.AreaPage, hub); got != gate.XSRFMismatch {
		t.Errorf("after a month: %v", got)
	}
}

// The cookie that scripts read is set on navigations only, for its path.
func TestXSRFCookie(t *testing.T) {
	f := newFixture(t, "/", "")
	for mode, set := range map[string]bool{"": true, "navigate": true, "cors": false, "no-cors": false, "websocket": false} {
		r := request("GET", "/user/ada/lab")
		if mode != "" {
			r.Header.Set("Sec-Fetch-Mode", mode)
		}
		w := httptest.NewRecorder()
		token, err := f.XSRFToken(w, r, f.visit(&f.session), "/user/ada/")
		if err != nil {
			t.Fatal(err)
		}
		cookies := w.Result().Cookies()
		if (len(cookies) == 1) != set || set && (cookies[0].Name != XSRFCookie || cookies[0].Value != token || cookies[0].Path != "/user/ada/") {
			t.Errorf("mode %q: %v", mode, cookies)
		}
	}
	if _, err := f.XSRFToken(httptest.NewRecorder(), request("GET", "/"), f.visit(&f.session), ""); err == nil {
		t.Error("a token for no path")
	}
}

// The login form works in the browser that asked for it, and nowhere else.
func TestAnonymousXSRF(t *testing.T) {
	f := newFixture(t, "/", "")
	const hub = "/hub/"
	ask := func(cookies string) (token, cookie string) {
		t.Helper()
		w := httptest.NewRecorder()
		token, err := f.XSRFToken(w, request("GET", "/hub/login", "Cookie: "+cookies), Visit{}, hub)
		if err != nil {
			t.Fatal(err)
		}
		for _, set := range w.Result().Cookies() {
			cookie = set.Name + "=" + set.Value
		}
		return token, cookie
	}
	token, cookie := ask("")
	second, again := ask(cookie)
	if again != "" {
		t.Errorf("a second tab gets another id: %s", again)
	}
	stranger, strange := ask("")
	if strange == cookie {
		t.Error("two browsers get one id")
	}
	for _, junk := range []string{anonymousCookie + "=", anonymousCookie + "=short", anonymousCookie + "=" + strings.Repeat("x", 1000)} {
		if _, fresh := ask(junk); fresh == "" {
			t.Errorf("%.40q is taken for an id of ours", junk)
		}
	}
	tossed := anonymousCookie + "=" + strings.Repeat("x", 26) + "; "
	for name, test := range map[string]struct {
		token, cookies string
		good           bool
	}{
		"right":                   {token, cookie, true},
		"second tab":              {second, cookie, true},
		"tossed before":           {token, tossed + cookie, true},
		"tossed behind":           {token, cookie + "; " + tossed, true},
		"behind too many":         {token, strings.Repeat(tossed, gate.MaxSessionCookies) + cookie, false},
		"no cookie":               {token, "", false},
		"cookie of a stranger":    {token, strange, false},
		"token of a stranger":     {stranger, cookie, false},
		"no token":                {"", cookie, false},
		"token of a session":      {f.mint(t, &f.session, hub), cookie, false},
		"the cookie as the token": {strings.TrimPrefix(cookie, anonymousCookie+"="), cookie, false},
	} {
		r := request("POST", "/hub/login", "Cookie: "+test.cookies)
		if test.token != "" {
			r.Header.Set("X-XSRFToken", test.token)
		}
		if err := f.CheckAnonymousXSRF(r, hub); (err == nil) != test.good || err != nil && !errors.Is(err, ErrXSRF) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := request("POST", "/hub/login", "Cookie: "+cookie, "X-XSRFToken: "+token)
	if err := f.CheckAnonymousXSRF(r, "/user/ada/"); err == nil {
		t.Error("good for another path")
	}
	rotated, err := f.ring.Rotated()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.ring.Replace(rotated); err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(23 * time.Hour)
	if err := f.CheckAnonymousXSRF(r, hub); err != nil {
		t.Errorf("a form that stayed open over a rotation: %v", err)
	}
	f.clock.Advance(time.Hour)
	if err := f.CheckAnonymousXSRF(r, hub); err == nil {
		t.Error("good for ever")
	}
}

func TestCheckForeign(t *testing.T) {
	f := newFixture(t, "/", "")
	const elsewhere = "Origin: https://elsewhere.example.org"
	for name, test := range map[string]struct {
		r    *http.Request
		want string
	}{
		"no page":         {request("POST", "/hub/api/users"), ""},
		"a page":          {request("POST", "/hub/api/users", elsewhere), "'_xsrf' argument missing from POST"},
		"a page, reading": {request("GET", "/hub/api/users", elsewhere, "Sec-Fetch-Mode: cors"), "'_xsrf' argument missing from GET"},
		"made up":         {request("POST", "/hub/api/users?_xsrf=x", elsewhere), "XSRF cookie does not match POST argument"},
		"a link":          {request("GET", "/hub/api/users", elsewhere, "Sec-Fetch-Mode: navigate"), ""},
	} {
		text := ""
		if err := f.CheckForeign(test.r, gate.AreaAPI); err != nil {
			text = err.Error()
		}
		if text != test.want {
			t.Errorf("%s: %q, want %q", name, text, test.want)
		}
	}
}
