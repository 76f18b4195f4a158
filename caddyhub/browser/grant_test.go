package browser

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// grant is one of ada's token.
func (f *fixture) grant(t *testing.T) identity.Grant {
	t.Helper()
	from, err := f.directory.ByToken(t.Context(), f.token)
	if err != nil {
		t.Fatal(err)
	}
	grant, err := f.directory.NewGrant(from, scope.Client{Server: scope.Server{User: "ada"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return grant
}

// TestGrantCookie: each prefix has a cookie of its own, which is the edge's alone and
// goes as it came.
func TestGrantCookie(t *testing.T) {
	for public, prefix := range map[string]string{"http://hub.example.org": "caddyhub-grant-", "https://hub.example.org": "__Secure-caddyhub-grant-"} {
		f := newFixture(t, "/", public)
		grant := f.grant(t)
		names := make(map[string]string)
		for _, path := range []string{"/user/ada/", "/user/ada/lab/", "/user/ad/", "/user/ada%2Flab/", "/services/ada/"} {
			r, w := request("GET", public+path), httptest.NewRecorder()
			f.SetGrant(w, r, grant, path)
			cookie := w.Result().Cookies()[0]
			if other := names[cookie.Name]; other != "" || !strings.HasPrefix(cookie.Name, prefix) {
				t.Errorf("%s and %s have the cookie %s", path, other, cookie.Name)
			}
			names[cookie.Name] = path
			if cookie.Path != path || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure != strings.HasPrefix(public, "https") || cookie.MaxAge != 0 {
				t.Errorf("%s: %+v", path, cookie)
			}
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: "tossed"})
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
			if diff := cmp.Diff([]identity.Grant{grant}, f.Grants(r, path)); diff != "" {
				t.Errorf("%s: %s", path, diff)
			}
			if found := f.Grants(r, path+"x/"); found != nil {
				t.Errorf("%sx/: %v", path, found)
			}
			w = httptest.NewRecorder()
			f.ClearGrant(w, r, path)
			if gone := w.Result().Cookies()[0]; gone.Name != cookie.Name || gone.Path != path || gone.MaxAge >= 0 {
				t.Errorf("%s: cleared by %+v", path, gone)
			}
			reserved := false
			for _, begins := range f.ReservedCookiePrefixes() {
				reserved = reserved || strings.HasPrefix(cookie.Name, begins)
			}
			if !reserved {
				t.Errorf("%s is not reserved", cookie.Name)
			}
		}
	}
}

// TestGrantsAreBounded: pages may toss as many cookies as they like.
func TestGrantsAreBounded(t *testing.T) {
	f := newFixture(t, "/", "")
	r := request("GET", "/user/ada/")
	value := f.directory.SealGrant(f.grant(t))
	for range 100 {
		r.AddCookie(&http.Cookie{Name: f.GrantCookie(r, "/user/ada/"), Value: value})
	}
	if found := f.Grants(r, "/user/ada/"); len(found) != 8 {
		t.Errorf("%d grants were opened", len(found))
	}
}

// TestFormToken: the token of a form is good for this form, in this session, sent by
// a page of ours, and a page's own token is none.
func TestFormToken(t *testing.T) {
	f := newFixture(t, "/", "http://hub.example.org")
	_, other := f.login(t)
	mine, theirs := f.visit(&f.session), f.visit(&other)
	token, err := f.FormToken(mine, "choice")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := f.XSRFToken(httptest.NewRecorder(), request("GET", "/user/ada/"), mine, "form choice/")
	if err != nil {
		t.Fatal(err)
	}
	grant := f.grant(t)
	byGrant := Visit{Identity: &identity.Identity{Grant: &grant}, ByCookie: true}
	for name, test := range map[string]struct {
		visit       Visit
		form, token string
		origin      string
		want        bool
	}{
		"as it was sent":     {mine, "choice", token, "http://hub.example.org", true},
		"without Origin":     {mine, "choice", token, "", true},
		"of another site":    {mine, "choice", token, "https://evil.example", false},
		"of another form":    {mine, "other", token, "", false},
		"of another session": {theirs, "choice", token, "", false},
		"of a page":          {mine, "choice", pages, "", false},
		"none":               {mine, "choice", "", "", false},
		"nobody":             {Visit{}, "choice", token, "", false},
		"by a grant":         {byGrant, "choice", token, "", false},
	} {
		r := request("POST", "http://hub.example.org/user/ada/lab")
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		r.PostForm = url.Values{"_xsrf": {test.token}}
		if got := f.FormChecks(r, test.visit, test.form); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	f.clock.Advance(40 * 24 * time.Hour)
	r := request("POST", "/user/ada/lab")
	r.PostForm = url.Values{"_xsrf": {token}}
	if f.FormChecks(r, mine, "choice") {
		t.Error("a token that is too old")
	}
}
