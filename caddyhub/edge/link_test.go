package edge

import (
	"context"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// persistent is a site whose routes turn tokens in links into grants.
func persistent(t *testing.T, changes ...func(*Options)) *site {
	s := newSite(t, append([]func(*Options){func(o *Options) {
		o.Choose = func(w http.ResponseWriter, _ *http.Request, _ browser.Visit, c browser.Choice) {
			_, _ = w.Write([]byte("choose " + c.Login.Name() + " or " + c.Link.Name() + " at " + c.Action + " with " + c.XSRF))
		}
		o.Refused = refusedPage
	}}, changes...)...)
	s.rules.TokenInURL = TokenInURLPersist
	s.start("ada", "")
	return s
}

// grantOf is the grant that an answer puts into the browser; nil if none.
func grantOf(answer result) *http.Cookie {
	for _, cookie := range answer.Cookies() {
		if strings.Contains(cookie.Name, grantName) && cookie.MaxAge >= 0 {
			return cookie
		}
	}
	return nil
}

const grantName = "caddyhub-grant-"

// carrying sends the cookies with a request.
func carrying(cookies ...*http.Cookie) change {
	return func(r *http.Request) {
		for _, cookie := range cookies {
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
		}
	}
}

// follow opens a link without a login, and returns the grant.
func (s *site) follow(target string, changes ...change) *http.Cookie {
	s.t.Helper()
	answer := s.get(target, append(changes, navigation)...)
	grant := grantOf(answer)
	if answer.StatusCode != http.StatusSeeOther || grant == nil {
		s.t.Fatalf("%s: %d %q", target, answer.StatusCode, answer.body)
	}
	return grant
}

// TestLink: a link with a token becomes a cookie for this server, and all that
// follows works.
func TestLink(t *testing.T) {
	s := persistent(t)
	token := s.token("ada", "access:servers!server=ada/")
	answer := s.get("/user/ada/lab/tree/a%2Fb.ipynb?x=1&token="+token+"&y=%20z", navigation)
	answer.want(t, "link", http.StatusSeeOther, "/user/ada/lab/tree/a%2Fb.ipynb?x=1&y=%20z")
	if to := answer.Header.Get("Location"); to != "/user/ada/lab/tree/a%2Fb.ipynb?x=1&y=%20z" {
		t.Errorf("sent to %q", to)
	}
	if answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers %v", answer.Header)
	}
	grant := grantOf(answer)
	if grant == nil || !grant.HttpOnly || grant.SameSite != http.SameSiteLaxMode || grant.Path != "/user/ada/" || grant.MaxAge != 0 || grant.Domain != "" {
		t.Fatalf("cookie %+v", grant)
	}
	if len(answer.Cookies()) != 1 {
		t.Errorf("other cookies: %v", answer.Cookies())
	}
	page := s.get("/user/ada/lab", carrying(grant), navigation)
	page.want(t, "page", http.StatusOK, "hello")
	visitor, err := s.directory.ByToken(t.Context(), page.visitor())
	if err != nil || visitor.Name() != "ada" || visitor.Grant == nil {
		t.Fatalf("the upstream sees %+v, %v", visitor, err)
	}
	if sent := page.out.Header.Get("Cookie"); strings.Contains(sent, grantName) {
		t.Errorf("the upstream gets the grant: %q", sent)
	}
	xsrf := ""
	for _, cookie := range page.Cookies() {
		if cookie.Name == browser.XSRFCookie {
			xsrf = cookie.Value
		}
	}
	s.get("/user/ada/api/contents", carrying(grant), script, header("X-XSRFToken", xsrf)).want(t, "XHR with the proof", http.StatusOK, "hello")
	s.send("PUT", "/user/ada/api/contents/x", carrying(grant), script, header("Authorization", "token "+page.visitor())).want(t, "save with the page's token", http.StatusOK, "hello")
	s.get("/user/ada/api/kernels", carrying(grant), socket).want(t, "WebSocket", http.StatusOK, "hello")
}

