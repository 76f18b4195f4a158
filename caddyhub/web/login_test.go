package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/dummy"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/null"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

func TestLoginByForm(t *testing.T) {
	s := newSite(t, admin("grace"))
	p := s.person()
	form := p.get("/hub/login?username=ada")
	form.want(t, "form", http.StatusOK, `value="ada"`)
	form.want(t, "form", http.StatusOK, `action="/hub/login"`)
	good := func(user string) url.Values { return url.Values{"username": {user}, "password": {"secret"}} }

	p.submit("/hub/login", "/hub/login", good(" ada ")).want(t, "login", http.StatusFound, "/hub/spawn")
	user, err := s.options.Directory.User(t.Context(), "ada")
	if err != nil || user.Admin || user.Authenticator != "dummy" {
		t.Errorf("user after login: %+v, %v", user, err)
	}
	p.get("/hub/login").want(t, "logged in already", http.StatusFound, "/hub/spawn")
	p.get("/hub/login?next=/hub/token").want(t, "logged in already, next", http.StatusFound, "/hub/token")

	s.person().submit("/hub/login", "/hub/login?next=%2Fhub%2Ftoken", good("grace")).want(t, "next", http.StatusFound, "/hub/token")
	if user, err := s.options.Directory.User(t.Context(), "grace"); err != nil || !user.Admin {
		t.Errorf("admin after login: %+v, %v", user, err)
	}
}

func TestLoginRefused(t *testing.T) {
	p := newSite(t, func(s *setup) { s.rules.Blocked = []string{"mallory"} }).person()
	for name, test := range map[string]struct {
		user, password string
		status         int
		text           string
	}{
		"password":  {"ada", "wrong", http.StatusForbidden, "Invalid username or password"},
		"blocked":   {"mallory", "secret", http.StatusForbidden, "Invalid username or password"},
		"no name":   {"", "secret", http.StatusForbidden, "Invalid username or password"},
		"slash":     {"a/b", "secret", http.StatusForbidden, "Invalid username or password"},
		"long":      {strings.Repeat("a", 300), "secret", http.StatusBadRequest, "The user name is too long."},
		"long key":  {strings.Repeat("ü", 120), "secret", http.StatusBadRequest, "This name is too long."},
		"not UTF-8": {"a\xff", "secret", http.StatusBadRequest, "not valid text"},
		"kept":      {"ada lovelace", "wrong", http.StatusForbidden, `value="ada lovelace"`},
		"hostile":   {`"><script>alert(1)</script>`, "wrong", http.StatusForbidden, `value="&#34;&gt;&lt;script&gt;`},
	} {
		got := p.submit("/hub/login", "/hub/login", url.Values{"username": {test.user}, "password": {test.password}})
		got.want(t, name, test.status, test.text)
		if p.session() != "" || strings.Contains(got.body, "<script>alert") || strings.Contains(got.body, "wrong") {
			t.Errorf("%s: logged in, or what was typed came back\n%s", name, got.body)
		}
	}
	p.submit("/hub/login", "/hub/login", url.Values{"username": {strings.Repeat("x", maxForm)}}).
		want(t, "huge form", http.StatusRequestEntityTooLarge, "too long")
}

// TestLoginProof is the matrix of tokens for the login form.
func TestLoginProof(t *testing.T) {
	s := newSite(t)
	good := url.Values{"username": {"ada"}, "password": {"secret"}}
	with := func(token string) url.Values {
		return url.Values{"username": {"ada"}, "password": {"secret"}, "_xsrf": {token}}
	}
	other := s.person().get("/hub/login").xsrf()
	signed := s.person().login("bob").get("/hub/home").xsrf()
	for name, fields := range map[string]url.Values{
		"none": good, "empty": with(""), "garbage": with("abc"), "another browser's": with(other), "a session's": with(signed),
	} {
		p := s.person()
		p.get("/hub/login")
		p.post("/hub/login", fields).want(t, name, http.StatusForbidden, "Login form invalid or expired. Try again.")
		if p.session() != "" {
			t.Errorf("%s: logged in", name)
		}
	}
	p := s.person()
	token := p.get("/hub/login").xsrf()
	if again := p.get("/hub/login"); again.StatusCode != http.StatusOK {
		t.Fatal("second tab")
	}
	p.post("/hub/login", with(token)).want(t, "form of the first tab", http.StatusFound, "/hub/spawn")
	p.post("/hub/login", with(token)).want(t, "its token after the login", http.StatusForbidden, "Try again")

	fetched := s.person()
	fetched.header.Set("Sec-Fetch-Mode", "cors")
	if got := fetched.get("/hub/login"); got.xsrf() != "" {
		t.Error("a script was given a token")
	}
}

