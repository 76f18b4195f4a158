package routesapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const token = "a token of the proxy"

var start = time.Date(2026, 11, 21, 21, 16, 15, 587_000_000, time.UTC)

// bench is an API over routes of its own, at a time that stands still.
type bench struct {
	t      testing.TB
	api    *API
	routes Routes
	now    time.Time
	log    bytes.Buffer
	counts map[string]int
}

func newBench(t testing.TB, options Options) *bench {
	b := &bench{t: t, routes: route.NewMemoryKeeper(), now: start, counts: make(map[string]int)}
	options.Now = func() time.Time { return b.now }
	options.Metrics = b
	options.Log = slog.New(slog.NewTextHandler(&b.log, nil))
	b.api = New(options)
	return b
}

func (b *bench) RoutesListed()          { b.counts["listed"]++ }
func (b *bench) RouteAdded()            { b.counts["added"]++ }
func (b *bench) RouteDeleted()          { b.counts["deleted"]++ }
func (b *bench) APIAnswered(status int) { b.counts[http.StatusText(status)]++ }

// ask sends a request with the token.
func (b *bench) ask(method, target, body string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "token "+token)
	return b.send(r)
}

func (b *bench) send(r *http.Request) *httptest.ResponseRecorder {
	b.t.Helper()
	if !b.api.Serves(r) {
		b.t.Fatalf("%s is not served", r.URL)
	}
	w := httptest.NewRecorder()
	b.api.Serve(w, r, b.routes)
	return w
}

func (b *bench) want(w *httptest.ResponseRecorder, status int, body string) {
	b.t.Helper()
	if w.Code != status || w.Body.String() != body {
		b.t.Errorf("%d %q, want %d %q", w.Code, w.Body, status, body)
	}
}

func (b *bench) add(path, body string) {
	b.t.Helper()
	b.want(b.ask("POST", Prefix+path, body), http.StatusCreated, "")
}

// table is the whole table as a client reads it.
func (b *bench) table(query string) map[string]any {
	b.t.Helper()
	w := b.ask("GET", Prefix+query, "")
	var table map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &table); err != nil || w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		b.t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return table
}

// TestRoutes: a route comes back as it was sent, alone and among all.
func TestRoutes(t *testing.T) {
	const activity = `"last_activity":"2026-11-21T21:16:15.587Z"`
	for _, test := range []struct{ path, body, name, want string }{
		{"", `{"target":"http://h:1"}`, "/", `{"target":"http://h:1",` + activity + `}`},
		{"/", `{"target":"http://h"}`, "/", `{"target":"http://h",` + activity + `}`},
		{"/user/ada", `{"target":"http://h:1","jupyterhub":true,"user":"ada","server_name":""}`, "/user/ada",
			`{"target":"http://h:1","jupyterhub":true,"user":"ada","server_name":"",` + activity + `}`},
		{"/user/foo%40bar", `{"x":{"b":[1,{"a":null}]},"target":"http://h:1/foo?a=b"}`, "/user/foo@bar",
			`{"target":"http://h:1/foo?a=b","x":{"b":[1,{"a":null}]},` + activity + `}`},
		{"/b%40r/b%20r/", `{"target":"http://h:1","target":"http://h:2"}`, "/b@r/b r", `{"target":"http://h:2",` + activity + `}`},
		{"/a%2Fb", `{"target":"http://h:1","last_activity":"1999"}`, "/a/b", `{"target":"http://h:1",` + activity + `}`},
		{"/constructor", `{"target":"http://h:1","__proto__":{"a":1}}`, "/constructor", `{"target":"http://h:1","__proto__":{"a":1},` + activity + `}`},
		{"/%C3%BC/%22", ` { "target" : "HTTP://H:80/" , "user": 7 } `, "/ü/\"", `{"target":"HTTP://H:80/","user":7,` + activity + `}`},
	} {
		b := newBench(t, Options{Token: token})
		b.add(test.path, test.body)
		if test.name != "/" {
			b.want(b.ask("GET", Prefix+test.path, ""), http.StatusOK, test.want)
			b.want(b.ask("GET", Prefix+test.path+"/?inactiveSince=nonsense", ""), http.StatusOK, test.want)
		}
		var want any
		if err := json.Unmarshal([]byte(test.want), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]any{test.name: want}, b.table("")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.path, diff)
		}
		b.want(b.ask("DELETE", Prefix+test.path, ""), http.StatusNoContent, "")
		b.want(b.ask("DELETE", Prefix+test.path, ""), http.StatusNotFound, "")
		b.want(b.ask("GET", Prefix, ""), http.StatusOK, "{}")
	}
}