// TestLinkByPage: the token that JupyterLab has in its page, and puts into links,
// does as well, for this server and as long as its login.
func TestLinkByPage(t *testing.T) {
	s := persistent(t)
	ada := s.login("ada")
	token := s.get("/user/ada/lab", ada.in, navigation).visitor()
	grant := s.follow("/user/ada/lab?token=" + token)
	again := s.get("/user/ada/lab", carrying(grant), navigation)
	again.want(t, "page", http.StatusOK, "hello")
	onward := s.follow("/user/ada/lab?token=" + again.visitor())
	if err := s.directory.DeleteSession(t.Context(), &ada.session); err != nil {
		t.Fatal(err)
	}
	for _, cookie := range []*http.Cookie{grant, onward} {
		s.get("/user/ada/lab", carrying(cookie), navigation).want(t, "after the logout", http.StatusFound, "/hub/login?")
	}
}

// TestGrantsNeedProof (S2, the neighbour threat): a grant is a cookie, so that a
// request by it proves itself as one by session does.
func TestGrantsNeedProof(t *testing.T) {
	s := persistent(t)
	grant := s.follow("/user/ada/?token=" + s.token("ada", "inherit"))
	other := s.login("bob")
	s.start("bob", "")
	for name, test := range map[string]struct {
		method  string
		changes []change
		want    int
	}{
		"write without":               {"PUT", []change{script}, 403},
		"read by script without":      {"GET", []change{script}, 403},
		"write with another's":        {"PUT", []change{script, header("X-XSRFToken", s.xsrf("/user/bob/", other))}, 403},
		"form of another site":        {"POST", []change{navigation, header("Origin", "https://evil.example"), header("Sec-Fetch-Site", "cross-site")}, 403},
		"WebSocket of another origin": {"GET", []change{socket, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }}, 403},
		"WebSocket without origin":    {"GET", []change{socket, func(r *http.Request) { r.Header.Del("Origin") }}, 403},
	} {
		s.send(test.method, "/user/ada/api/contents", append(test.changes, carrying(grant))...).want(t, name, test.want, "")
	}
}

// TestGrantIsForOneServer: it opens nothing beside its server, and nobody takes it
// for something else.
func TestGrantIsForOneServer(t *testing.T) {
	s := persistent(t)
	s.start("ada", "lab")
	s.start("bob", "")
	token := s.token("ada", "inherit")
	grant, named := s.follow("/user/ada/?token="+token), s.follow("/user/ada/lab/?token="+token)
	if grant.Name == named.Name || named.Path != "/user/ada/lab/" {
		t.Errorf("cookies %s of %s and %s of %s", grant.Name, grant.Path, named.Name, named.Path)
	}
	s.get("/user/ada/lab/", carrying(grant), navigation).want(t, "the named server by the other's grant", 302, "/hub/login?")
	s.get("/user/ada/lab/", carrying(grant, named), navigation).want(t, "both", 200, "hello")
	for name, cookie := range map[string]*http.Cookie{
		"renamed for the named server": {Name: named.Name, Value: grant.Value},
		"as session":                   {Name: "caddyhub-session", Value: grant.Value},
		"session as grant":             {Name: named.Name, Value: s.login("ada").cookie},
	} {
		s.get("/user/ada/lab/", carrying(cookie), navigation).want(t, name, 302, "/hub/login?")
	}
	s.get("/user/bob/", carrying(&http.Cookie{Name: grant.Name, Value: grant.Value}), navigation).want(t, "another user", 302, "/hub/login?")
	// A route without the option does not know grants.
	s.rules.TokenInURL = TokenInURLOff
	s.get("/user/ada/", carrying(grant), navigation).want(t, "switched off", 302, "/hub/login?")
	if answer := s.get("/user/ada/?token="+token, navigation); grantOf(answer) != nil {
		t.Error("a grant where it is off")
	}
}

