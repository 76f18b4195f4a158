package logins_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// roles are the options that most tests log in with.
var roles = []string{
	"scopes openid profile email roles", "groups_claim realm_access.roles", "admin_groups operators",
	"allowed_domains example.org",
}

// home is a page that somebody who is logged in sees.
const home = "/hub/token"

// TestOIDC is a hub with one OpenID provider, which is down when the hub starts.
func TestOIDC(t *testing.T) {
	p := newProvider(t)
	h := hubtest.Start(t, hubtest.Options{
		Authenticator: p.block("", append(roles, "provider_logout", "post_logout_redirect_uri "+afterLogout, `login_service "Example & Co"`)...),
	})
	begin := h.URL + "/hub/login?authenticator=oidc&next=" + url.QueryEscape(home)

	t.Run("the hub runs without the provider, and says so", func(t *testing.T) {
		found := newPerson(t).get(begin)
		if found.status != http.StatusServiceUnavailable || found.header.Get("Retry-After") == "" {
			t.Errorf("%d %s", found.status, found.body)
		}
		hubtest.Eventually(t, "the log says so", func() bool {
			return strings.Contains(h.Log(), "nobody can log in by it until it is back")
		})
	})
	p.start(h, "oidc", "/hub/oauth_callback", 3600)
	hubtest.Eventually(t, "the hub finds the provider", func() bool { return newPerson(t).get(begin).status == http.StatusFound })

	t.Run("login", func(t *testing.T) { testLogin(t, h, p, begin) })
	t.Run("who may not", func(t *testing.T) { testRefused(t, h, p, begin) })
	t.Run("answers that are none", func(t *testing.T) { testAnswers(t, h, p, begin) })
	t.Run("where it leads", func(t *testing.T) { testNext(t, h) })
	t.Run("logout there", func(t *testing.T) { testLogout(t, h, p, begin) })
	t.Run("logout announced", func(t *testing.T) { testAnnounced(t, h, p, begin) })
	t.Run("outage", func(t *testing.T) {
		person := newPerson(t)
		person.walk(begin, "ada", "")
		p.stop()
		if person.self(h.URL).Name != "ada" {
			t.Error("a session ended with the provider")
		}
		stranger := newPerson(t)
		callback := stranger.get(begin).to(t) // metadata are known
		if !strings.HasPrefix(callback, p.URL+"/auth?") {
			t.Errorf("leads to %s", callback)
		}
		p.run()
	})
	if log := h.Log(); strings.Contains(log, clientSecret) || strings.Contains(log, "ada@example.org") {
		t.Error("the log has a secret, or a claim")
	}
}

