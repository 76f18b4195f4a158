package edge

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestPagesApart: who visits a server decides what its pages may do in the browser,
// and what the browser may keep of it.
func TestPagesApart(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	ada, root, eve := s.login("ada"), s.login("root"), s.login("eve")
	picture := change(func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Mode", "no-cors")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Sec-Fetch-Dest", "image")
	})
	proof := url.QueryEscape(s.xsrf("/user/ada/", ada))
	for name, test := range map[string]struct {
		target           string
		changes          []change
		confined, stored bool
		opener           string
	}{
		"own page":            {"/user/ada/lab", []change{ada.in, navigation}, false, false, "same-origin-allow-popups"},
		"own script":          {"/user/ada/static/x.js", []change{ada.in, picture}, false, true, ""},
		"own file":            {"/user/ada/files/x.png?_xsrf=" + proof, []change{ada.in, picture}, false, false, ""},
		"page of another":     {"/user/ada/lab", []change{root.in, navigation}, true, false, "same-origin"},
		"through a group":     {"/user/ada/lab", []change{eve.in, navigation}, true, false, "same-origin"},
		"script of another":   {"/user/ada/static/x.js", []change{root.in, picture}, true, true, "same-origin"},
		"page of a service":   {"/services/wiki/x", []change{ada.in, navigation}, false, false, "same-origin-allow-popups"},
		"a program":           {"/user/ada/api/contents", []change{bearer(s.token("ada", "inherit"))}, false, true, ""},
		"a program elsewhere": {"/user/ada/api/contents", []change{bearer(s.token("root", "inherit"))}, false, true, ""},
	} {
		got := s.get(test.target, test.changes...)
		got.want(t, name, 200, "hello")
		policy := got.Header.Get("Content-Security-Policy")
		if confined := strings.Contains(policy, "ws://example.com/user/ada/"); confined != test.confined || confined != (policy != "") {
			t.Errorf("%s: policy %q", name, policy)
		}
		if stored := got.Header.Get("Cache-Control") != "no-store"; stored != test.stored {
			t.Errorf("%s: the browser keeps it: %v", name, stored)
		}
		if opener := got.Header.Get("Cross-Origin-Opener-Policy"); opener != test.opener {
			t.Errorf("%s: for other windows: %q, want %q", name, opener, test.opener)
		}
	}
}

// TestRedirectInAFrame: a page of another's server is not led out of it where the
// browser does not look at the path again.
func TestRedirectInAFrame(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	root := s.login("root")
	redirect := func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Location", "/user/root/lab")
		w.WriteHeader(http.StatusFound)
		_, _ = io.WriteString(w, "moved")
		return nil
	}
	framed := s.through("GET", "/user/ada/x", redirect, root.in, navigation, header("Sec-Fetch-Dest", "iframe"))
	if framed.StatusCode != http.StatusForbidden || framed.Header.Get("Location") != "" {
		t.Errorf("in a frame: %d to %q", framed.StatusCode, framed.Header.Get("Location"))
	}
	whole := s.through("GET", "/user/ada/x", redirect, root.in, navigation, header("Sec-Fetch-Dest", "document"))
	if whole.StatusCode != http.StatusFound {
		t.Errorf("in a window: %d", whole.StatusCode)
	}
}

