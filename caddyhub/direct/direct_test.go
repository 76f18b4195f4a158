package direct

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/proxy"
	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// table is one with these routes, "host/path" to target.
func table(t testing.TB, routes map[string]string) *route.Table {
	t.Helper()
	table := route.NewTable()
	for text, to := range routes {
		spec, err := route.ParseSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		target, err := route.ParseTargetURL(to)
		if err != nil {
			t.Fatal(err)
		}
		table.Set(route.Route{Spec: spec, Target: target})
	}
	return table
}

// forwarded is what a handler has sent on: "TARGET HOST REQUEST-TARGET".
func forwarded(x *proxy.Exchange, r *http.Request) string {
	uri := x.RequestURI
	if uri == "" {
		uri = r.RequestURI
	}
	return x.Target.String() + " " + x.Host + " " + uri
}

// ask sends a request through a handler; the answer is what was forwarded, or the
// refusal.
func ask(h *Handler, table *route.Table, r *http.Request) (answer string, x *proxy.Exchange) {
	w := httptest.NewRecorder()
	h.Serve(w, r, table, func(w http.ResponseWriter, r *http.Request, exchange *proxy.Exchange) error {
		x = exchange
		answer = forwarded(exchange, r)
		return nil
	})
	if x == nil {
		answer = fmt.Sprint(w.Code)
	}
	return answer, x
}

func TestPaths(t *testing.T) {
	routes := table(t, map[string]string{
		"/user/ada/": "http://ada:1", "/": "http://root:1", "/bar/": "http://bar:1/foo", "/q/": "http://q:1/foo/?a=b",
		"/b@r/b%20r/": "http://esc:1/x", "h.example/": "http://host:1", "h.example/deep/": "http://deep:1",
	})
	omit, flat, both := Options{OmitPrefix: true}, Options{OmitTargetPath: true}, Options{OmitPrefix: true, OmitTargetPath: true}
	for _, test := range []struct {
		options      Options
		target, want string
	}{
		{Options{}, "/user/ada/a%2Fb//c/?x=%41&&y", "http://ada:1 x.example /user/ada/a%2Fb//c/?x=%41&&y"},
		{Options{}, "/user/ada", "http://ada:1 x.example /user/ada"},
		{Options{}, "/user/adam", "http://root:1 x.example /user/adam"},
		{Options{}, "/user%2Fada/x", "http://root:1 x.example /user%2Fada/x"},
		{Options{}, "//user/ada", "http://root:1 x.example //user/ada"},
		{Options{}, "/bar/rest?q", "http://bar:1 x.example /foo/bar/rest?q"},
		{Options{}, "/q/x", "http://q:1 x.example /foo/q/x?a=b"},
		{Options{}, "/q/x?c=d", "http://q:1 x.example /foo/q/x?a=b&c=d"},
		{omit, "/bar/rest/of/it?q", "http://bar:1 x.example /foo/rest/of/it?q"},
		{omit, "/bar", "http://bar:1 x.example /foo/"},
		{omit, "/b%40r/b%20r/rest", "http://esc:1 x.example /x/rest"},
		{omit, "/rest", "http://root:1 x.example /rest"},
		{flat, "/bar/rest", "http://bar:1 x.example /bar/rest"},
		{flat, "/q/x?c", "http://q:1 x.example /q/x?c"},
		{both, "/bar/rest", "http://bar:1 x.example /rest"},
		{both, "/bar/", "http://bar:1 x.example /"},
		{omit, "http://h.example/deep/path", "http://deep:1 h.example /path"},
		{omit, "http://h.example/some/longer/path", "http://host:1 h.example /some/longer/path"},
		{Options{ChangeOrigin: true}, "/bar/x", "http://bar:1 bar:1 /foo/bar/x"},
		{Options{Header: []proxy.Field{{Name: "Host", Value: "mine"}}}, "/bar/x", "http://bar:1 mine /foo/bar/x"},
		{Options{}, "/a/../user/ada", "400"}, {Options{}, "/a/./b", "400"}, {Options{}, "/a/%2e%2E/b", "400"}, {Options{}, "/a/..;x/b", "400"},
		{Options{}, "/a\\b", "400"}, {Options{}, "/a%5cb", "400"}, {Options{}, "/a%00", "400"}, {Options{}, "/.../..a/a..", "http://root:1 x.example /.../..a/a.."},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RequestURI, r.Host = test.target, "x.example"
		if parsed, err := r.URL.Parse(test.target); err == nil && strings.HasPrefix(test.target, "http") {
			r.URL, r.Host = parsed, parsed.Host
		}
		if got, _ := ask(New(test.options), routes, r); got != test.want {
			t.Errorf("%+v %s: %q, want %q", test.options, test.target, got, test.want)
		}
	}
	if got, _ := ask(New(Options{}), route.NewTable(), httptest.NewRequest("GET", "/x", nil)); got != "404" {
		t.Errorf("no route: %s", got)
	}
}

