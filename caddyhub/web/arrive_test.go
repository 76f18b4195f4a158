package web

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/audit"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/null"
	"github.com/caddyhub/caddyhub/caddyhub/exchange"
)

// arrivals is a hub to which a portal sends people. A token of this portal is what
// the portal would answer, as JSON in the query encoding, so that a test says in one
// line who comes.
type arrivals struct {
	*site
	arrivals *Arrivals
	log      *bytes.Buffer
	mu       sync.Mutex
	status   int
	asked    int
}

func newArrivals(t *testing.T, changes ...func(*arrivals, *setup)) *arrivals {
	t.Helper()
	s := &arrivals{status: http.StatusOK, log: new(bytes.Buffer)}
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question struct{ Token string }
		_ = json.NewDecoder(r.Body).Decode(&question)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked++
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, strings.Split(question.Token, "##")[0])
	}))
	t.Cleanup(portal.Close)
	kind, err := exchange.NewOpaque(exchange.OpaqueOptions{URL: portal.URL})
	if err != nil {
		t.Fatal(err)
	}
	s.arrivals = &Arrivals{Parameter: "login_token", Header: "X-Login-Token", Pages: true, Exchange: exchange.New(exchange.Options{
		Kind: kind, Claims: exchange.Claims{User: "name", Groups: "groups", Admin: "admin", Scopes: "scopes", Server: "server", Next: "next"},
	})}
	s.site = newSite(t, func(o *setup) {
		log := slog.New(slog.NewJSONHandler(s.log, nil))
		o.Log, o.Audit = log, audit.New(log)
		for _, change := range changes {
			change(s, o)
		}
	})
	return s
}

// onlyPortal is a hub that nobody else can log in to.
func onlyPortal(s *arrivals, o *setup) {
	s.arrivals.PortalURL = "https://portal.example.org"
	o.authenticators = []authenticator.Named{{Name: "null", Authenticator: null.Authenticator{}}}
}

// comer is a browser at such a hub.
type comer struct {
	*person
	at *arrivals
}

func (s *arrivals) comer() *comer { return &comer{s.person(), s} }

func (c *comer) do(method, target, body string, header ...string) answer {
	c.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = c.address
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for name, value := range c.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	if !c.at.Arrive(w, r, c.at.arrivals) {
		w.Header().Set("X-Passed-On", "yes")
		if rest, _ := io.ReadAll(r.Body); string(rest) != body {
			c.t.Errorf("the body that is passed on is %q, want %q", rest, body)
		}
	}
	result := w.Result()
	for _, cookie := range result.Cookies() {
		if cookie.MaxAge < 0 {
			delete(c.jar, cookie.Name)
		} else {
			c.jar[cookie.Name] = cookie.Value
		}
	}
	text, _ := io.ReadAll(result.Body)
	return answer{result, string(text)}
}

// come follows a link of the portal.
func (c *comer) come(path, token string, header ...string) answer {
	c.t.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return c.do("GET", path+separator+"login_token="+url.QueryEscape(token), "", header...)
}

// whoIs is the user of the browser's session; empty if it has none.
func (c *comer) whoIs() string {
	c.t.Helper()
	found, err := c.options.Directory.BySession(c.t.Context(), c.session())
	if err != nil {
		return ""
	}
	return found.Name()
}

const (
	ada = `{"name":"ada"}`
	eve = `{"name":"eve"}`
)