func TestRefusals(t *testing.T) {
	b := newBench(t, Options{Token: token})
	const noTarget = "Must specify 'target' as string"
	deep := strings.Repeat("/a", route.MaxSegments+1)
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/a", `{"target":5}`, 400, noTarget},
		{"POST", "/a", `{"target":null}`, 400, noTarget},
		{"POST", "/a", `{}`, 400, noTarget},
		{"POST", "/a", `null`, 400, noTarget},
		{"POST", "/a", `[]`, 400, noTarget},
		{"POST", "/a", `5`, 400, noTarget},
		{"POST", "/a", `{"target":"http://h:1"`, 400, "Body not valid JSON: unexpected end of JSON input"},
		{"POST", "/a", ``, 400, "Body not valid JSON: unexpected EOF"},
		{"POST", "/a", `{"target":"not a url"}`, 400, "route: invalid: target: want http://host:port, https://host:port or http+unix://socket"},
		{"POST", "/a", `{"target":"ftp://x"}`, 400, "route: invalid: target: the scheme is not http, https, h2c or http+unix"},
		{"POST", "/a//b", `{"target":"http://h:1"}`, 400, "route: invalid: an empty segment in a routespec"},
		{"POST", "/a/%2e%2e/b", `{"target":"http://h:1"}`, 400, "route: invalid: a dot segment in a routespec"},
		{"POST", deep, `{"target":"http://h:1"}`, 400, "route: invalid: a routespec of more than 16 segments"},
		{"POST", "/a", `{"target":"http://h:1","x":"` + strings.Repeat("x", maxBody) + `"}`, 413, "The body is larger than 1048576 bytes"},
		{"GET", "/none", "", 404, ""},
		{"GET", "/a//b", "", 404, ""},
		{"DELETE", "/a//b", "", 404, ""},
		{"GET", "?inactiveSince=endoftheworld", "", 400, "Invalid datestamp 'endoftheworld' must be ISO8601."},
		{"GET", "?inactive_since=1+2+3", "", 400, "Invalid datestamp '1 2 3' must be ISO8601."},
		{"PUT", "/a", `{"target":"http://h:1"}`, 405, "Method not supported"},
		{"HEAD", "", "", 405, "Method not supported"},
	} {
		w := b.ask(test.method, Prefix+test.path, test.body)
		if w.Code != test.status || w.Body.String() != test.want {
			t.Errorf("%s %s %.40s: %d %q, want %d %q", test.method, test.path, test.body, w.Code, w.Body, test.status, test.want)
		}
		if w.Header().Get("Content-Type") != "" {
			t.Errorf("%s %s: a text with the type %q", test.method, test.path, w.Header().Get("Content-Type"))
		}
	}
	if n := b.routes.Table().Len(); n > 0 {
		t.Errorf("%d routes out of refusals", n)
	}
	for _, path := range []string{"/", "/api", "/api/", "/api/routesx", "/x/api/routes"} {
		if b.api.Serves(httptest.NewRequest("GET", path, nil)) {
			t.Errorf("%s is served", path)
		}
	}
}

// TestEscapes: a path that cannot be decoded is answered.
func TestEscapes(t *testing.T) {
	b := newBench(t, Options{Token: token})
	r := httptest.NewRequest("GET", Prefix, nil)
	r.Header.Set("Authorization", "token "+token)
	r.URL.Path, r.URL.RawPath = Prefix+"/\xff", Prefix+"/%ff"
	b.want(b.send(r), http.StatusNotFound, "")
	r.Method, r.Body = "POST", http.NoBody
	b.want(b.send(r), http.StatusBadRequest, "Body not valid JSON: unexpected EOF")
}