// TestLinksThatGiveNothing: the answer is what it is without a token, which is not
// repeated, and the browser gets nothing.
func TestLinksThatGiveNothing(t *testing.T) {
	s := persistent(t)
	s.put("/services/plain/", dataOfPublic)
	good := s.token("ada", "inherit")
	expired, err := s.directory.CreateToken(t.Context(), "expired-token", identity.NewToken{
		Owner: identity.UserOwner("ada"), Scopes: []string{"inherit"}, Lifetime: time.Nanosecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	bob := s.login("bob")
	elsewhere := s.directory.VisitorToken(&bob.session, scope.Client{Server: scope.Server{User: "bob"}})
	for name, test := range map[string]struct {
		method, target string
		changes        []change
		status         int
	}{
		"of nobody":              {"GET", "/user/ada/lab?token=not-a-token", nil, 302},
		"expired":                {"GET", "/user/ada/lab?token=expired-token", nil, 302},
		"its id":                 {"GET", "/user/ada/lab?token=" + expired.ID, nil, 302},
		"without access":         {"GET", "/user/ada/lab?token=" + s.token("bob", "inherit"), nil, 302},
		"without scopes":         {"GET", "/user/ada/lab?token=" + s.token("ada", "read:users!user=ada"), nil, 302},
		"of a page elsewhere":    {"GET", "/user/ada/lab?token=" + elsewhere, nil, 302},
		"empty":                  {"GET", "/user/ada/lab?token=", nil, 302},
		"two":                    {"GET", "/user/ada/lab?token=" + good + "&token=" + s.token("ada", "inherit"), nil, 400},
		"endless":                {"GET", "/user/ada/lab?token=" + strings.Repeat("x", 10_000), nil, 302},
		"HEAD":                   {"HEAD", "/user/ada/lab?token=" + good, nil, 302},
		"POST":                   {"POST", "/user/ada/lab?token=" + good, nil, 403},
		"prefetch":               {"GET", "/user/ada/lab?token=" + good, []change{header("Sec-Purpose", "prefetch;prerender")}, 302},
		"prefetch of old":        {"GET", "/user/ada/lab?token=" + good, []change{header("Purpose", "prefetch")}, 302},
		"preview":                {"GET", "/user/ada/lab?token=" + good, []change{header("X-Purpose", "preview")}, 302},
		"frame":                  {"GET", "/user/ada/lab?token=" + good, []change{header("Sec-Fetch-Dest", "iframe")}, 302},
		"unknown server":         {"GET", "/user/ghost/lab?token=" + good, nil, 302},
		"an XHR":                 {"GET", "/user/ada/api/contents?token=" + good, []change{script, func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "cors") }}, 401},
		"escaped":                {"GET", "/user/ada/lab?%74oken=not-a-token", nil, 302},
		"somebody who may not":   {"GET", "/user/ada/lab?token=not-a-token", []change{bob.in}, 403},
		"a path that is refused": {"GET", "/user/ada/../bob/?token=" + good, nil, 400},
	} {
		changes := test.changes
		if name != "an XHR" {
			changes = append([]change{navigation}, changes...)
		}
		answer := s.send(test.method, test.target, changes...)
		address, err := url.Parse("http://x" + test.target)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != test.status || len(answer.Cookies()) > 0 {
			t.Errorf("%s: %d, cookies %v", name, answer.StatusCode, answer.Cookies())
		}
		for _, secret := range address.Query()["token"] {
			if told := answer.Header.Get("Location") + answer.body; secret != "" && strings.Contains(told, secret) {
				t.Errorf("%s: the answer repeats the token: %.200s", name, told)
			}
		}
	}
	// Whoever may come in anyway does, and the application has its parameter.
	s.get("/user/ada/lab?token=its-own", s.login("ada").in, navigation).want(t, "a parameter of the application", 200, "hello")
	if answer := s.get("/services/plain/?token="+good, navigation); answer.StatusCode != 200 || len(answer.Cookies()) > 0 {
		t.Errorf("a service that finds out itself: %d, %v", answer.StatusCode, answer.Cookies())
	}
}

// TestLinkOfOneself: who is logged in as the owner of the token needs no grant.
func TestLinkOfOneself(t *testing.T) {
	s := persistent(t)
	answer := s.get("/user/ada/lab?token="+s.token("ada", "inherit"), s.login("ada").in, navigation)
	answer.want(t, "link", http.StatusSeeOther, "/user/ada/lab")
	if len(answer.Cookies()) > 0 {
		t.Errorf("cookies %v", answer.Cookies())
	}
}

