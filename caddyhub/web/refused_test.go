package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// visitOf is somebody's visit by session.
func (s *site) visitOf(p *person) browser.Visit {
	s.t.Helper()
	found, err := s.options.Directory.BySession(s.t.Context(), p.session())
	if err != nil {
		s.t.Fatal(err)
	}
	return browser.Visit{Identity: found, ByCookie: true}
}

func TestRefused(t *testing.T) {
	s := newSite(t, admin("grace"))
	ada := s.visitOf(s.person().login("ada"))
	bob := s.visitOf(s.person().login("bob"))
	grace := s.visitOf(s.person().login("grace"))
	refused := func(visit browser.Visit, decision gate.Decision) answer {
		w := httptest.NewRecorder()
		s.Refused(w, httptest.NewRequest("GET", "/user/ada/lab", nil), visit, decision)
		return answer{w.Result(), w.Body.String()}
	}
	stopped := gate.Decision{
		Verdict: gate.Stopped, Status: http.StatusFailedDependency, SpawnURL: "/hub/spawn/ada/lab%20x?next=%2Fuser%2Fada%2F",
	}
	start := `href="/hub/spawn/ada/lab%20x?next=%2Fuser%2Fada%2F"`
	refused(ada, stopped).want(t, "own", http.StatusFailedDependency, start)
	refused(ada, stopped).want(t, "own", http.StatusFailedDependency, "<bdi>lab x</bdi>")
	refused(grace, stopped).want(t, "admin", http.StatusFailedDependency, start)
	refused(grace, stopped).want(t, "admin", http.StatusFailedDependency, "<bdi>ada</bdi>")
	for name, visit := range map[string]browser.Visit{"guest": bob, "anonymous": {}} {
		got := refused(visit, stopped)
		got.want(t, name, http.StatusFailedDependency, "Only its owner can start it.")
		if strings.Contains(got.body, "/hub/spawn/") {
			t.Errorf("%s is offered to start it", name)
		}
	}
	away := refused(ada, gate.Decision{Status: http.StatusServiceUnavailable, RetryAfter: 1500 * time.Millisecond, Message: "Away <now>"})
	away.want(t, "away", http.StatusServiceUnavailable, "Away &lt;now&gt;")
	if away.Header.Get("Retry-After") != "2" || away.Header.Get("Vary") == "" || away.Header.Get("X-JupyterHub-Version") == "" {
		t.Errorf("headers %v", away.Header)
	}
	if away.xsrf() != "" || len(away.Cookies()) != 0 {
		t.Error("a page below a server's address has a token")
	}
	refused(browser.Visit{}, gate.Decision{Status: http.StatusNotFound, Message: "Not Found", JSON: true}).
		want(t, "JSON", http.StatusNotFound, `"message":"Not Found"`)
	refused(browser.Visit{}, gate.Decision{Verdict: gate.Redirect, Status: http.StatusFound, Location: "/hub/login"}).
		want(t, "redirect", http.StatusFound, "/hub/login")
}

func TestConsent(t *testing.T) {
	s := newSite(t)
	var pages oauth.Pages = s.Web
	visit := s.visitOf(s.person().login("ada"))
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/hub/api/oauth2/authorize?client_id=x", nil)
	pages.Consent(w, r, visit, oauth.ConsentView{
		Application: "Graphs <b>", RedirectURI: "https://graphs.example/callback", Scopes: []string{"read:users!user"},
		Permissions: []scope.Description{{Scope: "read:users", Text: "Read users", Filter: "only you"}}, XSRF: "tok",
	})
	got := answer{w.Result(), w.Body.String()}
	for _, text := range []string{
		"Graphs &lt;b&gt;", `name="scopes" value="read:users!user"`, `name="_xsrf" value="tok"`, "Read users", "only you",
	} {
		got.want(t, "consent", http.StatusOK, text)
	}
	if policy := got.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "https://graphs.example") {
		t.Errorf("policy %q", policy)
	}
	w = httptest.NewRecorder()
	pages.Error(w, r, browser.Visit{}, oauth.Failure{Status: http.StatusBadRequest, Message: "Mismatching redirect URI."})
	answer{w.Result(), w.Body.String()}.want(t, "error", http.StatusBadRequest, "Mismatching redirect URI.")
}

func TestServicesMenu(t *testing.T) {
	s := newSite(t, admin("grace"))
	service := func(name, url string, hidden bool) identity.ConfiguredService {
		return identity.ConfiguredService{Service: identity.Service{Name: name, URL: url, Hidden: hidden}}
	}
	err := s.options.Directory.Apply(t.Context(), identity.Configuration{Services: []identity.ConfiguredService{
		service("shown", "http://10.0.0.1", false), service("hidden", "http://10.0.0.1", true), service("without", "", false),
	}})
	if err != nil {
		t.Fatal(err)
	}
	home := s.person().login("grace").get("/hub/home").body
	if !strings.Contains(home, `href="/services/shown/"`) || strings.Contains(home, "/services/hidden/") || strings.Contains(home, "/services/without/") {
		t.Errorf("menu of an admin\n%s", home)
	}
	if strings.Contains(s.person().login("ada").get("/hub/home").body, "/services/") {
		t.Error("a service is shown to who may not use it")
	}
}

// TestSessionIsKeptAlive: pages renew the session, complete the cookies and count
// as activity.
func TestSessionIsKeptAlive(t *testing.T) {
	s := newSite(t)
	p := s.person().login("ada")
	id := p.jar["jupyterhub-session-id"]
	delete(p.jar, "jupyterhub-session-id")
	p.get("/hub/home")
	if p.jar["jupyterhub-session-id"] != id {
		t.Error("the id that servers see was not put back")
	}
	var active time.Time
	err := s.store.View(t.Context(), func(r store.Reader) (err error) {
		active, err = s.options.Directory.Activity().Last(r, identity.ActivityOfUser("ada"))
		return err
	})
	if err != nil || time.Since(active) > time.Minute {
		t.Errorf("active %v, %v", active, err)
	}
	if err := s.options.Directory.DeleteUser(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	p.get("/hub/home").want(t, "deleted user", http.StatusFound, "/hub/login?next=%2Fhub%2Fhome")
}