// TestSessionFixation: what the browser had before a login is worth nothing after
// it, whoever put it there.
func TestSessionFixation(t *testing.T) {
	s := newSite(t)
	mallory := s.person().login("mallory")
	planted := mallory.session()

	victim := s.person()
	victim.jar["caddyhub-session"] = planted
	// The login page sends on who is logged in, so the form comes from a failure.
	form := victim.post("/hub/login", url.Values{"username": {"ada"}})
	form.want(t, "form", http.StatusForbidden, "Try again")
	victim.post("/hub/login", url.Values{"username": {"ada"}, "password": {"secret"}, "_xsrf": {form.xsrf()}}).
		want(t, "login over a planted session", http.StatusFound, "/hub/spawn")
	if victim.session() == planted {
		t.Error("the planted session was kept")
	}
	if s.lives(planted) || !s.lives(victim.session()) {
		t.Error("the planted session lives, or the new one does not")
	}

	unknown := s.person()
	unknown.jar["caddyhub-session"] = "made.up"
	unknown.login("bob")
	if unknown.session() == "made.up" {
		t.Error("an unknown session id was taken over")
	}
	first := unknown.jar["jupyterhub-session-id"]
	unknown.get("/hub/logout")
	if unknown.login("bob"); unknown.jar["jupyterhub-session-id"] == first {
		t.Error("the id that servers see is the same after another login")
	}
}

func TestLoginThrottled(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := newSite(t, func(s *setup) {
		s.throttle = authenticator.NewThrottle(authenticator.ThrottleOptions{
			Limits: authenticator.Limits{User: authenticator.Limit{Burst: 2, Every: time.Minute}}, Now: func() time.Time { return now },
		})
	})
	try := func(p *person, user string) answer {
		return p.submit("/hub/login", "/hub/login", url.Values{"username": {user}, "password": {"wrong"}})
	}
	p := s.person()
	for range 2 {
		try(p, "ada").want(t, "wrong password", http.StatusForbidden, "Invalid username")
	}
	got := try(s.person(), "ADA")
	got.want(t, "third attempt", http.StatusTooManyRequests, "Too many attempts to log in.")
	got.want(t, "third attempt", http.StatusTooManyRequests, `id="login_submit"`)
	if got.Header.Get("Retry-After") != "60" {
		t.Errorf("Retry-After %q", got.Header.Get("Retry-After"))
	}
	try(p, "bob").want(t, "another user", http.StatusForbidden, "Invalid username")
}

// elsewhere is an authenticator that logs in at another site.
type elsewhere struct {
	fails error
	added []string
}

func (e *elsewhere) Redirect(_ context.Context, _ *http.Request, callback string) (string, []byte, error) {
	return "https://idp.example/authorize?state=s1&redirect_uri=" + url.QueryEscape(callback), []byte("s1"), e.fails
}

func (e *elsewhere) Authenticate(_ context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	if attempt.Request.URL.Query().Get("state") != string(attempt.Flow) || len(attempt.Flow) == 0 ||
		!strings.HasSuffix(attempt.Callback, "/hub/oauth_callback") {
		return nil, authenticator.ErrDenied
	}
	return &authenticator.Identity{
		Name: attempt.Request.URL.Query().Get("code"), Groups: []string{"class"}, AuthState: []byte(`{"id":"x"}`),
	}, nil
}

func (e *elsewhere) OpenByDefault() bool { return true }

func (e *elsewhere) Prompt() authenticator.Prompt {
	return authenticator.Prompt{Service: "Example <IdP>"}
}