// chooser follows a link beside a login and returns what is asked.
func (s *site) chooser(l login, token string) (grant *http.Cookie, action, xsrf string) {
	s.t.Helper()
	grant = s.follow("/user/ada/lab?a=1&token="+token, l.in)
	answer := s.get("/user/ada/lab?a=1", l.in, carrying(grant), navigation)
	_, rest, found := strings.Cut(html.UnescapeString(answer.body), " at ")
	action, xsrf, _ = strings.Cut(rest, " with ")
	if !found || answer.out != nil {
		s.t.Fatalf("not asked: %d %s", answer.StatusCode, answer.body)
	}
	return grant, action, xsrf
}

// form sends the choice.
func (s *site) form(action, as, xsrf string, changes ...change) result {
	body := url.Values{browser.ChoiceField: {as}, "_xsrf": {xsrf}}.Encode()
	return s.send("POST", action, append(changes, navigation, header("Content-Type", "application/x-www-form-urlencoded"),
		header("Origin", "http://example.com"), func(r *http.Request) { r.Body = http.NoBody; setBody(r, body) })...)
}

// TestChoice: who is logged in is asked, with both names, before anything else.
func TestChoice(t *testing.T) {
	s := persistent(t)
	s.start("bob", "")
	bob := s.login("bob")
	token := s.token("ada", "inherit")
	grant, action, xsrf := s.chooser(bob, token)
	s.get("/user/ada/api/contents", bob.in, carrying(grant), script).want(t, "a script before the choice", 403, "")
	s.get("/user/ada/api/kernels", bob.in, carrying(grant), socket).want(t, "a WebSocket before the choice", 403, "")
	for name, try := range map[string]result{
		"no proof":         s.form(action, browser.ChooseGrant, "", bob.in, carrying(grant)),
		"proof of another": s.form(action, browser.ChooseGrant, xsrf, s.login("eve").in, carrying(grant)),
		"proof of a page":  s.form(action, browser.ChooseGrant, s.xsrf("/user/bob/", bob), bob.in, carrying(grant)),
		"foreign":          s.form(action, browser.ChooseGrant, xsrf, bob.in, carrying(grant), func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }),
		"nothing chosen":   s.form(action, "", xsrf, bob.in, carrying(grant)),
		"no form":          s.send("POST", action, bob.in, carrying(grant), navigation),
		"without login":    s.form(action, browser.ChooseGrant, xsrf, carrying(grant)),
	} {
		if try.StatusCode < 400 || grantOf(try) != nil || try.out != nil {
			t.Errorf("%s: %d %q, forwarded %v", name, try.StatusCode, try.body, try.out != nil)
		}
	}
	chosen := s.form(action, browser.ChooseGrant, xsrf, bob.in, carrying(grant))
	chosen.want(t, "chosen", http.StatusSeeOther, "/user/ada/lab?a=1")
	agreed := grantOf(chosen)
	if to := chosen.Header.Get("Location"); to != "/user/ada/lab?a=1" || agreed == nil {
		t.Fatalf("%q, %v", to, agreed)
	}
	page := s.get("/user/ada/lab", bob.in, carrying(agreed), navigation)
	page.want(t, "afterwards", 200, "hello")
	if visitor, err := s.directory.ByToken(t.Context(), page.visitor()); err != nil || visitor.Name() != "ada" {
		t.Errorf("acts as %+v, %v", visitor, err)
	}
	elsewhere := s.get("/user/bob/lab", bob.in, carrying(agreed), navigation)
	if visitor, err := s.directory.ByToken(t.Context(), elsewhere.visitor()); err != nil || visitor.Name() != "bob" {
		t.Errorf("elsewhere acts as %+v, %v", visitor, err)
	}
	// The agreement was that of this login.
	s.get("/user/ada/lab", carrying(agreed), navigation).want(t, "logged out", 302, "/hub/login?")
	s.get("/user/ada/lab", s.login("bob").in, carrying(agreed), navigation).want(t, "another login", 403, "")
}