func TestArrive(t *testing.T) {
	for name, test := range map[string]struct {
		path, token, want string
	}{
		"same address":                {"/user/ada/lab/tree?a=1&b=%20x", ada, "/user/ada/lab/tree?a=1&b=%20x"},
		"no other parameter":          {"/user/ada/", ada, "/user/ada/"},
		"login page":                  {"/hub/login", ada, "/user/ada/"},
		"forced login":                {"/hub/login?next=/hub/user-redirect/lab/tree/x", ada, "/hub/user-redirect/lab/tree/x"},
		"next elsewhere":              {"/hub/login?next=https://evil.example.org/", ada, "/user/ada/"},
		"next of a page is its own":   {"/user/ada/x?next=/hub/admin", ada, "/user/ada/x?next=/hub/admin"},
		"server":                      {"/hub/login?next=/hub/home", `{"name":"ada","server":"big\u0020lab"}`, "/user/ada/big%20lab/"},
		"default server":              {"/x", `{"name":"ada","server":""}`, "/user/ada/"},
		"next of the portal":          {"/hub/login?next=/hub/home", `{"name":"ada","server":"lab","next":"/user/ada/lab/tree#x"}`, "/user/ada/lab/tree#x"},
		"portal sends people away":    {"/hub/login", `{"name":"ada","next":"https://evil.example.org/"}`, "/user/ada/"},
		"portal sends people away 2":  {"/hub/login", `{"name":"ada","next":"//evil.example.org/","server":"lab"}`, "/user/ada/lab/"},
		"parameter in another's":      {"/x?y=login_token%3Dz", ada, "/x?y=login_token%3Dz"},
		"an encoded name is the same": {"/x?login%5Ftoken=" + url.QueryEscape(ada), ada, "/x"},
	} {
		c := newArrivals(t).comer()
		got := c.come(test.path, test.token)
		// An authenticator that is not there would be asked whether the login still
		// holds, and the session would end.
		if found, err := c.options.Directory.BySession(t.Context(), c.session()); err != nil || found.Session.Authenticator != "" || found.User.Authenticator != "" {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
		if got.StatusCode != http.StatusSeeOther || got.to() != test.want || c.whoIs() != "ada" {
			t.Errorf("%s: %d to %q as %q, want %q\n%s", name, got.StatusCode, got.to(), c.whoIs(), test.want, got.body)
		}
		if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", name, got.Header)
		}
		if again := (c.at.comer()).come(test.path, test.token); again.StatusCode != http.StatusForbidden || len(again.Cookies()) != 0 {
			t.Errorf("%s: second time %d", name, again.StatusCode)
		}
	}
}

func TestArriveByHeader(t *testing.T) {
	c := newArrivals(t).comer()
	got := c.do("GET", "/user/ada/lab/?x=1", "", "X-Login-Token", ada, "Accept", "application/json")
	if got.StatusCode != http.StatusSeeOther || got.to() != "/user/ada/lab/?x=1" || c.whoIs() != "ada" {
		t.Errorf("%d to %q as %q", got.StatusCode, got.to(), c.whoIs())
	}
}

// A post of another site comes without the session cookie. So it lets nobody in:
// the page that it leads to sees who is there.
func TestArriveByForm(t *testing.T) {
	s := newArrivals(t)
	c := s.comer()
	form := url.Values{"login_token": {ada}, "next": {"/user/ada/tree"}}.Encode()
	got := c.do("POST", "/hub/login", form)
	if got.StatusCode != http.StatusSeeOther || got.to() != "/hub/login" || c.whoIs() != "" {
		t.Fatalf("%d to %q as %q", got.StatusCode, got.to(), c.whoIs())
	}
	if got := c.do("GET", "/hub/login", ""); got.StatusCode != http.StatusSeeOther || got.to() != "/user/ada/tree" || c.whoIs() != "ada" {
		t.Errorf("%d to %q as %q", got.StatusCode, got.to(), c.whoIs())
	}
	if got := c.do("GET", "/hub/login", ""); got.Header.Get("X-Passed-On") == "" {
		t.Errorf("what was held is still there: %d", got.StatusCode)
	}

	victim := s.comer()
	victim.login("bob")
	withCookies := victim.jar
	victim.jar = map[string]string{} // SameSite=Lax
	victim.do("POST", "/hub/login", url.Values{"login_token": {eve}}.Encode())
	for name, value := range withCookies {
		victim.jar[name] = value
	}
	if got := victim.do("GET", "/hub/login", ""); got.StatusCode != http.StatusOK || victim.whoIs() != "bob" || !strings.Contains(got.body, "eve") {
		t.Errorf("a form of another site: %d as %q\n%s", got.StatusCode, victim.whoIs(), got.body)
	}
}