// TestDataNeedsProof: what a page loads by itself of its user's data carries the
// token, as JupyterLab has it do. What every page of the app needs does not.
func TestDataNeedsProof(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	s.start("ada", "lab")
	ada := s.login("ada")
	loads := change(func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Mode", "no-cors")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Sec-Fetch-Dest", "script")
		r.Header.Set("Referer", "http://example.com/user/ada/lab") // anybody can say so
	})
	proof := "?_xsrf=" + url.QueryEscape(s.xsrf("/user/ada/", ada))
	named := "?_xsrf=" + url.QueryEscape(s.xsrf("/user/ada/lab/", ada))
	for target, want := range map[string]int{
		"/user/ada/files/x.js":               403,
		"/user/ada/files/x.js" + proof:       200,
		"/user/ada/Files/x.js":               403,
		"/user/ada/fil%65s/x.js":             403,
		"/user/ada/api/contents/x":           403,
		"/user/ada/nbconvert/html/x.ipynb":   403,
		"/user/ada/lab/files/x.js":           403,
		"/user/ada/lab/files/x.js" + named:   200,
		"/user/ada/lab/files/x.js" + proof:   403,
		"/user/ada/static/lab/main.js":       200,
		"/user/ada/proxy/8888/files/plot.js": 200,
		"/user/ada/lab//files/x.js":          403,
		"/user/ada/filesystem.js":            200,
		"/services/wiki/files/x.js":          200,
	} {
		text := "hello"
		if want == 403 {
			text = "GET" // "'_xsrf' argument missing from GET", or one that does not match
		}
		s.get(target, ada.in, loads).want(t, target, want, text)
	}
}

// TestTokenSockets: with the option a cookie opens no WebSocket, and one that is
// open does not end with the token that opened it.
func TestTokenSockets(t *testing.T) {
	s := newSite(t, func(o *Options) { o.TokenSockets = true })
	s.start("ada", "")
	ada, again := s.login("ada"), s.login("ada")
	own := s.get("/user/ada/", ada.in, navigation).visitor()
	earlier := s.get("/user/ada/", again.in, navigation).visitor()
	const path = "/user/ada/api/kernels/1/channels"
	s.get(path, ada.in, socket).want(t, "by cookie", 403, "token of its page")
	s.get(path+"?token="+url.QueryEscape(earlier), ada.in, socket).want(t, "by that of another login", 403, "token of its page")
	s.get(path+"?token="+url.QueryEscape(own), ada.in, socket).want(t, "by token", 200, "hello")
	s.get(path, bearer(s.token("ada", "inherit")), socket).want(t, "a program", 200, "hello")
	s.get("/services/wiki/ws", ada.in, socket).want(t, "of a service", 200, "hello")
	s.get("/user/ada/lab", ada.in, navigation).want(t, "a page", 200, "hello")

	opened := httptest.NewRequest("GET", path+"?token="+url.QueryEscape(own), nil)
	ada.in(opened)
	socket(opened)
	v := s.look(opened, Rules{})
	open := &webSocket{edge: s.Edge, asked: s.essenceOf(opened, v)}
	s.ahead.Store(int64(20 * time.Minute))
	if decision, _ := open.review(t.Context()); !decision.Allowed() {
		t.Errorf("when its token has expired: %+v", decision)
	}
	s.get(path+"?token="+url.QueryEscape(own), ada.in, socket).want(t, "opened again", 403, "token of its page")
}

// TestServiceWorkers: only one's own server installs a service worker.
func TestServiceWorkers(t *testing.T) {
	s := newSite(t)
	s.start("ada", "")
	ada, root := s.login("ada"), s.login("root")
	worker := change(func(r *http.Request) {
		r.Header.Set("Service-Worker", "script")
		r.Header.Set("Sec-Fetch-Mode", "same-origin")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Sec-Fetch-Dest", "serviceworker")
	})
	s.get("/user/ada/worker.js", ada.in, worker).want(t, "one's own", 200, "hello")
	s.get("/user/ada/worker.js", root.in, worker).want(t, "another's", 403, "service worker")
	// Without the slash its script would be one for /user/.
	for _, target := range []string{"/user/ada", "/user/ada?a=b%2f&c", "/services/wiki"} {
		path, query, _ := strings.Cut(target, "?")
		if query != "" {
			query = "?" + query
		}
		got := s.get(target, ada.in, worker)
		if got.want(t, target, http.StatusFound, path+"/"); got.Header.Get("Location") != path+"/"+query {
			t.Errorf("%s leads to %q", target, got.Header.Get("Location"))
		}
	}
	s.get("/user/ada", root.in, worker).want(t, "another's, without the slash", 403, "service worker")
	s.send("POST", "/user/ada", bearer(s.token("ada", "inherit"))).want(t, "POST", 200, "hello")
}