// TestToken: without the token there is nothing, whatever else is wrong.
func TestToken(t *testing.T) {
	b := newBench(t, Options{Token: token})
	for _, header := range [][]string{
		nil, {""}, {"token"}, {"token "}, {"token wrong"}, {"Bearer " + token}, {token}, {"x token " + token},
		{"token " + token + "x"}, {"token " + token, "token " + token}, {"token wrong", "token " + token},
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			r := httptest.NewRequest(method, Prefix+"/a?inactiveSince=x", strings.NewReader("not JSON"))
			r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
			r.Header["Authorization"] = header
			b.want(b.send(r), http.StatusForbidden, "")
		}
	}
	r := httptest.NewRequest("GET", Prefix, nil)
	r.Header.Set("Authorization", "Token  "+token)
	b.want(b.send(r), http.StatusOK, "{}")
	if strings.Contains(b.log.String(), token) {
		t.Error("the token is in the log")
	}
}

// TestOpen: without a token, programs of this machine and nobody else.
func TestOpen(t *testing.T) {
	b := newBench(t, Options{Open: true})
	for name, test := range map[string]struct {
		peer, host string
		header     string
		want       int
	}{
		"loopback":              {"127.0.0.1:1", "127.0.0.1:8001", "", 200},
		"loopback, six":         {"[::1]:1", "[::1]:8001", "", 200},
		"by name":               {"127.0.0.1:1", "localhost:8001", "", 200},
		"socket":                {"@", "hub", "", 200},
		"another machine":       {"192.0.2.1:1", "127.0.0.1:8001", "", 403},
		"a name of an attacker": {"127.0.0.1:1", "rebound.example.org", "", 403},
		"a page":                {"127.0.0.1:1", "localhost:8001", "Origin", 403},
		"a browser":             {"127.0.0.1:1", "localhost:8001", "Sec-Fetch-Site", 403},
		"behind a proxy":        {"127.0.0.1:1", "localhost:8001", "X-Forwarded-For", 403},
		"socket behind a proxy": {"@", "hub", "X-Forwarded-For", 403},
	} {
		r := httptest.NewRequest("GET", Prefix, nil)
		r.RemoteAddr, r.Host = test.peer, test.host
		if test.header != "" {
			r.Header.Set(test.header, "x")
		}
		if w := b.send(r); w.Code != test.want {
			t.Errorf("%s: %d, want %d", name, w.Code, test.want)
		}
	}
	r := httptest.NewRequest("GET", Prefix, nil)
	r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
	if w := newBench(t, Options{}).send(r); w.Code != http.StatusForbidden {
		t.Errorf("neither a token nor open: %d", w.Code)
	}
}