func TestSomebodyElseIsAsked(t *testing.T) {
	for answered, want := range map[string]struct{ who, to string }{
		"switch": {"eve", "/user/eve/lab/"}, "stay": {"bob", "/hub/home"},
	} {
		s := newArrivals(t)
		c := s.comer()
		c.login("bob")
		before := c.session()
		got := c.come("/user/eve/lab/", eve)
		if got.StatusCode != http.StatusSeeOther || got.to() != "/user/eve/lab/" || c.whoIs() != "bob" {
			t.Fatalf("%d to %q as %q", got.StatusCode, got.to(), c.whoIs())
		}
		got = c.do("GET", "/user/eve/lab/", "")
		if got.StatusCode != http.StatusOK || !strings.Contains(got.body, "bob") || !strings.Contains(got.body, "eve") || c.whoIs() != "bob" {
			t.Fatalf("no question: %d\n%s", got.StatusCode, got.body)
		}
		for name, fields := range map[string]url.Values{
			"no proof":    {"answer": {answered}},
			"wrong proof": {"answer": {answered}, "_xsrf": {"x"}},
		} {
			if refused := c.do("POST", "/user/eve/lab/", fields.Encode()); refused.StatusCode != http.StatusForbidden || c.whoIs() != "bob" {
				t.Errorf("%s: %d as %q", name, refused.StatusCode, c.whoIs())
			}
		}
		if thief := s.comer(); thief.do("GET", "/user/eve/lab/", "").Header.Get("X-Passed-On") == "" {
			t.Error("another browser goes on with what is held for this one")
		}
		fields := url.Values{"answer": {answered}, "_xsrf": {got.xsrf()}}.Encode()
		if got := c.do("POST", "/user/eve/lab/", fields); got.StatusCode != http.StatusSeeOther || got.to() != want.to || c.whoIs() != want.who {
			t.Errorf("%s: %d to %q as %q", answered, got.StatusCode, got.to(), c.whoIs())
		}
		if s.lives(before) != (answered == "stay") {
			t.Errorf("%s: bob's session lives: %v", answered, s.lives(before))
		}
		if got := c.do("POST", "/user/eve/lab/", fields); got.Header.Get("X-Passed-On") == "" {
			t.Errorf("%s: answered twice: %d", answered, got.StatusCode)
		}
	}
}

// The same user goes on in the same session: windows that are open stay so.
func TestSameUser(t *testing.T) {
	s := newArrivals(t)
	c := s.comer()
	c.login("ada")
	before := c.session()
	for _, token := range []string{ada, `{"name":"ada","scopes":[]}`} {
		if got := c.come("/user/ada/", token); got.StatusCode != http.StatusSeeOther || c.session() != before || !s.lives(before) {
			t.Errorf("%s: %d, same session %v", token, got.StatusCode, c.session() == before)
		}
	}
}