func testLogin(t *testing.T, h *hubtest.Hub, p *provider, begin string) {
	p.accounts(map[string]account{"ada": ada()})
	person := newPerson(t)
	login := person.get(h.URL + "/hub/login")
	if !strings.Contains(login.body, "Sign in with Example &amp; Co") {
		t.Errorf("no button on the login page:\n%s", login.body)
	}
	sent, err := url.Parse(person.get(begin).to(t))
	if err != nil {
		t.Fatal(err)
	}
	query := sent.Query()
	if query.Get("code_challenge_method") != "S256" || query.Get("code_challenge") == "" || query.Get("nonce") == "" ||
		query.Get("state") == "" || query.Get("redirect_uri") != h.URL+"/hub/oauth_callback" {
		t.Errorf("sent to %s", sent)
	}
	if found := person.walk(begin, "ada", ""); found.status != http.StatusOK || found.url.Path != home {
		t.Fatalf("%s answered %d\n%s", found.url, found.status, found.body)
	}
	want := model{Name: "ada", Admin: true, Groups: []string{"makers", "operators"}}
	if diff := cmp.Diff(want, person.self(h.URL)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	// The next login says what holds then.
	changed := ada()
	changed["realm_access"] = map[string]any{"roles": []string{"alumni"}}
	p.accounts(map[string]account{"ada": changed})
	again := newPerson(t)
	again.walk(begin, "ada", "")
	if diff := cmp.Diff(model{Name: "ada", Groups: []string{"alumni"}}, again.self(h.URL)); diff != "" {
		t.Errorf("with other roles (-want +got)\n%s", diff)
	}
}

func testRefused(t *testing.T, h *hubtest.Hub, p *provider, begin string) {
	accounts := map[string]account{"unverified": ada(), "elsewhere": ada(), "two": ada(), "nameless": ada(), "unclear": ada()}
	accounts["unverified"]["email_verified"] = false
	accounts["elsewhere"]["email"] = "ada@example.com"
	accounts["two"]["email"] = "ada@evil.example@example.org"
	delete(accounts["nameless"], "preferred_username")
	accounts["unclear"]["realm_access"] = map[string]any{"roles": map[string]any{"a": 1}}
	p.accounts(accounts)
	for name := range accounts {
		person := newPerson(t)
		found := person.walk(begin, name, "")
		if found.status != http.StatusForbidden || person.self(h.URL).Name != "" || strings.Contains(found.body, "example.com") {
			t.Errorf("%s: %s answered %d\n%s", name, found.url, found.status, found.body)
		}
	}
	p.accounts(map[string]account{"ada": ada()})
}

// testAnswers brings the hub answers that do not belong to a login of the browser
// that brings them.
func testAnswers(t *testing.T, h *hubtest.Hub, p *provider, begin string) {
	const callback = "/hub/oauth_callback?"
	victim, mallory := newPerson(t), newPerson(t)
	stolen := mallory.walk(begin, "ada", callback).to(t) // not brought yet

	if found := victim.get(stolen); found.status != http.StatusBadRequest || victim.self(h.URL).Name != "" {
		t.Errorf("a stranger's answer without a login under way: %d", found.status)
	}
	victim.get(begin)
	if found := victim.get(stolen); found.status != http.StatusBadRequest || victim.self(h.URL).Name != "" {
		t.Errorf("a stranger's answer with another login under way: %d", found.status)
	}
	address, err := url.Parse(stolen)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(url.Values){
		"another issuer": func(v url.Values) { v.Set("iss", "https://evil.example") },
		"no issuer":      func(v url.Values) { v.Del("iss") },
		"no state":       func(v url.Values) { v.Del("state") },
		"two codes":      func(v url.Values) { v.Add("code", "x") },
	} {
		person := newPerson(t)
		own, err := url.Parse(person.walk(begin, "ada", callback).to(t))
		if err != nil {
			t.Fatal(err)
		}
		query := own.Query()
		change(query)
		own.RawQuery = query.Encode()
		if found := person.get(own.String()); found.status != http.StatusBadRequest || person.self(h.URL).Name != "" {
			t.Errorf("%s: %d", name, found.status)
		}
	}

	// Her own answer is good once, and its code is good for nobody else.
	if found := mallory.get(stolen); found.status != http.StatusFound || mallory.self(h.URL).Name != "ada" {
		t.Errorf("her own answer: %d", found.status)
	}
	if found := mallory.get(stolen); found.status != http.StatusBadRequest {
		t.Errorf("again: %d", found.status)
	}
	sent, err := url.Parse(victim.get(begin).to(t))
	if err != nil {
		t.Fatal(err)
	}
	injected := url.Values{"code": {address.Query().Get("code")}, "iss": {p.URL}, "state": {sent.Query().Get("state")}}
	if found := victim.get(h.URL + callback + injected.Encode()); found.status != http.StatusForbidden || victim.self(h.URL).Name != "" {
		t.Errorf("a code of somebody else with one's own state: %d", found.status)
	}

	// What the provider says in an error is shown as text.
	sent, err = url.Parse(victim.get(begin).to(t))
	if err != nil {
		t.Fatal(err)
	}
	const script = `<script>alert(1)</script>`
	told := url.Values{"error": {"access_denied"}, "error_description": {script}, "iss": {p.URL}, "state": {sent.Query().Get("state")}}
	found := victim.get(h.URL + callback + told.Encode())
	if found.status != http.StatusForbidden || strings.Contains(found.body, script) || !strings.Contains(found.body, "&lt;script&gt;") {
		t.Errorf("%d %s", found.status, found.body)
	}
}

// testNext logs in with a wish where to go afterwards, of which none leads away.
func testNext(t *testing.T, h *hubtest.Hub) {
	person := newPerson(t)
	for next, want := range map[string]string{
		"/hub/home": "/hub/home", "/hub/token?a=b#c": "/hub/token?a=b#c", "https://evil.example/": "", "//evil.example/": "",
		`/\evil.example/`: "", "/%09/evil.example": "", "javascript:alert(1)": "", "http:/\\evil.example": "",
	} {
		person.http.Jar = newPerson(t).http.Jar
		last := person.walk(h.URL+"/hub/oauth_login?next="+url.QueryEscape(next), "ada", "/hub/oauth_callback?")
		found := person.get(last.to(t))
		location := found.header.Get("Location")
		parsed, err := found.url.Parse(location)
		if err != nil || found.status != http.StatusFound || "http://"+parsed.Host != h.URL || want != "" && location != want {
			t.Errorf("next %q leads to %q", next, location)
		}
	}
}

func testLogout(t *testing.T, h *hubtest.Hub, p *provider, begin string) {
	person := newPerson(t)
	person.walk(begin, "ada", "")
	location := person.get(h.URL + "/hub/logout").to(t)
	address, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	if !strings.HasPrefix(location, p.URL+"/session/end?") || query.Get("id_token_hint") == "" || query.Get("post_logout_redirect_uri") != afterLogout {
		t.Fatalf("leads to %s", location)
	}
	if person.self(h.URL).Name != "" {
		t.Error("the session at the hub did not end")
	}
	confirm := person.get(location)
	form := formXSRF.FindStringSubmatch(confirm.body)
	if form == nil {
		t.Fatalf("the provider answered %d\n%s", confirm.status, confirm.body)
	}
	back := person.post(p.URL+"/session/end/confirm", url.Values{"xsrf": {form[1]}, "logout": {"yes"}})
	if back.to(t) != afterLogout {
		t.Errorf("the provider leads to %s", back.to(t))
	}
	if asked := person.walk(begin, "ada", "/interaction/"); !strings.Contains(asked.header.Get("Location"), "/interaction/") {
		t.Error("the provider does not ask who it is")
	}
}

// testAnnounced logs out at the provider alone: it tells the hub, server to server.
func testAnnounced(t *testing.T, h *hubtest.Hub, p *provider, begin string) {
	here, other := newPerson(t), newPerson(t)
	here.walk(begin, "ada", "")
	other.walk(begin, "ada", "")
	if here.self(h.URL).Name != "ada" || other.self(h.URL).Name != "ada" {
		t.Fatal("not logged in")
	}
	before := p.count("backchannel.success")
	page := here.get(p.URL + "/session/end")
	form := formXSRF.FindStringSubmatch(page.body)
	if form == nil {
		t.Fatalf("the provider answered %d\n%s", page.status, page.body)
	}
	here.post(p.URL+"/session/end/confirm", url.Values{"xsrf": {form[1]}, "logout": {"yes"}})
	hubtest.Eventually(t, "the provider announced it", func() bool { return p.count("backchannel.success") == before+1 })
	if here.self(h.URL).Name != "" {
		t.Error("the session is not over when the provider has its answer")
	}
	if other.self(h.URL).Name != "ada" {
		t.Error("the session of another browser is over too")
	}
	for _, token := range []string{"", "x", "eyJhbGciOiJub25lIn0.e30."} {
		found := newPerson(t).post(h.URL+"/hub/login/oidc/backchannel_logout", url.Values{"logout_token": {token}})
		if found.status != http.StatusBadRequest {
			t.Errorf("token %q: %d", token, found.status)
		}
	}
	if !strings.Contains(h.Log(), `"sessions":1`) {
		t.Error("the announced logout is not in the log")
	}
}

// TestOIDCSeveral has two providers: each has its own place to come back to, and the
// answer of one is not taken for that of the other.
func TestOIDCSeveral(t *testing.T) {
	staff, guests := newProvider(t), newProvider(t)
	h := hubtest.Start(t, hubtest.Options{
		Authenticator: staff.block("staff", "username_prefix s:") + "\n\t\t" + guests.block("guests", "username_prefix g:", "token_auth basic"),
	})
	staff.start(h, "staff", "/hub/oauth_callback", 3600)
	guests.start(h, "guests", "/hub/oauth_callback/guests", 3600)
	begin := func(name string) string {
		return h.URL + "/hub/login?authenticator=" + name + "&next=" + url.QueryEscape(home)
	}
	hubtest.Eventually(t, "the hub finds both", func() bool {
		return newPerson(t).get(begin("staff")).status == http.StatusFound && newPerson(t).get(begin("guests")).status == http.StatusFound
	})
	for name, want := range map[string]string{"staff": "s:ada", "guests": "g:ada"} {
		person := newPerson(t)
		person.walk(begin(name), "ada", "")
		if got := person.self(h.URL).Name; got != want {
			t.Errorf("by %s: %q, want %q", name, got, want)
		}
	}

	// Mix-up: the browser believes to be at one, and comes back from the other.
	person := newPerson(t)
	honest, err := url.Parse(person.walk(begin("guests"), "ada", "/hub/oauth_callback/guests?").to(t))
	if err != nil {
		t.Fatal(err)
	}
	began, err := url.Parse(person.get(begin("staff")).to(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, callback := range []string{"/hub/oauth_callback?", "/hub/oauth_callback/guests?"} {
		query := honest.Query()
		query.Set("state", began.Query().Get("state"))
		found := person.get(h.URL + callback + query.Encode())
		if found.status != http.StatusBadRequest || person.self(h.URL).Name != "" {
			t.Errorf("%s: %d", callback, found.status)
		}
	}
	if n := staff.count("grant.error authorization_code"); n != 0 {
		t.Errorf("a code was sent to the wrong provider %d times", n)
	}
}
