package handover

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
)

const hubURL = "https://hub.example.org/hub/"

func (n *nodes) guest(t testing.TB) *Guest {
	t.Helper()
	public, err := url.Parse("https://hub.example.org")
	return NewGuest(GuestOptions{
		Codes: n.all[0], HubURL: hubURL,
		Browser: browser.New(browser.Options{
			Directory: n.directory(), Base: "/", PublicURL: must(t, public, err), Guest: n.all[0].Allows, Now: n.clock.Now,
		}),
	})
}

// get is a navigation on a host with the cookies of a browser, which it updates.
func get(address string, cookies map[string]string, serve http.HandlerFunc, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, address, nil)
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	for name, value := range cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for _, change := range change {
		change(r)
	}
	w := httptest.NewRecorder()
	serve(w, r)
	for _, cookie := range given(w) {
		cookies[cookie.Name] = cookie.Value
		if cookie.MaxAge < 0 {
			delete(cookies, cookie.Name)
		}
	}
	return w
}

// given are the cookies of an answer.
func given(w *httptest.ResponseRecorder) []*http.Cookie { return w.Result().Cookies() }

func TestBegin(t *testing.T) {
	guest := newNodes(t).guest(t)
	for target, next := range map[string]string{
		"/user/ada/lab/tree/a%2Fb?x=1&y=%20": "/user/ada/lab/tree/a%2Fb?x=1&y=%20",
		"/":                                  "/",
		"//evil.example/":                    "/",
		"/x?y=" + strings.Repeat("z", 5000):  "/x",
		"/" + strings.Repeat("z", 5000):      "/",
	} {
		cookies := map[string]string{}
		answer := get("https://"+adasHost+target, cookies, guest.Begin)
		location, err := url.Parse(answer.Header().Get("Location"))
		if err != nil || answer.Code != http.StatusFound || !strings.HasPrefix(location.String(), hubURL+"handover?") {
			t.Fatalf("%s: %d %v, %v", target, answer.Code, location, err)
		}
		if answer.Header().Get("Cache-Control") != "no-store" || answer.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", target, answer.Header())
		}
		query, secret := location.Query(), cookies["__Host-caddyhub-handover"]
		if query.Get("host") != adasHost || query.Get("next") != next || query.Get("state") != State(secret) || len(query) != 3 {
			t.Errorf("%s: %v", target, query)
		}
		cookie := given(answer)[0]
		if !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" {
			t.Errorf("%s: %v", target, cookie)
		}
		// A second tab must not spoil the way of the first.
		if again := get("https://"+adasHost+"/", cookies, guest.Begin); len(given(again)) != 0 || cookies["__Host-caddyhub-handover"] != secret {
			t.Errorf("%s: a second tab gets another secret", target)
		}
	}
	for _, host := range []string{"hub.example.org", "evil.example", "ada.hub.example.org.", "ada.hub.example.org:8443", "x@ada.hub.example.org"} {
		answer := get("https://x/", map[string]string{}, guest.Begin, func(r *http.Request) { r.Host = host })
		if answer.Code != http.StatusMisdirectedRequest || len(given(answer)) != 0 {
			t.Errorf("at %s: %d", host, answer.Code)
		}
	}
}

// arrival is where a code brings a browser.
func arrival(code string) string { return "https://" + adasHost + Path + "?code=" + code }

func TestArrive(t *testing.T) {
	n := newNodes(t)
	guest, session := n.guest(t), n.login(t, "ada")
	cookies := map[string]string{"__Host-caddyhub-handover": secret}
	code := n.issue(t, session)
	answer := get(arrival(code), cookies, guest.Arrive)
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/user/ada/lab?x=1" ||
		answer.Header().Get("Cache-Control") != "no-store" || answer.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("%d %v", answer.Code, answer.Header())
	}
	if len(cookies) != 1 || cookies["__Host-caddyhub-session"] != n.directory().HostSession(session, adasHost) {
		t.Errorf("cookies: %v", cookies)
	}
	if answer := get(arrival(code), map[string]string{"__Host-caddyhub-handover": secret}, guest.Arrive); answer.Code != http.StatusForbidden || len(given(answer)) != 0 {
		t.Errorf("a second time: %d %v", answer.Code, given(answer))
	}
}

// What is no navigation of a person uses up nothing; and a code that was made for
// one browser logs no other one in.
func TestArriveRefuses(t *testing.T) {
	n := newNodes(t)
	guest, session := n.guest(t), n.login(t, "ada")
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, test := range map[string]struct {
		change func(*http.Request)
		status int
		used   bool
	}{
		"HEAD":            {func(r *http.Request) { r.Method = http.MethodHead }, http.StatusMethodNotAllowed, false},
		"POST":            {func(r *http.Request) { r.Method = http.MethodPost }, http.StatusMethodNotAllowed, false},
		"a prefetch":      {header("Sec-Purpose", "prefetch"), http.StatusForbidden, false},
		"a preview":       {header("Purpose", "prefetch"), http.StatusForbidden, false},
		"fetch":           {header("Sec-Fetch-Mode", "cors"), http.StatusForbidden, false},
		"an image":        {header("Sec-Fetch-Mode", "no-cors"), http.StatusForbidden, false},
		"the hub's host":  {func(r *http.Request) { r.Host = "hub.example.org" }, http.StatusMisdirectedRequest, false},
		"another user's":  {func(r *http.Request) { r.Host = evesHost }, http.StatusForbidden, true},
		"another browser": {header("Cookie", "__Host-caddyhub-handover="+strings.ToUpper(secret)), http.StatusForbidden, true},
		"a tossed cookie": {header("Cookie", "caddyhub-handover="+secret), http.StatusForbidden, true},
		"no cookie":       {func(r *http.Request) { r.Header.Del("Cookie") }, http.StatusForbidden, true},
	} {
		code, cookies := n.issue(t, session), map[string]string{"__Host-caddyhub-handover": secret}
		answer := get(arrival(code), cookies, guest.Arrive, test.change)
		if answer.Code != test.status || len(given(answer)) != 0 {
			t.Errorf("%s: %d %v", name, answer.Code, given(answer))
		}
		answer = get(arrival(code), cookies, guest.Arrive)
		if used := answer.Code != http.StatusSeeOther; used != test.used {
			t.Errorf("%s: then %d", name, answer.Code)
		}
	}
}

func TestArriveWithoutStore(t *testing.T) {
	n := newNodes(t)
	code := n.issue(t, n.login(t, "ada"))
	must(t, true, n.directory().Store().Close())
	answer := get(arrival(code), map[string]string{"__Host-caddyhub-handover": secret}, n.guest(t).Arrive)
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", answer.Code, answer.Header())
	}
}

func TestServes(t *testing.T) {
	guest := newNodes(t).guest(t)
	for address, want := range map[string]bool{
		arrival("x"):                              true,
		"https://" + adasHost + Path:              true,
		"https://" + adasHost + Path + "/":        false,
		"https://" + adasHost + "/%2e" + Path[2:]: false,
		"https://hub.example.org" + Path:          false,
		"https://evil.example" + Path:             false,
	} {
		if got := guest.Serves(httptest.NewRequest(http.MethodGet, address, nil)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