func TestLimitedArrival(t *testing.T) {
	s := newArrivals(t)
	c := s.comer()
	limited := func(server string) string {
		return `{"name":"ada","scopes":["access:servers!server=ada/` + server + `","servers!server=ada/` + server + `"]}`
	}
	c.come("/user/ada/a/", limited("a"))
	before := c.session()
	c.come("/user/ada/b/", limited("b"))
	if c.session() != before {
		t.Error("a second server took a new session")
	}
	found, err := c.options.Directory.BySession(t.Context(), c.session())
	if err != nil || !found.Limited() || len(found.Session.Limit.Scopes) != 4 {
		t.Fatalf("%+v, %v", found, err)
	}
	for path, want := range map[string]int{
		"/hub/home": 403, "/hub/token": 403, "/hub/admin": 403, "/hub/home/new-server": 405, "/hub/spawn/ada": 404,
		"/hub/spawn/ada/a": 302, "/hub/spawn-pending/ada/b": 404, "/hub/spawn/ada/c": 404, "/hub/spawn/bob/a": 404, "/hub/login": 200,
	} {
		if got := c.get(path); got.StatusCode != want && !(want == 404 && got.StatusCode == 200 && strings.Contains(got.body, "not running")) {
			t.Errorf("GET %s: %d, want %d\n%s", path, got.StatusCode, want, got.body)
		}
	}
	if got := c.post("/hub/token", url.Values{"note": {"x"}}); got.StatusCode != http.StatusForbidden {
		t.Errorf("a token for everything: %d", got.StatusCode)
	}
	// More rights are a new session.
	c.come("/user/ada/", ada)
	if found, err := c.options.Directory.BySession(t.Context(), c.session()); err != nil || found.Limited() || s.lives(before) {
		t.Errorf("%+v, %v", found, err)
	}
}

// What only looks at a link consumes nothing.
func TestLooksAhead(t *testing.T) {
	s := newArrivals(t)
	for _, header := range [][]string{
		{"Sec-Purpose", "prefetch"}, {"Sec-Purpose", "prefetch;prerender"}, {"Purpose", "prefetch"}, {"X-Moz", "prefetch"}, {"X-Purpose", "preview"},
		{"User-Agent", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}, {"User-Agent", "WhatsApp/2.23.20.0"},
		{"User-Agent", "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)"}, {"User-Agent", "facebookexternalhit/1.1"},
	} {
		c := s.comer()
		if got := c.come("/user/ada/", ada, header...); got.StatusCode != http.StatusNoContent || len(got.Cookies()) != 0 || got.body != "" {
			t.Errorf("%v: %d", header, got.StatusCode)
		}
	}
	c := s.comer()
	if got := c.do("HEAD", "/user/ada/?login_token="+url.QueryEscape(ada), ""); got.StatusCode != http.StatusNoContent || len(got.Cookies()) != 0 {
		t.Errorf("HEAD: %d", got.StatusCode)
	}
	for _, header := range [][]string{
		{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, {"Sec-Fetch-Mode", "cors"}, {"Sec-Fetch-Mode", "websocket"}, {"Sec-Fetch-Mode", "same-origin"},
		{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "object"}, {"Upgrade", "websocket", "Connection", "upgrade"},
	} {
		if got := c.come("/user/ada/", ada, header...); got.StatusCode != http.StatusForbidden || len(got.Cookies()) != 0 {
			t.Errorf("%v: %d", header, got.StatusCode)
		}
	}
	if s.asked != 0 {
		t.Errorf("the portal was asked %d times", s.asked)
	}
	if got := c.come("/user/ada/", ada, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "User-Agent", "Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 50)"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("then a person: %d", got.StatusCode)
	}
}

func TestArriveRefused(t *testing.T) {
	known := func(s *arrivals, _ *setup) { s.arrivals.KnownOnly = true }
	for name, test := range map[string]struct {
		status int
		token  string
		change func(*arrivals, *setup)
		want   int
		says   string
	}{
		"unknown":       {404, ada, nil, 403, "Invalid token."},
		"expired":       {400, ada, nil, 403, "Invalid token."},
		"portal down":   {502, ada, nil, 503, "cannot be asked"},
		"no user":       {200, `{}`, nil, 403, "Invalid token."},
		"blocked":       {200, ada, func(_ *arrivals, o *setup) { o.rules.Blocked = []string{"ada"} }, 403, "does not let you in"},
		"not allowed":   {200, ada, func(_ *arrivals, o *setup) { o.rules.Allow = []string{"bob"} }, 403, "does not let you in"},
		"not known":     {200, ada, known, 403, "does not let you in"},
		"no user name":  {200, `{"name":"a/b"}`, nil, 403, "does not let you in"},
		"names portal":  {404, ada, onlyPortal, 403, "Invalid token. Login with external provider at https://portal.example.org"},
		"empty":         {200, "", nil, 403, "Invalid token."},
		"unknown scope": {200, `{"name":"ada","scopes":["x"]}`, nil, 403, "Invalid token."},
	} {
		var changes []func(*arrivals, *setup)
		if test.change != nil {
			changes = append(changes, test.change)
		}
		s := newArrivals(t, changes...)
		s.status = test.status
		for _, accept := range []string{"text/html", "application/json"} {
			token := test.token
			if token != "" {
				token += "##canary-" + accept[:4]
			}
			c := s.comer()
			got := c.come("/user/ada/?canary-path", token, "Accept", accept)
			if got.StatusCode != test.want || !strings.Contains(got.body, test.says) || len(got.Cookies()) != 0 && c.whoIs() != "" {
				t.Errorf("%s: %d, want %d with %q\n%s", name, got.StatusCode, test.want, test.says, got.body)
			}
			if is := strings.HasPrefix(got.Header.Get("Content-Type"), accept); !is || (got.Header.Get("Retry-After") != "") != (test.want == 503) {
				t.Errorf("%s: %v", name, got.Header)
			}
			if strings.Contains(got.body, "canary-") || got.Header.Get("Referrer-Policy") != "no-referrer" || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: the token is told on: %v\n%s", name, got.Header, got.body)
			}
		}
		if strings.Contains(s.log.String(), "canary-text") || strings.Contains(s.log.String(), "canary-appl") {
			t.Errorf("%s: the token is in the log: %s", name, s.log)
		}
	}
}

