package edge

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

// TestVisitorTokens: what a token counts that the edge gave to a server and a
// page of it sends back, beside which session, and what the server gets then.
func TestVisitorTokens(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	s.start("bob", "")
	ada, again, root := s.login("ada"), s.login("ada"), s.login("root")
	const page = "/user/ada/api/contents"
	own := s.get("/user/ada/", ada.in, navigation).visitor()
	earlier := s.get("/user/ada/", again.in, navigation).visitor()
	roots := s.get("/user/ada/", root.in, navigation).visitor()
	atBob := s.get("/user/bob/", root.in, navigation).visitor()
	ended := s.login("ada")
	stale := s.get("/user/ada/", ended.in, navigation).visitor()
	if err := s.directory.DeleteSession(t.Context(), &ended.session); err != nil {
		t.Fatal(err)
	}
	proof := header("X-XSRFToken", s.xsrf("/user/ada/", ada))
	for name, test := range map[string]struct {
		method, target string
		changes        []change
		status         int
		as             login // who the server is told visits
	}{
		"own":                       {"POST", page, []change{script, ada.in, bearer(own)}, 200, ada},
		"own, no cookie":            {"POST", page, []change{script, bearer(own)}, 200, ada},
		"own, in the URL":           {"GET", page + "?token=" + url.QueryEscape(own), []change{script, ada.in}, 200, ada},
		"in the URL, no cookie":     {"GET", page + "?token=" + url.QueryEscape(own), []change{script}, 401, login{}},
		"in a link, no cookie":      {"GET", page + "?token=" + url.QueryEscape(own), []change{navigation}, 302, login{}},
		"in a link, of another":     {"GET", page + "?token=" + url.QueryEscape(roots), []change{navigation, ada.in}, 200, ada},
		"of another":                {"POST", page, []change{script, ada.in, bearer(roots)}, 403, login{}},
		"of another, with proof":    {"POST", page, []change{script, ada.in, proof, bearer(roots)}, 200, ada},
		"of an earlier login":       {"POST", page, []change{script, ada.in, bearer(earlier)}, 403, login{}},
		"earlier login, with proof": {"POST", page, []change{script, ada.in, proof, bearer(earlier)}, 200, ada},
		"stale":                     {"POST", page, []change{script, ada.in, bearer(stale)}, 403, login{}},
		"stale, with proof":         {"POST", page, []change{script, ada.in, proof, bearer(stale)}, 200, ada},
		"stale, no cookie":          {"GET", page, []change{script, bearer(stale)}, 401, login{}},
		"for another server":        {"POST", page, []change{script, root.in, bearer(atBob)}, 403, login{}},
		"for another, no cookie":    {"GET", page, []change{script, bearer(atBob)}, 403, login{}},
		"forged":                    {"POST", page, []change{script, ada.in, proof, bearer(own[:len(own)-3] + "abc")}, 200, ada},
		"two":                       {"GET", page, []change{script, bearer(own), bearer(own)}, 400, login{}},
	} {
		got := s.send(test.method, test.target, test.changes...)
		got.want(t, name, test.status, "")
		if got.out == nil {
			continue
		}
		visitor, ok := s.directory.OpenVisitorToken(got.visitor())
		if !ok || visitor.SessionID != test.as.session.ID || visitor.Client.Server.User != "ada" {
			t.Errorf("%s: the server was told %+v, %v", name, visitor, ok)
		}
		if got.out.URL.RawQuery != "" {
			t.Errorf("%s: ?%s went upstream", name, got.out.URL.RawQuery)
		}
	}
	s.ahead.Store(int64(20 * time.Minute))
	s.send("POST", page, script, ada.in, bearer(own)).want(t, "expired", 403, "_xsrf")
	s.get(page, script, bearer(own)).want(t, "expired, no cookie", 401, "")
	if fresh := s.get("/user/ada/", ada.in, navigation).visitor(); fresh == own || fresh == "" {
		t.Errorf("after it has expired: %q", fresh)
	}
}

