package appgate

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// forwarded are the headers of Traefik and Caddy about a request.
func forwarded(method, host, uri string, more ...string) []string {
	return append([]string{"X-Forwarded-Method", method, "X-Forwarded-Proto", "https", "X-Forwarded-Host", host, "X-Forwarded-Uri", uri}, more...)
}

// original are those of nginx.
func original(method, address string, more ...string) []string {
	return append([]string{"X-Original-Method", method, "X-Original-URL", address}, more...)
}

// TestAsked: what proxies ask about, as each of them does.
func TestAsked(t *testing.T) {
	for name, test := range map[string]struct {
		method, rest string
		header       []string
		want         string // method, host and target; empty if it is no question
	}{
		"Traefik":            {"GET", "", forwarded("POST", appHost, "/d/1?a=b"), "POST grafana.example.org /d/1?a=b"},
		"nginx":              {"GET", "", original("PUT", "https://grafana.example.org:8443/a%2fb?x"), "PUT grafana.example.org:8443 /a%2fb?x"},
		"Envoy":              {"DELETE", "/d/1?a=b", nil, "DELETE hub.example.org /d/1?a=b"},
		"Envoy and a client": {"GET", "/admin", forwarded("GET", "evil.example.org", "/public"), "GET hub.example.org /admin"},
		"both, agreeing": {
			"GET", "", append(forwarded("GET", appHost, "/x"), original("GET", "http://"+appHost+"/x")...), "GET grafana.example.org /x",
		},
		"nothing":                   {"GET", "", nil, ""},
		"a spoofed X-Forwarded-Uri": {"GET", "", append(original("GET", "https://"+appHost+"/admin"), "X-Forwarded-Uri", "/public"), ""},
		"a spoofed host":            {"GET", "", append(original("GET", "https://"+appHost+"/x"), forwarded("GET", "evil.example.org", "/x")...), ""},
		"a spoofed method":          {"GET", "", append(original("DELETE", "https://"+appHost+"/x"), forwarded("GET", appHost, "/x")...), ""},
		"two URIs":                  {"GET", "", forwarded("GET", appHost, "/x", "X-Forwarded-Uri", "/y"), ""},
		"two hosts":                 {"GET", "", forwarded("GET", appHost+", evil.example.org", "/x"), ""},
		"no method":                 {"GET", "", []string{"X-Forwarded-Host", appHost, "X-Forwarded-Uri", "/x"}, ""},
		"no host":                   {"GET", "", []string{"X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/x"}, ""},
		"no path":                   {"GET", "", forwarded("GET", appHost, "x"), ""},
		"an address for a path":     {"GET", "", forwarded("GET", appHost, "https://evil.example.org/x"), ""},
		"a malformed path":          {"GET", "", forwarded("GET", appHost, "/%zz"), ""},
		"a URL without a path":      {"GET", "", original("GET", "https://"+appHost), ""},
		"a URL with a query only":   {"GET", "", original("GET", "https://"+appHost+"?x=/"), ""},
		"another scheme":            {"GET", "", original("GET", "ftp://"+appHost+"/"), ""},
	} {
		asked, err := Asked(ask(test.method, "https://"+hubHost+"/hub/forward-auth/x", test.header...), test.rest)
		got := ""
		if err == nil {
			got = asked.Method + " " + asked.Host + " " + asked.RequestURI
		} else if !errors.Is(err, ErrAsked) {
			t.Errorf("%s: %v", name, err)
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q: %v", name, got, test.want, err)
		}
	}
}

// inquire has a gate answer another proxy.
func inquire(t testing.TB, g *Gate, style Style, header ...string) (*httptest.ResponseRecorder, bool) {
	t.Helper()
	asked, err := Asked(ask(http.MethodGet, "https://"+hubHost+"/hub/forward-auth/x", header...), "")
	if err != nil {
		t.Fatal(err)
	}
	answer, allowed := httptest.NewRecorder(), false
	g.Ask(answer, asked, style, func(h http.Header, visitor Visitor) error {
		allowed = true
		h.Set("Remote-User", visitor.Name())
		return nil
	})
	return answer, allowed
}