// TestInactive: strictly before, by the activity and not by what was sent.
func TestInactive(t *testing.T) {
	b := newBench(t, Options{Token: token})
	b.now = start.Add(-24 * time.Hour)
	b.add("/yesterday", `{"target":"http://h:1"}`)
	b.now = start
	b.add("/today", `{"target":"http://h:1"}`)
	for since, want := range map[string]string{
		"1999-01-01T00:00:00Z":                                      "",
		"2026-11-21T20:16:15.000Z":                                  "/yesterday",
		"2026-11-20T21:16:15.587Z":                                  "",
		"2026-11-20T21:16:15.588Z":                                  "/yesterday",
		"2026-11-21T21:16:15.588000+00:00":                          "/today /yesterday",
		"2099-01-01":                                                "/today /yesterday",
		"Fri, 01 Jan 2099 00:00:00 GMT":                             "/today /yesterday",
		"Thu Jan 01 2099 00:00:00 GMT+0000 (Coordinated Universal)": "/today /yesterday",
		"2026-11-21T21:16:15.587 00:00":                             "/yesterday",
	} {
		for _, name := range []string{"inactiveSince", "inactive_since", "inactiveSince=&inactive_since"} {
			escaped := strings.NewReplacer(" ", "%20", "+", "%2B").Replace(since)
			var got []string
			table := b.table("?" + name + "=" + escaped)
			for _, path := range []string{"/today", "/yesterday"} {
				if table[path] != nil {
					got = append(got, path)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s=%s: %v, want %s", name, since, got, want)
			}
		}
	}
	if got := b.table("?inactive_since=2099-01-01&inactiveSince=1999"); len(got) > 0 {
		t.Errorf("inactiveSince comes first: %v", got)
	}
	found, _ := b.routes.Table().Lookup("", "/yesterday")
	found.Activity().Touch(start)
	if got := b.table("?inactiveSince=2026-11-21T21:00:00Z"); len(got) > 0 {
		t.Errorf("used since: %v", got)
	}
}

func TestHostRouting(t *testing.T) {
	b := newBench(t, Options{Token: token, HostRouting: true})
	b.add("/", `{"target":"http://default:1"}`)
	b.add("/Foo.example/user/x", `{"target":"http://h:1"}`)
	b.add("/%5B::1%5D", `{"target":"http://h:2","host":"mine"}`)
	got := b.table("")
	if len(got) != 3 || got["/foo.example/user/x"].(map[string]any)["host"] != "foo.example" || got["/::1"].(map[string]any)["host"] != "::1" {
		t.Errorf("table %v", got)
	}
	if _, ok := got["/"].(map[string]any)["host"]; ok {
		t.Error("the root has a host")
	}
	for host, want := range map[string]string{"foo.example:8000": "h:1", "FOO.example": "h:1", "other": "default:1", "[::1]:80": "h:2"} {
		if found, ok := b.routes.Table().Lookup(host, "/user/x/y"); !ok || found.Target().Address() != want {
			t.Errorf("%s: %v, want %s", host, found, want)
		}
	}
	b.want(b.ask("DELETE", Prefix+"/foo.example/user/x/", ""), http.StatusNoContent, "")
}

// TestMetricsAndLog: what is counted, and the lines that people wait for.
func TestMetricsAndLog(t *testing.T) {
	b := newBench(t, Options{Token: token})
	b.add("/", `{"target":"http://h:1"}`)
	b.table("")
	b.ask("GET", Prefix+"/x?secret=1", "")
	b.ask("DELETE", Prefix+"/x", "")
	want := map[string]int{"listed": 1, "added": 1, "deleted": 1, "Created": 1, "OK": 1, "Not Found": 2}
	if diff := cmp.Diff(want, b.counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	for _, line := range []string{
		`level=INFO msg="Adding route / -> http://h:1"`, `level=INFO msg="Route added / -> http://h:1"`,
		`level=INFO msg="201 POST /api/routes/ "`, `level=WARN msg="404 GET /api/routes/x "`,
	} {
		if !strings.Contains(b.log.String(), line) {
			t.Errorf("no line %s in\n%s", line, &b.log)
		}
	}
	if strings.Contains(b.log.String(), "secret") {
		t.Error("a query is in the log")
	}
}

// broken are routes that cannot be changed.
type broken struct {
	Routes
	err error
}

func (b broken) Put(context.Context, route.Route) error           { return b.err }
func (b broken) Remove(context.Context, route.Spec) (bool, error) { return false, b.err }

// TestTrouble: a client that retries learns when, and no text tells of the inside.
func TestTrouble(t *testing.T) {
	for _, test := range []struct {
		err        error
		status     int
		body, wait string
	}{
		{store.ErrUnavailable, 503, "The store is out of reach", "1"},
		{store.ErrConflict, 503, "The store is out of reach", "1"},
		{route.ErrNotForeign, 409, "The route belongs to the hub", ""},
		{errors.New("secret"), 500, "Internal Server Error", ""},
	} {
		b := newBench(t, Options{Token: token})
		b.routes = broken{b.routes, test.err}
		for _, method := range []string{"POST", "DELETE"} {
			w := b.ask(method, Prefix+"/a", `{"target":"http://h:1"}`)
			b.want(w, test.status, test.body)
			if w.Header().Get("Retry-After") != test.wait {
				t.Errorf("%v: Retry-After %q", test.err, w.Header().Get("Retry-After"))
			}
		}
	}
}

// TestHubRoutes: routes of the hub itself are shown in JupyterHub's words, and
// not as routes that a JupyterHub beside would take for its own.
func TestHubRoutes(t *testing.T) {
	b := newBench(t, Options{Token: token})
	to, _ := route.ParseTarget("http://h:1")
	for path, data := range map[string]route.Data{
		"/user/ada/": {User: "ada"}, "/services/s/": {Service: "s"}, "/": {Hub: true},
	} {
		spec, err := route.ParseSpec(path)
		if err != nil {
			t.Fatal(err)
		}
		b.routes.Table().Set(route.Route{Spec: spec, Target: to, Data: data})
	}
	want := map[string]any{
		"/user/ada":   map[string]any{"target": "http://h:1", "user": "ada", "server_name": ""},
		"/services/s": map[string]any{"target": "http://h:1", "service": "s"},
		"/":           map[string]any{"target": "http://h:1", "hub": true},
	}
	if diff := cmp.Diff(want, b.table("")); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if got := b.table("?inactiveSince=2099"); len(got) > 0 {
		t.Errorf("routes whose activity nobody knows are inactive: %v", got)
	}
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{"target":"http://h:1","a":{"b":[]}}`, `{"target":"http://h","target":5}`, `[]`, `{"a`, `{"\u0000":1,"target":"HTTP://x"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		target, data, err := parseBody([]byte(body))
		if err != nil {
			return
		}
		table := route.NewTable()
		root, err := route.NewSpec("")
		if err != nil || !table.Set(route.Route{Spec: root, Target: target, Data: data}) {
			t.Fatalf("%q was taken, and its route is not: %v", body, err)
		}
		r, _ := table.Get(root)
		var sent, got map[string]any
		if err := json.Unmarshal([]byte(body), &sent); err != nil {
			t.Fatalf("%q was taken: %v", body, err)
		}
		text := appendRoute(nil, r, start)
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%q gives %q: %v", body, text, err)
		}
		sent["last_activity"] = "2026-11-21T21:16:15.587Z"
		if diff := cmp.Diff(sent, got); diff != "" {
			t.Fatalf("%q gives %q:\n%s", body, text, diff)
		}
	})
}