// TestAnotherLogin: a token that was refused is never handed out again.
func TestAnotherLogin(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	seen := make(map[string]bool)
	for range 3 {
		l := s.login("ada")
		first, second := s.get("/user/ada/", l.in, navigation).visitor(), s.get("/user/ada/x", l.in, navigation).visitor()
		if first != second || seen[first] {
			t.Errorf("within a login %q and %q, seen before: %v", first, second, seen[first])
		}
		seen[first] = true
		if err := s.directory.DeleteSession(t.Context(), &l.session); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCredentialsUpstream: the server finds the one credential that was decided
// by, wherever it looks first, and nothing else is changed.
func TestCredentialsUpstream(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	ada := s.login("ada")
	token, other := s.token("ada", "inherit"), s.token("bob", "inherit")
	own := s.get("/user/ada/", ada.in, navigation).visitor()
	for name, test := range map[string]struct {
		target        string
		changes       []change
		authorization string // "visitor" for a token of the edge
		query         string
	}{
		"cookie":                  {"/user/ada/?a=%2F&&b", []change{navigation, ada.in}, "visitor", "a=%2F&&b"},
		"cookie and basic":        {"/user/ada/", []change{navigation, ada.in, header("Authorization", "Basic YTpi")}, "visitor", ""},
		"cookie and app's token":  {"/user/ada/?token=theirs", []change{navigation, ada.in}, "visitor", "token=theirs"},
		"token":                   {"/user/ada/?token=theirs", []change{bearer(token)}, "Bearer " + token, "token=theirs"},
		"token and cookie":        {"/user/ada/", []change{bearer(token), ada.in}, "Bearer " + token, ""},
		"token, visitor's in URL": {"/user/ada/?a=1&token=" + url.QueryEscape(own), []change{bearer(token)}, "Bearer " + token, "a=1"},
		"socket, cookie":          {"/user/ada/ws?token=theirs&a=1", []change{socket, ada.in}, "visitor", "a=1"},
		"socket, cookie, other's": {"/user/ada/ws?token=" + other + "x", []change{socket, ada.in}, "visitor", ""},
		"socket, token in URL":    {"/user/ada/ws?token=" + token, []change{socket, header("Authorization", "Basic YTpi")}, "", "token=" + token},
		"socket, own in URL":      {"/user/ada/ws?token=" + url.QueryEscape(own), []change{socket}, "visitor", ""},
		"socket, two tokens":      {"/user/ada/ws?token=" + other, []change{socket, bearer(token)}, "Bearer " + token, ""},
	} {
		got := s.get(test.target, test.changes...)
		got.want(t, name, 200, "hello")
		if got.out == nil {
			continue
		}
		authorization := got.out.Header.Get("Authorization")
		if got.visitor() != "" {
			authorization = "visitor"
		}
		if authorization != test.authorization || len(got.out.Header["Authorization"]) > 1 || got.out.URL.RawQuery != test.query {
			t.Errorf("%s: upstream got %q and ?%s", name, got.out.Header["Authorization"], got.out.URL.RawQuery)
		}
		if len(gate.CookieValues(got.out.Header, "caddyhub-session")) > 0 {
			t.Errorf("%s: the session cookie went upstream", name)
		}
		cookies := gate.CookieValues(got.out.Header, browser.BrowserSessionCookie)
		if withSession := authorization == "visitor"; withSession != (len(cookies) == 1 && cookies[0] == ada.session.BrowserSession) {
			t.Errorf("%s: cookie of the login: %q", name, cookies)
		}
	}
	s.get("/user/ada/ws?token="+other, socket).want(t, "socket, other's token", http.StatusForbidden, "")
	s.get("/user/ada/ws?token=wrong-token", socket).want(t, "socket, wrong token", http.StatusUnauthorized, "")
}