func TestForwardedFields(t *testing.T) {
	routes := table(t, map[string]string{"/": "http://h:1"})
	said := map[string]string{"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443", "X-Forwarded-Host": "front.example"}
	yes := func(*http.Request) bool { return true }
	for name, test := range map[string]struct {
		options Options
		said    map[string]string
		peer    string
		want    map[string]string
	}{
		"direct": {Options{}, nil, "192.0.2.9:1", map[string]string{
			"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "8000", "X-Forwarded-Host": "h.example:8000"}},
		"not trusted": {Options{}, said, "192.0.2.9:1", map[string]string{
			"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "8000", "X-Forwarded-Host": "h.example:8000"}},
		"trusted": {Options{Trusted: yes}, said, "192.0.2.9:1", map[string]string{
			"X-Forwarded-For": "192.0.2.1, 192.0.2.9", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443", "X-Forwarded-Host": "front.example"}},
		"trusted, silent": {Options{Trusted: yes}, nil, "192.0.2.9:1", map[string]string{
			"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "8000", "X-Forwarded-Host": "h.example:8000"}},
		"a socket": {Options{}, said, "@", map[string]string{
			"X-Forwarded-For": "", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "8000", "X-Forwarded-Host": "h.example:8000"}},
		"off": {Options{OmitForwarded: true}, said, "192.0.2.9:1", map[string]string{}},
		"configured": {Options{Header: []proxy.Field{{Name: "X-Forwarded-Proto", Value: "mine"}, {Name: "X-A", Value: "b"}}}, said, "192.0.2.9:1", map[string]string{
			"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "mine", "X-Forwarded-Port": "8000", "X-Forwarded-Host": "h.example:8000", "X-A": "b"}},
	} {
		r := httptest.NewRequest("GET", "http://h.example:8000/x", nil)
		r.RemoteAddr = test.peer
		for field, value := range test.said {
			r.Header.Set(field, value)
		}
		_, x := ask(New(test.options), routes, r)
		got := make(map[string]string)
		for _, field := range x.Header {
			if _, again := got[field.Name]; again {
				t.Errorf("%s: %s is there twice", name, field.Name)
			}
			got[field.Name] = field.Value
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRewrite(t *testing.T) {
	routes := table(t, map[string]string{"/": "http://up:8888"})
	for _, test := range []struct {
		options  Options
		status   int
		from, to string
	}{
		{Options{}, 302, "http://up:8888/x", "http://up:8888/x"},
		{Options{RewriteHost: true}, 302, "http://up:8888/x?y#z", "http://h.example/x?y#z"},
		{Options{RewriteHost: true}, 201, "http://UP:8888/x", "http://h.example/x"},
		{Options{RewriteHost: true, RewriteScheme: "https"}, 308, "http://up:8888/x", "https://h.example/x"},
		{Options{RewriteScheme: "https"}, 301, "http://up:8888/x", "https://up:8888/x"},
		{Options{RewriteHost: true}, 302, "http://up/x", "http://up/x"},
		{Options{RewriteHost: true}, 302, "http://elsewhere/x", "http://elsewhere/x"},
		{Options{RewriteHost: true}, 302, "/x", "/x"},
		{Options{RewriteHost: true}, 302, "http://u:p@up:8888/x", "http://u:p@up:8888/x"},
		{Options{RewriteHost: true}, 303, "http://up:8888/x", "http://up:8888/x"},
		{Options{RewriteHost: true}, 200, "http://up:8888/x", "http://up:8888/x"},
	} {
		w := httptest.NewRecorder()
		New(test.options).Serve(w, httptest.NewRequest("GET", "http://h.example/", nil), routes, func(w http.ResponseWriter, _ *http.Request, _ *proxy.Exchange) error {
			w.Header().Set("Location", test.from)
			w.WriteHeader(test.status)
			return nil
		})
		if got := w.Header().Get("Location"); got != test.to || w.Code != test.status {
			t.Errorf("%d %s: %d %s, want %s", test.status, test.from, w.Code, got, test.to)
		}
	}
}

// counts are metrics.
type counts map[string]int

func (c counts) RouteFound(time.Duration) { c["found"]++ }
func (c counts) Requested(webSocket bool) { c[fmt.Sprint("WebSocket ", webSocket)]++ }
func (c counts) Answered(status int)      { c[fmt.Sprint(status)]++ }

func TestMetrics(t *testing.T) {
	routes, got := table(t, map[string]string{"/x/": "http://h:1"}), make(counts)
	h := New(Options{Metrics: got})
	for _, path := range []string{"/x/", "/none", "/x/../", HealthPath} {
		h.Serve(httptest.NewRecorder(), requestFor(path), routes, func(w http.ResponseWriter, _ *http.Request, _ *proxy.Exchange) error {
			_, err := io.WriteString(w, "ok")
			_ = http.NewResponseController(w).Flush() // a recorder flushes
			return err
		})
	}
	want := counts{"found": 2, "WebSocket false": 3, "200": 1, "404": 1, "400": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func requestFor(path string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.RequestURI = path
	return r
}

// TestFailures: what the data path says becomes a page, or the end of a connection
// where nobody waits for one.
func TestFailures(t *testing.T) {
	routes := table(t, map[string]string{"/": "http://h:1"})
	for _, test := range []struct {
		err  error
		want int
	}{
		{proxy.ErrUnreachable, 503}, {proxy.ErrTimeout, 503}, {proxy.ErrMalformed, 503}, {proxy.ErrRequest, 400},
	} {
		w := httptest.NewRecorder()
		New(Options{}).Serve(w, requestFor("/x"), routes, func(http.ResponseWriter, *http.Request, *proxy.Exchange) error { return test.err })
		if w.Code != test.want || !strings.Contains(w.Body.String(), fmt.Sprint(test.want)) {
			t.Errorf("%v: %d %s", test.err, w.Code, w.Body)
		}
	}
	func() {
		defer func() {
			if got := recover(); got != http.ErrAbortHandler {
				t.Errorf("the client has gone: %v", got)
			}
		}()
		New(Options{}).Serve(httptest.NewRecorder(), requestFor("/x"), routes, func(http.ResponseWriter, *http.Request, *proxy.Exchange) error {
			return fmt.Errorf("%w: for good", proxy.ErrClient)
		})
	}()
	r := requestFor("/none/../x")
	r.Header.Set("Connection", "upgrade")
	r.Header.Set("Upgrade", "websocket")
	w := httptest.NewRecorder()
	New(Options{}).Serve(w, r, routes, nil)
	if w.Code != 400 || w.Body.Len() > 0 || w.Header().Get("Connection") != "close" || w.Header().Get("Content-Length") != "0" {
		t.Errorf("a refused upgrade: %d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestFolder(t *testing.T) {
	folder := t.TempDir()
	page := func(status int) string {
		w := httptest.NewRecorder()
		Folder{Path: folder}.Write(w, requestFor("/"), status)
		return fmt.Sprintf("%d %s %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	if got := page(404); got != "404  Not Found" {
		t.Errorf("no file: %q", got)
	}
	for name, text := range map[string]string{"404.html": "missing", "error.html": "any"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := page(404) + ", " + page(503); got != "404 text/html missing, 503 text/html any" {
		t.Errorf("%q", got)
	}
}

func TestErrorTarget(t *testing.T) {
	var asked *http.Request
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r
		w.Header().Set("Content-Type", "text/x")
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "page")
	}))
	defer upstream.Close()
	target, err := route.ParseTargetURL(upstream.URL + "/hub/error/?lang=en")
	if err != nil {
		t.Fatal(err)
	}
	pages := NewErrorTarget(target, nil, nil)
	defer pages.Close()
	r := requestFor("/user/a b/?x=1&y")
	r.Header.Set("Cookie", "secret=1")
	w := httptest.NewRecorder()
	pages.Write(w, r, 503)
	if w.Code != 503 || w.Body.String() != "page" || w.Header().Get("Content-Type") != "text/x" || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if asked.RequestURI != "/hub/error/503?lang=en&url=%2Fuser%2Fa+b%2F%3Fx%3D1%26y" || asked.Header.Get("Cookie") != "" {
		t.Errorf("asked %s %v", asked.RequestURI, asked.Header)
	}
	upstream.Close()
	w = httptest.NewRecorder()
	pages.Write(w, r, 503)
	if w.Code != 503 || w.Body.String() != "Service Unavailable" {
		t.Errorf("no pages: %d %s", w.Code, w.Body)
	}
}

// TestClientTimeout: a request in which nothing moves ends without an answer, and
// one that moves slowly does not.
func TestClientTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = time.Second
		routes, h := table(t, map[string]string{"/": "http://h:1"}), New(Options{ClientTimeout: limit})
		serve := func(r *http.Request, forward Forward) (w *httptest.ResponseRecorder, aborted any) {
			w = httptest.NewRecorder()
			defer func() { aborted = recover() }()
			h.Serve(w, r, routes, forward)
			return w, nil
		}
		begun := time.Now()
		_, aborted := serve(requestFor("/stalled"), func(_ http.ResponseWriter, r *http.Request, _ *proxy.Exchange) error {
			<-r.Context().Done()
			return errors.Join(proxy.ErrUpstream, r.Context().Err())
		})
		if aborted != http.ErrAbortHandler || time.Since(begun) != limit {
			t.Errorf("stalled: %v after %v", aborted, time.Since(begun))
		}
		upload := requestFor("/upload")
		upload.Body = io.NopCloser(strings.NewReader("..."))
		w, aborted := serve(upload, func(w http.ResponseWriter, r *http.Request, _ *proxy.Exchange) error {
			piece := make([]byte, 1)
			for range 3 {
				time.Sleep(limit * 3 / 4)
				if _, err := r.Body.Read(piece); err != nil {
					return err
				}
			}
			for range 3 {
				time.Sleep(limit * 3 / 4)
				fmt.Fprint(w, ".")
			}
			return r.Context().Err()
		})
		if aborted != nil || w.Body.String() != "..." {
			t.Errorf("slow: %v, %s", aborted, w.Body)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/user/ada/x?y", "/a/%2e%2e/b", "//x", "/%", "/bar?", "/b%40r/b%20r"} {
		f.Add(seed)
	}
	routes := table(f, map[string]string{"/": "http://root:1", "/bar/": "http://bar:1/foo?a", "/b@r/b%20r/": "http://esc:1/x"})
	h := New(Options{OmitPrefix: true})
	f.Fuzz(func(t *testing.T, target string) {
		if !strings.HasPrefix(target, "/") {
			return
		}
		_, x := ask(h, routes, requestFor(target))
		if x == nil || x.RequestURI == "" {
			return
		}
		if !strings.HasPrefix(x.RequestURI, "/") || strings.ContainsAny(x.RequestURI[:strings.IndexByte(x.RequestURI+"?", '?')], " \\\r\n") {
			t.Fatalf("%q: %q", target, x.RequestURI)
		}
		path, _, _ := strings.Cut(x.RequestURI, "?")
		for segment := range strings.SplitSeq(path, "/") {
			if segment == ".." || segment == "." {
				t.Fatalf("%q: %q", target, x.RequestURI)
			}
		}
	})
}