func (e *elsewhere) AddUser(_ context.Context, user string) error {
	e.added = append(e.added, user)
	if user == "unwanted" {
		return &authenticator.Error{Status: http.StatusForbidden, Message: "Not this one."}
	}
	return nil
}

func (e *elsewhere) LogoutURL(_ context.Context, state json.RawMessage) (string, error) {
	if string(state) != `{"id":"x"}` {
		return "", errors.New("no state")
	}
	return "https://idp.example/logout", nil
}

func (e *elsewhere) Handlers() map[string]http.Handler {
	return map[string]http.Handler{"notify": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })}
}

func TestSeveralAuthenticators(t *testing.T) {
	idp := &elsewhere{}
	s := newSite(t, func(s *setup) {
		s.authenticators = []authenticator.Named{
			{Name: "guests", Authenticator: dummy.New("guest")}, {Name: "idp", Authenticator: idp},
			{Name: "staff", Authenticator: dummy.New("staff")},
		}
	})
	p := s.person()
	form := p.get("/hub/login?next=/hub/token")
	for _, text := range []string{
		`action="/hub/login?authenticator=guests&amp;next=%2Fhub%2Ftoken"`,
		`action="/hub/login?authenticator=staff&amp;next=%2Fhub%2Ftoken"`,
		`href="/hub/login?authenticator=idp&amp;next=%2Fhub%2Ftoken"`, "Sign in with Example &lt;IdP&gt;",
	} {
		form.want(t, "page", http.StatusOK, text)
	}
	try := func(target, password string) answer {
		return s.person().submit("/hub/login", target, url.Values{"username": {"ada"}, "password": {password}})
	}
	try("/hub/login?authenticator=staff", "staff").want(t, "staff", http.StatusFound, "/hub/spawn")
	try("/hub/login?authenticator=staff", "guest").want(t, "password of the other", http.StatusForbidden, "Invalid")
	// What was typed stays in its form, and the cursor with it.
	got := try("/hub/login?authenticator=staff", "guest")
	guests, staff, _ := strings.Cut(got.body, `aria-labelledby="form-2-title"`)
	for _, part := range []string{`value="ada"`, "autofocus"} {
		if strings.Contains(guests, part) || strings.Count(staff, part) != 1 {
			t.Errorf("%s must be in the second form only:\n%s", part, got.body)
		}
	}
	if strings.Count(form.body, "autofocus") != 1 || strings.Count(form.body, `id="username_input"`) != 1 {
		t.Errorf("one field has the cursor, and ids are there once:\n%s", form.body)
	}
	try("/hub/login", "guest").want(t, "no name: the first form", http.StatusFound, "/hub/spawn")
	try("/hub/login?authenticator=idp", "staff").want(t, "no form there", http.StatusNotFound, "no such way")
	try("/hub/login?authenticator=nobody", "staff").want(t, "unknown", http.StatusNotFound, "no such way")
	p.get("/hub/login?authenticator=nobody").want(t, "unknown", http.StatusNotFound, "no such way")
	p.get("/hub/login/idp/notify").want(t, "own path", http.StatusAccepted, "")
}