// TestChoiceToStay: who says no stays who they are and is not asked again.
func TestChoiceToStay(t *testing.T) {
	s := persistent(t)
	eve := s.login("eve") // may visit ada as herself
	grant, action, xsrf := s.chooser(eve, s.token("ada", "inherit"))
	before := s.send("PUT", "/user/ada/api/contents/x", eve.in, carrying(grant), script, header("X-XSRFToken", s.xsrf("/user/ada/lab", eve)))
	before.want(t, "a save before the choice", 200, "hello")
	stayed := s.form(action, browser.ChooseLogin, xsrf, eve.in, carrying(grant))
	stayed.want(t, "stay", http.StatusSeeOther, "/user/ada/lab?a=1")
	gone := false
	for _, cookie := range stayed.Cookies() {
		gone = gone || cookie.Name == grant.Name && cookie.MaxAge < 0 && cookie.Path == "/user/ada/"
	}
	if !gone {
		t.Errorf("the grant stays: %v", stayed.Cookies())
	}
	page := s.get("/user/ada/lab", eve.in, navigation)
	if visitor, err := s.directory.ByToken(t.Context(), page.visitor()); err != nil || visitor.Name() != "eve" {
		t.Errorf("acts as %+v, %v", visitor, err)
	}
}

// TestLoginBesideGrant: what was opened by a link goes on when somebody logs in
// beside it; the next page asks.
func TestLoginBesideGrant(t *testing.T) {
	s := persistent(t)
	grant := s.follow("/user/ada/lab?token=" + s.token("ada", "inherit"))
	page := s.get("/user/ada/lab", carrying(grant), navigation)
	bob, eve := s.login("bob"), s.login("eve")
	proof := header("Authorization", "token "+page.visitor())
	s.send("PUT", "/user/ada/api/contents/x", carrying(grant), bob.in, script, proof).want(t, "a save of the open page", 200, "hello")
	if asked := s.get("/user/ada/lab", carrying(grant), bob.in, navigation); !strings.Contains(asked.body, "choose bob or ada") {
		t.Errorf("not asked: %s", asked.body)
	}
	// Who has access of their own acts as nobody else unasked.
	own := s.get("/user/ada/api/kernels", carrying(grant), eve.in, socket)
	if visitor, err := s.directory.ByToken(t.Context(), own.visitor()); err != nil || visitor.Name() != "eve" {
		t.Errorf("acts as %+v, %v", visitor, err)
	}
}

