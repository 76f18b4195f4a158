package appgate

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

// TestRefusalsFitTheCaller: people are sent to the login, programs get a status.
func TestRefusalsFitTheCaller(t *testing.T) {
	s := newSite(t)
	_, hub, app := s.login("bob")
	policy := Policy{Users: []string{"ada"}}
	for name, test := range map[string]struct {
		request  *http.Request
		status   int
		location string // what it begins with
		login    string
	}{
		"a person at the hub's host": {
			ask(http.MethodGet, "https://"+hubHost+"/grafana/d/1?a=b&c=d", navigation...),
			http.StatusFound, "/hub/login?next=%2Fgrafana%2Fd%2F1%3Fa%3Db%26c%3Dd", "",
		},
		"a person elsewhere": {
			ask(http.MethodGet, "https://"+appHost+"/d/1?a=b", navigation...),
			http.StatusFound, "https://hub.example.org/hub/handover?host=grafana.example.org&next=%2Fd%2F1%3Fa%3Db&state=", "",
		},
		"a person at an unknown host": {
			ask(http.MethodGet, "https://other.example.org/", navigation...), http.StatusMisdirectedRequest, "", "",
		},
		"fetch at the hub's host": {
			ask(http.MethodGet, "https://"+hubHost+"/grafana/x", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin"),
			http.StatusUnauthorized, "", "/hub/login",
		},
		"fetch elsewhere": {
			ask(http.MethodGet, "https://"+appHost+"/x", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin"),
			http.StatusUnauthorized, "", "https://hub.example.org/hub/login",
		},
		"a WebSocket": {upgrade("wss://" + appHost + "/live"), http.StatusUnauthorized, "", "https://hub.example.org/hub/login"},
		"a WebSocket of bob's": {
			upgrade("wss://"+appHost+"/live", "Cookie", app, "Origin", "https://"+appHost),
			http.StatusForbidden, "", "https://hub.example.org/hub/login",
		},
		"a program of bob's": {
			ask(http.MethodGet, "https://"+hubHost+"/grafana/x", "Cookie", hub, "Accept", "application/json"),
			http.StatusForbidden, "", "/hub/login",
		},
		"bob": {ask(http.MethodGet, "https://"+appHost+"/", append(navigation, "Cookie", app)...), http.StatusForbidden, "", "-"},
		"the hub's host cookie elsewhere": {
			ask(http.MethodGet, "https://"+appHost+"/", "Cookie", hub, "Accept", "application/json"),
			http.StatusUnauthorized, "", "https://hub.example.org/hub/login",
		},
		"two paths": {ask(http.MethodGet, "https://"+appHost+"/a/..%2fb", append(navigation, "Cookie", app)...), http.StatusBadRequest, "", "-"},
	} {
		answer, got := serve(t, s.gate(policy), test.request)
		if got != nil || answer.Code != test.status || !strings.HasPrefix(answer.Header().Get("Location"), test.location) ||
			test.location == "" && answer.Header().Get("Location") != "" {
			t.Errorf("%s: passed %v, %d %q %s", name, got != nil, answer.Code, answer.Header().Get("Location"), cut(answer))
		}
		if answer.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: may be kept: %v", name, answer.Header())
		}
		if test.login == "" || test.login == "-" {
			continue
		}
		var refusal struct {
			Status   int    `json:"status"`
			LoginURL string `json:"login_url"`
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &refusal); err != nil || refusal.Status != test.status || refusal.LoginURL != test.login {
			t.Errorf("%s: %s, %v", name, answer.Body, err)
		}
	}
}

// TestRefusalPage: people on the hub's host see a page of the hub, others a text.
func TestRefusalPage(t *testing.T) {
	s := newSite(t)
	_, hub, app := s.login("bob")
	var shown gate.Decision
	g := s.gate(Policy{Scopes: []string{ofGrafana}}, func(o *Options) {
		o.Refused = func(w http.ResponseWriter, _ *http.Request, visit browser.Visit, decision gate.Decision) {
			shown = decision
			w.WriteHeader(decision.Status)
		}
	})
	serve(t, g, ask(http.MethodGet, "https://"+hubHost+"/grafana/", append(navigation, "Cookie", hub)...))
	if shown.Status != http.StatusForbidden || !strings.Contains(shown.Message, "it needs the scope "+ofGrafana) {
		t.Errorf("shown: %+v", shown)
	}
	shown = gate.Decision{}
	answer, _ := serve(t, g, ask(http.MethodGet, "https://"+appHost+"/", append(navigation, "Cookie", app)...))
	if shown.Status != 0 || !strings.Contains(answer.Body.String(), ofGrafana) {
		t.Errorf("elsewhere: %+v %s", shown, answer.Body)
	}
}

// TestCrossSite: a cookie speaks for requests of the site's own pages (S2, W2).
func TestCrossSite(t *testing.T) {
	s := newSite(t)
	_, _, ada := s.login("ada")
	const own = "https://" + appHost
	for name, test := range map[string]struct {
		method string
		header []string
		may    bool
	}{
		"a page":                       {"GET", navigation, true},
		"a page from a link elsewhere": {"GET", append(navigation, "Sec-Fetch-Site", "cross-site"), true},
		"an own form":                  {"POST", []string{"Origin", own, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate"}, true},
		"an own fetch":                 {"GET", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, true},
		"an own write":                 {"DELETE", []string{"Origin", own}, true},
		"a write without an origin":    {"POST", nil, false},
		"a write of nobody's":          {"POST", []string{"Origin", "null"}, false},
		"a form elsewhere":             {"POST", []string{"Origin", "https://evil.example.com", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, false},
		"a write of a sibling":         {"PUT", []string{"Origin", "https://mallory.example.org", "Sec-Fetch-Site", "same-site"}, false},
		"a write of the hub's":         {"PUT", []string{"Origin", "https://" + hubHost, "Sec-Fetch-Site", "same-site"}, false},
		"a look-alike":                 {"POST", []string{"Origin", own + ".evil.example.com"}, false},
		"another port":                 {"POST", []string{"Origin", own + ":8443"}, false},
		"another scheme":               {"POST", []string{"Origin", "http://" + appHost}, false},
		"two origins":                  {"POST", []string{"Origin", own, "Origin", "https://evil.example.com"}, false},
		"it contradicts itself":        {"POST", []string{"Origin", own, "Sec-Fetch-Site", "cross-site"}, false},
		"a fetch of a sibling":         {"GET", []string{"Origin", "https://mallory.example.org", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, false},
	} {
		request := func(credential ...string) *http.Request {
			return ask(test.method, own+"/x", append(test.header, credential...)...)
		}
		answer, got := serve(t, s.gate(Policy{Users: []string{"ada"}}), request("Cookie", ada))
		if (got != nil) != test.may || got == nil && answer.Code != http.StatusForbidden {
			t.Errorf("%s: passed %v, want %v: %d", name, got != nil, test.may, answer.Code)
		}
		if got == nil && !strings.Contains(answer.Body.String(), "page of this site") {
			t.Errorf("%s: %s", name, answer.Body)
		}
		if _, got := serve(t, s.gate(Policy{Users: []string{"ada"}}), request("Authorization", "token "+s.token("ada", "inherit"))); got == nil {
			t.Errorf("%s: by token: refused", name)
		}
		// What is open to everybody is so without the cookie, and nobody's.
		if _, got := serve(t, s.gate(Policy{Anonymous: true}), request("Cookie", ada)); got == nil || got.visitor.Known() != test.may {
			t.Errorf("%s: of what is open: %+v", name, got)
		}
	}
}

// TestCrossSiteWebSocket (W2).
func TestCrossSiteWebSocket(t *testing.T) {
	s := newSite(t)
	_, _, ada := s.login("ada")
	for origin, may := range map[string]bool{
		"https://" + appHost: true, "": false, "null": false, "http://" + appHost: false, "https://" + hubHost: false,
		"https://evil." + appHost: false, "https://" + appHost + ".evil.example": false, "https://" + appHost + ":8443": false,
	} {
		header := []string{"Cookie", ada}
		if origin != "" {
			header = append(header, "Origin", origin)
		}
		answer, got := serve(t, s.gate(Policy{Users: []string{"ada"}}), upgrade("wss://"+appHost+"/live", header...))
		if (got != nil) != may || got == nil && answer.Code != http.StatusForbidden {
			t.Errorf("from %q: passed %v, want %v: %d", origin, got != nil, may, answer.Code)
		}
	}
}

// TestHandOver goes the whole way from an app elsewhere round by the hub and back.
func TestHandOver(t *testing.T) {
	s := newSite(t)
	session, _, _ := s.login("ada")
	g := s.gate(Policy{Users: []string{"ada"}})
	begun, _ := serve(t, g, ask(http.MethodGet, "https://"+appHost+"/d/1?a=b", navigation...))
	at, err := url.Parse(begun.Header().Get("Location"))
	if err != nil || len(begun.Result().Cookies()) != 1 {
		t.Fatalf("begun: %v, %v", begun.Header(), err)
	}
	secret := begun.Result().Cookies()[0]
	query := at.Query()
	code, err := s.codes.Issue(t.Context(), &session, query.Get("host"), query.Get("state"), query.Get("next"))
	if err != nil {
		t.Fatal(err)
	}
	arrive := func(header ...string) *httptest.ResponseRecorder {
		request := ask(http.MethodGet, "https://"+appHost+"/.caddyhub/handover?code="+code, append(header, navigation...)...)
		answer, got := serve(t, g, request)
		if got != nil {
			t.Error("the app sees a code")
		}
		return answer
	}
	arrived := arrive("Cookie", secret.Name+"="+secret.Value)
	if arrived.Code != http.StatusSeeOther || arrived.Header().Get("Location") != "/d/1?a=b" {
		t.Fatalf("arrived: %d %v", arrived.Code, arrived.Header())
	}
	cookie := arrived.Result().Cookies()[0]
	if !cookie.HttpOnly || !cookie.Secure || cookie.Domain != "" || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie of the app's host: %+v", cookie)
	}
	if _, got := serve(t, g, ask(http.MethodGet, "https://"+appHost+"/d/1?a=b", append(navigation, "Cookie", cookie.Name+"="+cookie.Value)...)); got == nil || got.visitor.Name() != "ada" {
		t.Errorf("with it: %+v", got)
	}
	if again := arrive("Cookie", secret.Name+"="+secret.Value); again.Code != http.StatusForbidden {
		t.Errorf("a code used twice: %d", again.Code)
	}
}

// TestOutage: trouble of ours is 503, never a refusal and never a way in (H7).
func TestOutage(t *testing.T) {
	s := newSite(t)
	_, _, ada := s.login("ada")
	for name, policy := range map[string]Policy{"ada": {Users: []string{"ada"}}, "everybody": {Anonymous: true}} {
		s.store.away.Store(true)
		for kind, header := range map[string][]string{
			"a cookie": {"Cookie", ada}, "a token": {"Authorization", "token " + serviceToken},
			"a damaged cookie": {"Cookie", "__Host-caddyhub-session=%zz; " + ada},
		} {
			answer, got := serve(t, s.gate(policy), ask(http.MethodGet, "https://"+appHost+"/", header...))
			if got != nil || answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
				t.Errorf("%s, %s: passed %v, %d", name, kind, got != nil, answer.Code)
			}
		}
		s.store.away.Store(false)
	}
}

// FuzzCookie: no cookie that is not ada's opens her app (H7).
func FuzzCookie(f *testing.F) {
	s := newSite(f)
	_, _, ada := s.login("ada")
	g := s.gate(Policy{Users: []string{"ada"}})
	f.Add(ada[:len(ada)-2])
	f.Add("__Host-caddyhub-session=host..")
	f.Add("__Host-caddyhub-session=%00; =; ;")
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(line, ada) {
			return
		}
		answer, got := serve(t, g, ask(http.MethodGet, "https://"+appHost+"/", "Cookie", line))
		if got != nil || answer.Code < 300 {
			t.Errorf("%q: %d", line, answer.Code)
		}
	})
}