func TestLoginElsewhere(t *testing.T) {
	idp := &elsewhere{}
	s := newSite(t, func(s *setup) {
		s.authenticators = []authenticator.Named{{Name: "idp", Authenticator: idp}, {Name: "dummy", Authenticator: dummy.New("secret")}}
	})
	p := s.person()
	p.get("/hub/oauth_callback?state=s1&code=ada").want(t, "never begun", http.StatusBadRequest, "no login under way")
	begin := func() {
		t.Helper()
		p.get("/hub/login?authenticator=idp&next=//example.com/hub/token").want(t, "begin", http.StatusFound,
			"https://idp.example/authorize?state=s1&redirect_uri="+url.QueryEscape("http://example.com/hub/oauth_callback"))
	}
	begin()
	p.get("/hub/oauth_callback?state=other&code=ada").want(t, "wrong state", http.StatusBadRequest, "no login under way")
	p.get("/hub/oauth_callback/idp?state=s1&code=ada").want(t, "place of another", http.StatusBadRequest, "no login under way")
	p.get("/hub/oauth_callback?state=s1&code=ada").want(t, "second attempt of one flow", http.StatusBadRequest, "no login under way")
	begin()
	p.get("/hub/oauth_callback?state=s1&code=ada").want(t, "login", http.StatusFound, "/hub/token")
	user, err := s.options.Directory.User(t.Context(), "ada")
	if err != nil || len(user.Groups) != 1 || user.Groups[0] != "class" {
		t.Errorf("user %+v, %v", user, err)
	}
	if len(idp.added) != 1 || idp.added[0] != "ada" {
		t.Errorf("told of new users %q", idp.added)
	}
	p.get("/hub/logout").want(t, "logout", http.StatusFound, "https://idp.example/logout")

	begin()
	p.get("/hub/oauth_callback?state=s1&code=unwanted").want(t, "refused", http.StatusForbidden, "Not this one.")
	if _, err := s.options.Directory.User(t.Context(), "unwanted"); !errors.Is(err, identity.ErrNotFound) || p.session() != "" {
		t.Errorf("a refused user exists: %v", err)
	}
	idp.fails = authenticator.ErrUnavailable
	got := p.get("/hub/login?authenticator=idp")
	got.want(t, "away", http.StatusServiceUnavailable, "not available at the moment")
	if got.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestFlowIsSealedAndEnds(t *testing.T) {
	now := time.Now()
	s := newSite(t, func(s *setup) {
		s.authenticators = []authenticator.Named{{Name: "idp", Authenticator: &elsewhere{}}}
		s.Now = func() time.Time { return now }
	})
	p := s.person()
	long := "/hub/" + strings.Repeat("x", 3900)
	p.get("/hub/login?authenticator=idp&next=" + long)
	name := ""
	for candidate := range p.jar {
		if strings.HasPrefix(candidate, flowCookie) {
			name = candidate
		}
	}
	kept := p.jar[name]
	sealed, err := base64.RawURLEncoding.DecodeString(kept)
	if err != nil || kept == "" || len(kept) > maxFlow || bytes.Contains(sealed, []byte(`"idp"`)) {
		t.Fatalf("cookie of %d bytes, %v", len(kept), err)
	}
	changed := "A"
	if kept[:1] == changed {
		changed = "B"
	}
	for what, value := range map[string]string{"changed": changed + kept[1:], "cut": kept[:40], "garbage": "!", "none": ""} {
		p.jar[name] = value
		p.get("/hub/oauth_callback?state=s1&code=ada").want(t, what, http.StatusBadRequest, "")
	}
	p.jar[name] = kept
	now = now.Add(flowLifetime)
	p.get("/hub/oauth_callback?state=s1&code=ada").want(t, "too late", http.StatusBadRequest, "no login under way")
	now = now.Add(-time.Minute)
	p.jar[name] = kept
	p.get("/hub/oauth_callback?state=s1&code=ada").want(t, "in time, without next", http.StatusFound, "/hub/spawn")
}

// header logs in whom a header names.
type header struct{}

func (header) Authenticate(_ context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	if attempt.Form != nil || attempt.Request.Header.Get("X-User") == "" {
		return nil, authenticator.ErrDenied
	}
	return &authenticator.Identity{Name: attempt.Request.Header.Get("X-User")}, nil
}

func (header) AutoLogin() bool     { return true }
func (header) OpenByDefault() bool { return true }

func TestAutoLogin(t *testing.T) {
	use := func(a authenticator.Authenticator) func(*setup) {
		return func(s *setup) { s.authenticators = []authenticator.Named{{Name: "auto", Authenticator: a}} }
	}
	p := newSite(t, use(header{})).person()
	p.get("/hub/login").want(t, "no header", http.StatusForbidden, "Invalid username")
	p.header.Set("X-User", "Ada")
	p.get("/hub/login?one_time=abc&next=/hub/home").want(t, "auto", http.StatusFound, "/hub/home")
	p.get("/hub/logout").want(t, "logout", http.StatusOK, "You are logged out.")
	p.get("/hub/login?one_time=abc").want(t, "what proves the login goes no further", http.StatusFound, "/hub/spawn")

	newSite(t, use(null.Authenticator{})).person().get("/hub/login").
		want(t, "null", http.StatusForbidden, "Logging in is switched off on this hub.")
}