// Requests that no portal sends.
func TestArriveHostile(t *testing.T) {
	token := url.QueryEscape(ada)
	for name, test := range map[string]struct {
		method, target, body string
		want                 int
	}{
		"two tokens":           {"GET", "/x?login_token=" + token + "&login_token=y", "", 400},
		"query and form":       {"POST", "/x?login_token=" + token, "login_token=y", 400},
		"open redirect":        {"GET", "//evil.example.org/?login_token=" + token, "", 400},
		"open redirect 2":      {"GET", "/%5cevil.example.org/?login_token=" + token, "", 400},
		"open redirect 3":      {"GET", "/..//evil.example.org/?login_token=" + token, "", 400},
		"dot segments":         {"GET", "/user/ada/../eve/?login_token=" + token, "", 400},
		"encoded dot segments": {"GET", "/user/ada/%2e%2e/eve/?login_token=" + token, "", 400},
		"put":                  {"PUT", "/x?login_token=" + token, "", 405},
		"delete":               {"DELETE", "/x?login_token=" + token, "", 405},
		"malformed token":      {"GET", "/x?login_token=%zz", "", 403},
		"huge token":           {"GET", "/x?login_token=" + strings.Repeat("x", exchange.MaxToken+1), "", 403},
		"control characters":   {"GET", "/x?login_token=a%00b%0d%0aSet-Cookie:x", "", 403},
	} {
		s := newArrivals(t)
		c := s.comer()
		got := c.do(test.method, test.target, test.body)
		if got.StatusCode != test.want || c.session() != "" || s.asked != 0 || got.to() != "" {
			t.Errorf("%s: %d to %q after %d questions, want %d", name, got.StatusCode, got.to(), s.asked, test.want)
		}
	}
}