// TestAsk: the verdict is that of Serve, in the words of each proxy.
func TestAsk(t *testing.T) {
	s := newSite(t)
	_, hub, app := s.login("ada")
	_, _, bob := s.login("bob")
	g := s.gate(Policy{Users: []string{"ada"}})
	nav := func(header ...string) []string { return append(header, navigation...) }
	socket := []string{"Sec-Websocket-Version", "13", "Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
	for name, test := range map[string]struct {
		header           []string
		answer, status   int // by style
		location, atHome string
	}{
		"ada":                       {nav(forwarded("GET", appHost, "/", "Cookie", app)...), 200, 200, "", ""},
		"ada on the hub's host":     {nav(forwarded("GET", hubHost, "/grafana/", "Cookie", hub)...), 200, 200, "", ""},
		"ada by nginx":              {original("GET", "https://"+appHost+"/", "Cookie", app), 200, 200, "", ""},
		"her token":                 {forwarded("POST", appHost, "/", "Authorization", "token "+s.token("ada", scope.Inherit)), 200, 200, "", ""},
		"bob":                       {forwarded("GET", appHost, "/", "Cookie", bob), 403, 403, "", ""},
		"nobody's program":          {forwarded("GET", appHost, "/", "Accept", "application/json"), 401, 401, "", ""},
		"nobody":                    {nav(forwarded("GET", appHost, "/d")...), 302, 401, "https://hub.example.org/hub/handover?host=", ""},
		"nobody on the hub's host":  {nav(forwarded("GET", hubHost, "/grafana/")...), 302, 401, "/hub/login?next=%2Fgrafana%2F", "/hub/login?next=%2Fgrafana%2F"},
		"an unknown host":           {nav(forwarded("GET", "other.example.org", "/")...), 421, 401, "", ""},
		"a foreign form":            {forwarded("POST", appHost, "/", "Cookie", app, "Origin", "https://evil.example.com"), 403, 403, "", ""},
		"an own form":               {forwarded("POST", appHost, "/", "Cookie", app, "Origin", "https://"+appHost), 200, 200, "", ""},
		"an own WebSocket":          {forwarded("GET", appHost, "/", append(socket, "Cookie", app, "Origin", "https://"+appHost)...), 200, 200, "", ""},
		"a foreign WebSocket":       {forwarded("GET", appHost, "/", append(socket, "Cookie", app, "Origin", "https://evil.example.com")...), 403, 403, "", ""},
		"a WebSocket of no origin":  {forwarded("GET", appHost, "/", append(socket, "Cookie", app)...), 403, 403, "", ""},
		"a malformed WebSocket":     {forwarded("GET", appHost, "/", "Sec-Websocket-Key", "x", "Cookie", app), 400, 403, "", ""},
		"hop-by-hop of the proxy":   {forwarded("GET", appHost, "/", "Connection", "Upgrade", "Upgrade", "h2c", "Cookie", app), 200, 200, "", ""},
		"two paths":                 {forwarded("GET", appHost, "/public/..%2fadmin", "Cookie", app), 400, 403, "", ""},
		"a code of nobody's":        {nav(forwarded("GET", appHost, "/.caddyhub/handover?code=x")...), 403, 401, "", ""},
		"a name in another header":  {forwarded("GET", appHost, "/", "Remote-User", "ada"), 302, 401, "https://hub", ""},
		"a cookie that is not ours": {nav(forwarded("GET", appHost, "/", "Cookie", "__Host-caddyhub-session=%zz")...), 302, 401, "https://hub", ""},
	} {
		for style, want := range map[Style]int{StyleAnswer: test.answer, StyleStatus: test.status} {
			answer, allowed := inquire(t, g, style, test.header...)
			if answer.Code != want || allowed != (want == 200) || answer.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s, style %d: %d, want %d: %s", name, style, answer.Code, want, cut(answer))
			}
			if who, set := answer.Header()["Remote-User"]; set != allowed || set && who[0] != "ada" {
				t.Errorf("%s: told %v", name, who)
			}
			location, login := answer.Header().Get("Location"), answer.Header().Get(LoginURLHeader)
			if style == StyleAnswer && (!strings.HasPrefix(location, test.location) || test.location == "" && location != "") {
				t.Errorf("%s: sent to %q", name, location)
			}
			if style == StyleStatus && (login != test.atHome || location != "") {
				t.Errorf("%s: the login is at %q, sent to %q", name, login, location)
			}
		}
	}
}

// TestAskFails: no failure is a yes (H7).
func TestAskFails(t *testing.T) {
	s := newSite(t)
	_, _, ada := s.login("ada")
	asked, err := Asked(ask(http.MethodGet, "https://"+hubHost+"/", forwarded("GET", appHost, "/", "Cookie", ada)...), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, policy := range map[string]Policy{"ada": {Users: []string{"ada"}}, "everybody": {Anonymous: true}} {
		answer := httptest.NewRecorder()
		s.gate(policy).Ask(answer, asked, StyleStatus, func(http.Header, Visitor) error { return store.ErrUnavailable })
		if answer.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: no token could be signed: %d", name, answer.Code)
		}
		s.store.away.Store(true)
		for _, style := range []Style{StyleAnswer, StyleStatus} {
			answer, allowed := inquire(t, s.gate(policy), style, forwarded("GET", appHost, "/", "Cookie", ada)...)
			if allowed || answer.Code != http.StatusServiceUnavailable {
				t.Errorf("%s: the store is away: %d", name, answer.Code)
			}
		}
		s.store.away.Store(false)
	}
}

// FuzzAsked: whatever is asked about is one request with one path, and never a way
// in without a credential.
func FuzzAsked(f *testing.F) {
	g := newSite(f).gate(Policy{Users: []string{"ada"}})
	f.Add("GET", appHost, "/", "", "")
	f.Add("POST", appHost, "/a/..%2fb", "https://"+appHost+"/a", "")
	f.Add("CONNECT", "[::1]:443", "//evil/%0d", "http://x/", "/x?y")
	f.Fuzz(func(t *testing.T, method, host, uri, address, rest string) {
		request := ask(http.MethodGet, "https://"+hubHost+"/")
		for name, value := range map[string]string{
			"X-Forwarded-Method": method, "X-Original-Method": method, "X-Forwarded-Host": host,
			"X-Forwarded-Uri": uri, "X-Original-Url": address,
		} {
			if value != "" {
				request.Header[name] = []string{value}
			}
		}
		asked, err := Asked(request, rest)
		if err != nil {
			return
		}
		if !strings.HasPrefix(asked.RequestURI, "/") || asked.Host == "" || asked.Method == "" {
			t.Errorf("asked about %q %q %q", asked.Method, asked.Host, asked.RequestURI)
		}
		for _, style := range []Style{StyleAnswer, StyleStatus} {
			answer := httptest.NewRecorder()
			g.Ask(answer, asked, style, func(http.Header, Visitor) error { return nil })
			if answer.Code < 300 {
				t.Errorf("%q %q %q: %d", asked.Method, asked.Host, asked.RequestURI, answer.Code)
			}
		}
	})
}
