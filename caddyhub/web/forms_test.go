package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
)

// token makes a user with an API token.
func (s *site) token(user string) string {
	s.t.Helper()
	if _, err := s.options.Directory.CreateUser(s.t.Context(), user, false); err != nil {
		s.t.Fatal(err)
	}
	secret := keyring.RandomToken(32)
	if _, err := s.options.Directory.CreateToken(s.t.Context(), secret, identity.NewToken{
		Owner: identity.UserOwner(user), Scopes: []string{"inherit"},
	}); err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// fill makes a path of a pattern.
func fill(pattern string) string {
	return "/hub/" + strings.NewReplacer("{user}", "ada", "{server}", "lab", "{token}", "a1", "{rest}", "x",
		"{status}", "404", "{authenticator}", "dummy").Replace(pattern)
}

// TestEveryFormNeedsProof goes through the table, so that no path is forgotten.
func TestEveryFormNeedsProof(t *testing.T) {
	s := newSite(t)
	p := s.person().login("ada")
	s.start("ada", "")
	s.start("ada", "lab")
	stranger := s.person().login("bob").get("/hub/home").xsrf()
	anonymous := s.person().get("/hub/login").xsrf()
	tried := 0
	for _, route := range s.routes {
		if route.post == nil || route.who != members {
			continue
		}
		tried++
		path := fill(route.path)
		for name, fields := range map[string]url.Values{
			"none": {"server_name": {"new"}}, "empty": {"_xsrf": {""}}, "garbage": {"_xsrf": {"x"}},
			"another session's": {"_xsrf": {stranger}}, "from before the login": {"_xsrf": {anonymous}},
		} {
			p.post(path, fields).want(t, path+" "+name, http.StatusForbidden, "Load the page again")
		}
		p.header.Set("Content-Type", "text/plain")
		p.send("POST", path, "text/plain", "_xsrf="+stranger).want(t, path+" as text", http.StatusForbidden, "")
		p.header.Del("Content-Type")
	}
	if tried < 9 {
		t.Errorf("only %d forms in the table", tried)
	}
	for _, name := range []string{"", "lab"} {
		if found := s.settle("ada", name); !found.Ready {
			t.Errorf("server %q was changed: %+v", name, found)
		}
	}
	token := p.get("/hub/home").xsrf()
	p.send("POST", "/hub/stop/ada?_xsrf="+url.QueryEscape(token), "", "").want(t, "in the query", http.StatusSeeOther, "/hub/home")
	p.header.Set("X-XSRFToken", token)
	p.post("/hub/stop/ada", nil).want(t, "in the header", http.StatusSeeOther, "/hub/home")
}

// TestScriptsGetNoTokens: a page that a script reads cannot be used to sign
// anything.
func TestScriptsGetNoTokens(t *testing.T) {
	p := newSite(t).person().login("ada")
	if p.get("/hub/home").xsrf() == "" {
		t.Fatal("no token on the page")
	}
	for _, mode := range []string{"cors", "no-cors", "same-origin", "websocket", "Navigate"} {
		p.header.Set("Sec-Fetch-Mode", mode)
		for _, path := range []string{"/hub/home", "/hub/token", "/hub/nothing"} {
			if got := p.get(path); got.xsrf() != "" || strings.Contains(got.body, `name="_xsrf" value="A`) {
				t.Errorf("%s in mode %s has a token", path, mode)
			}
		}
	}
	p.header.Set("Sec-Fetch-Mode", "navigate")
	if p.get("/hub/home").xsrf() == "" {
		t.Error("no token for a navigation")
	}
}

// TestStoreAway: trouble is a 503 with Retry-After on every path, never a login
// or a refusal, and passes.
func TestStoreAway(t *testing.T) {
	s := newSite(t)
	p := s.person().login("ada")
	token := p.get("/hub/home").xsrf()
	s.store.Away.Store(true)
	for _, route := range s.routes {
		for method, handle := range map[string]func(*call) error{"GET": route.get, "POST": route.post} {
			if handle == nil || route.who == everybody {
				continue
			}
			path := fill(route.path)
			got := p.send(method, path, "application/x-www-form-urlencoded", url.Values{"_xsrf": {token}}.Encode())
			got.want(t, method+" "+path, http.StatusServiceUnavailable, "cannot reach its store")
			if got.Header.Get("Retry-After") == "" {
				t.Errorf("%s %s: no Retry-After", method, path)
			}
		}
	}
	p.get("/hub/nothing").want(t, "unknown path", http.StatusServiceUnavailable, "")
	p.get("/hub/error/503").want(t, "error page", http.StatusOK, "")
	if len(p.jar) == 0 || p.session() == "" {
		t.Error("cookies were lost")
	}
	s.store.Away.Store(false)
	p.get("/hub/home").want(t, "store back", http.StatusOK, "My server")
}

// TestHostileNames: what users are called is shown as text.
func TestHostileNames(t *testing.T) {
	s := newSite(t)
	name := `"><script>alert('x')<` + "b>{{.}}&amp;%2f.."
	p := s.person().login(name)
	s.start(name, "")
	s.start(name, `<img src=x onerror=y>`)
	for _, path := range []string{"/hub/home", "/hub/token", "/hub/nothing"} {
		body := p.get(path).body
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") {
			t.Errorf("%s shows a name as markup", path)
		}
		if !strings.Contains(body, "&#34;&gt;&lt;script&gt;alert(&#39;x&#39;)") {
			t.Errorf("%s does not show the name\n%s", path, body)
		}
	}
	got := p.get("/hub/spawn")
	if got.StatusCode != http.StatusFound || strings.ContainsAny(got.to(), "\"<>'{} ") {
		t.Errorf("leads to %q", got.to())
	}
}