func TestWithoutAToken(t *testing.T) {
	c := newArrivals(t).comer()
	for _, target := range []string{"/user/ada/", "/hub/login", "/x?token=y&login_tokens=z"} {
		if got := c.do("GET", target, ""); got.Header.Get("X-Passed-On") == "" {
			t.Errorf("%s: %d", target, got.StatusCode)
		}
	}
	if got := c.do("POST", "/user/ada/form", "a=1&answer=switch"); got.Header.Get("X-Passed-On") == "" {
		t.Errorf("a form of an app: %d", got.StatusCode)
	}
	only := newArrivals(t, onlyPortal).comer()
	if got := only.do("GET", "/hub/login", "", "Accept", "text/html"); got.StatusCode != http.StatusBadRequest || !strings.Contains(got.body, "Login with external provider at https://portal.example.org") {
		t.Errorf("the login page: %d\n%s", got.StatusCode, got.body)
	}
}

// While the store is away nothing is consumed, and nobody is told to go away.
func TestArriveWithoutStore(t *testing.T) {
	s := newArrivals(t)
	c := s.comer()
	c.login("ada")
	s.store.Away.Store(true)
	if got := c.come("/user/ada/", ada); got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || s.asked != 0 {
		t.Errorf("%d after %d questions", got.StatusCode, s.asked)
	}
	s.store.Away.Store(false)
	if got := c.come("/user/ada/", ada); got.StatusCode != http.StatusSeeOther {
		t.Errorf("afterwards: %d", got.StatusCode)
	}
}

func TestArriveStartsTheServer(t *testing.T) {
	s := newArrivals(t, func(s *arrivals, _ *setup) { s.arrivals.StartServer = true })
	c := s.comer()
	if got := c.come("/hub/login", `{"name":"ada","server":"lab"}`); got.StatusCode != http.StatusSeeOther || got.to() != "/user/ada/lab/" {
		t.Fatalf("%d to %q\n%s", got.StatusCode, got.to(), got.body)
	}
	if found, err := s.options.Servers.Get(t.Context(), "ada", "lab"); err != nil || !found.Ready {
		t.Errorf("%+v, %v", found, err)
	}
	if got := c.come("/user/ada/tree/x", ada); got.StatusCode != http.StatusSeeOther || got.to() != "/user/ada/tree/x" {
		t.Errorf("by address: %d to %q", got.StatusCode, got.to())
	}
	if found, err := s.options.Servers.Get(t.Context(), "ada", ""); err != nil || !found.Ready {
		t.Errorf("by address: %+v, %v", found, err)
	}
	if got := s.comer().come("/user/eve/", `{"name":"ada","x":1}`); got.StatusCode != http.StatusSeeOther {
		t.Errorf("somebody else's address: %d", got.StatusCode)
	}
	if found, err := s.options.Servers.Get(t.Context(), "eve", ""); err == nil && found.Active() {
		t.Error("somebody else's server was started")
	}
}

func TestArriveWaitsForTheServer(t *testing.T) {
	s := newArrivals(t, func(s *arrivals, _ *setup) { s.arrivals.StartServer = true })
	s.spawner.hold = make(chan struct{})
	got := s.comer().come("/hub/login", `{"name":"ada","server":"lab","next":"/user/ada/lab/tree"}`)
	if got.StatusCode != http.StatusSeeOther || got.to() != "/hub/spawn-pending/ada/lab?next=%2Fuser%2Fada%2Flab%2Ftree" {
		t.Errorf("%d to %q", got.StatusCode, got.to())
	}
	s.spawner.unblock()
}

// The record of a login names the token by a hash, and a refusal its reason.
func TestArrivalsAreRecorded(t *testing.T) {
	s := newArrivals(t)
	s.comer().come("/user/ada/", ada)
	s.status = http.StatusNotFound
	s.comer().come("/user/ada/", `{"name":"ada","x":1}`)
	for _, want := range []string{
		`"action":"login","outcome":"success","status":303,"actor_kind":"user","actor":"ada"`,
		`"details":{"authenticator":"hub_exchange","token":"`,
		`"action":"login","outcome":"refused","status":403,"actor_kind":"anonymous"`,
		`the portal does not know it`,
	} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("no %s in %s", want, s.log)
		}
	}
}