func FuzzTime(f *testing.F) {
	for _, seed := range []string{"2026-11-21T21:16:15.587Z", "Thu Jan 01 2099 00:00:00 GMT+0000 (X)", "2026", "Jan 2, 2006"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if parsed, ok := parseTime(text); !ok && !parsed.IsZero() {
			t.Fatalf("%q: %v", text, parsed)
		}
	})
}

// BenchmarkPost is a route added in memory.
func BenchmarkPost(b *testing.B) {
	bench := newBench(b, Options{Token: token})
	bench.api.log = slog.New(slog.DiscardHandler)
	for b.Loop() {
		bench.ask("POST", Prefix+"/user/ada", `{"target":"http://127.0.0.1:1234","jupyterhub":true,"user":"ada","server_name":""}`)
	}
}

// TestNames: what is written quickly is what is written otherwise.
func TestNames(t *testing.T) {
	for _, text := range []string{"/", "/user/ada/", "/user/ada%20l/", "/user/%22/", "h.example/", "h.example/a@b/x/", "h.example/%C3%BC/"} {
		spec, err := route.ParseSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		var name string
		if err := json.Unmarshal(appendPath(nil, spec), &name); err != nil || name != pathOf(spec) {
			t.Errorf("%s: %q, want %q, %v", text, name, pathOf(spec), err)
		}
	}
	for _, at := range []time.Time{
		{}, start, time.UnixMilli(0).UTC(), time.Date(9, 1, 2, 3, 4, 5, 6e6, time.UTC), time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
	} {
		if got, want := string(appendTime(nil, at)), at.Format(timeFormat); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// BenchmarkList is a list of 10 000 routes.
func BenchmarkList(b *testing.B) {
	table := route.NewTable()
	for i := range 10_000 {
		spec, err := route.NewSpec("", "user", fmt.Sprintf("u%06d", i))
		to, bad := route.ParseTarget(fmt.Sprintf("http://10.0.%d.%d:8888", i>>8, i&255))
		if err != nil || bad != nil {
			b.Fatal(err, bad)
		}
		table.Set(route.Route{Spec: spec, Target: to, Data: route.Data{Extra: `{"user":"u000000","server_name":"","jupyterhub":true}`}, Added: start})
	}
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		for r := range table.All() {
			line = appendEntry(line[:0], r, r.Activity().Last())
		}
	}
}