// TestRevokedGrant: it ends with its token, and the WebSocket that it opened too.
func TestRevokedGrant(t *testing.T) {
	s := persistent(t)
	go func() { _ = s.options.Sockets.Run(t.Context(), s.store) }()
	front := s.front(echo(t))
	token := s.token("ada", "inherit")
	found, err := s.directory.ByToken(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	grant, other := s.follow("/user/ada/?token="+token), s.follow("/user/ada/?token="+s.token("ada", "inherit"))
	mine, theirs := dial(t, front, carrying(grant)), dial(t, front, carrying(other))
	if err := s.directory.DeleteToken(t.Context(), identity.UserOwner("ada"), found.Token.ID); err != nil {
		t.Fatal(err)
	}
	ended(t, mine, "token revoked")
	alive(t, theirs, "that of another token")
	s.get("/user/ada/lab", carrying(grant), navigation).want(t, "page", 302, "/hub/login?")
	s.get("/user/ada/api/contents", carrying(grant), script).want(t, "XHR", 401, "")
	if _, response, err := websocket.Dial(t.Context(), front+"/user/ada/api/kernels", &websocket.DialOptions{ //nolint:bodyclose // it is refused
		HTTPHeader: http.Header{"Cookie": {grant.Name + "=" + grant.Value}, "Origin": {front}},
	}); err == nil || response.StatusCode != http.StatusUnauthorized {
		t.Errorf("a new WebSocket: %v", err)
	}
}

// TestLinkInOutage: trouble with the store is 503, never a login page or a grant.
func TestLinkInOutage(t *testing.T) {
	s := persistent(t)
	token := s.token("ada", "inherit")
	grant := s.follow("/user/ada/?token=" + token)
	s.store.away.Store(true)
	for name, changes := range map[string][]change{
		"link": {navigation}, "page": {navigation, carrying(grant)},
	} {
		target := "/user/ada/lab"
		if name == "link" {
			target += "?token=" + token
		}
		answer := s.get(target, changes...)
		if answer.StatusCode != http.StatusServiceUnavailable || grantOf(answer) != nil {
			t.Errorf("%s: %d %v", name, answer.StatusCode, answer.Cookies())
		}
	}
}

// TestGrantObserved: whoever watches is told, without the secret.
func TestGrantObserved(t *testing.T) {
	var told []Granted
	s := persistent(t, func(o *Options) {
		o.Observer.Granted = func(_ *http.Request, granted Granted) { told = append(told, granted) }
	})
	s.follow("/user/ada/lab?token=" + s.token("ada", "inherit"))
	bob := s.login("bob")
	grant, action, xsrf := s.chooser(bob, s.token("ada", "inherit"))
	s.form(action, browser.ChooseGrant, xsrf, bob.in, carrying(grant))
	if len(told) != 3 || told[0].By != nil || told[1].By.Name() != "bob" || told[1].Grant.Agreed || !told[2].Grant.Agreed || told[2].Identity.Name() != "ada" {
		t.Errorf("told %+v", told)
	}
}

// FuzzLink: whatever stands in a link, the answer to nobody is no page of the
// server, and nothing of the query but the clean address.
func FuzzLink(f *testing.F) {
	s := newSite(f)
	s.rules.TokenInURL = TokenInURLPersist
	s.start("ada", "")
	secret, err := s.directory.CreateToken(context.Background(), "the-good-token", identity.NewToken{Owner: identity.UserOwner("ada"), Scopes: []string{"inherit"}})
	if err != nil {
		f.Fatal(err)
	}
	for _, query := range []string{"token=the-good-token", "token=x", "%74oken=the-good-token&a=b", "token=the-good-token&token=x", "a&token", "token=%", "caddyhub_grant=x&token=" + secret.ID} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		address, err := url.ParseRequestURI("/user/ada/lab?" + query)
		if err != nil || strings.ContainsAny(query, " \r\n\t") || len(query) > 2000 {
			return
		}
		r, w := httptest.NewRequest("GET", address.RequestURI(), nil), httptest.NewRecorder()
		navigation(r)
		err = s.ServeBy(s.rules, w, r, func(http.ResponseWriter, *http.Request, route.Route) error {
			t.Errorf("%q: forwarded", query)
			return nil
		})
		answer := result{Response: w.Result()}
		if err != nil || answer.StatusCode == http.StatusOK {
			t.Errorf("%q: %d, %v", query, answer.StatusCode, err)
		}
		if grantOf(answer) == nil {
			return
		}
		to := answer.Header.Get("Location")
		if found, err := url.Parse(to); err != nil || found.Path != "/user/ada/lab" || found.Host != "" || strings.Contains(to, "the-good-token") && !strings.Contains(strings.ReplaceAll(query, "token=the-good-token", ""), "the-good-token") {
			t.Errorf("%q: sent to %q", query, to)
		}
	})
}

// TestLinkOfServersToken: extensions for sharing use the token that the server itself
// has. Who follows such a link is a person, and not the server.
func TestLinkOfServersToken(t *testing.T) {
	s := persistent(t)
	_, err := s.directory.CreateToken(t.Context(), "the-servers-own", identity.NewToken{
		Owner: identity.UserOwner("ada"), Scopes: []string{"access:servers!server=ada/", "users:activity!user"}, Note: "Server at /user/ada/",
	})
	if err != nil {
		t.Fatal(err)
	}
	grant := s.follow("/user/ada/lab?token=the-servers-own")
	for name, test := range map[string]struct {
		by     change
		server bool
	}{"by link": {carrying(grant), false}, "by itself": {bearer("the-servers-own"), true}} {
		r := httptest.NewRequest("GET", "/user/ada/api/contents", nil)
		test.by(r)
		v := s.look(r, s.rules)
		if v.Identity == nil || v.byServer() != test.server {
			t.Errorf("%s: %+v", name, v.Identity)
		}
	}
}
