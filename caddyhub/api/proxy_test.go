package api_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// TestProxy lists routes as JupyterHub does and has them checked.
func TestProxy(t *testing.T) {
	var checks int
	var checkFails error
	routes := &routed{}
	h := newHub(t, func(s *settings) {
		s.api.Routes = routes
		s.api.CheckRoutes = func(context.Context) error { checks++; return checkFails }
	})
	routes.Mirror = route.NewMirror(h.store, route.MirrorOptions{})
	for at, data := range map[string]route.Data{
		"/user/ada/": {User: "ada"}, "/user/ada/lab/": {User: "ada", ServerName: "lab"}, "/services/wiki/": {Service: "wiki"},
		"/added/": {Extra: `{"user":"x"}`},
	} {
		routes.Table().Set(route.Route{
			Spec: must(route.ParseSpec(at))(t), Target: must(route.ParseTarget("http://10.0.0.1:80"))(t), Data: data,
		})
	}
	root := h.token("root", "proxy")
	all := h.routes(t, "", root)
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, []string{"/", "/services/wiki/", "/user/ada/", "/user/ada/lab/"}) {
		t.Errorf("the routes are %v", got)
	}
	for spec, want := range map[string]map[string]any{
		"/": {"hub": true}, "/services/wiki/": {"service": "wiki"},
		"/user/ada/": {"user": "ada", "server_name": ""}, "/user/ada/lab/": {"user": "ada", "server_name": "lab"},
	} {
		delete(all[spec].Data, "last_activity")
		if diff := cmp.Diff(want, all[spec].Data); diff != "" || all[spec].Routespec != spec || all[spec].Target == "" {
			t.Errorf("%s: %+v %s", spec, all[spec], diff)
		}
	}
	for query, want := range map[string]string{
		"?limit=2": "/ /services/wiki/", "?limit=2&offset=3": "/user/ada/lab/", "?offset=9": "",
	} {
		if got := strings.Join(slices.Sorted(maps.Keys(h.routes(t, query, root))), " "); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	paged := request{method: "GET", path: "/proxy?limit=1&offset=1", token: root}.with("Accept", "application/jupyterhub-pagination+json")
	if got := h.send(paged).Body.String(); !strings.Contains(got, `"next":{"limit":1,"offset":2,`) || !strings.Contains(got, `"total":4`) ||
		!strings.Contains(got, `"items":{"/services/wiki/":`) {
		t.Errorf("the page is %s", got)
	}
	for _, c := range []struct {
		method, body string
		status       int
		want         string
	}{
		{"POST", "", 200, ""},
		{"POST", "{", 200, ""},
		{"PATCH", "", 400, "need JSON body"},
		{"PATCH", "{", 400, "Request body must be JSON dict"},
		{"PATCH", "[]", 400, "Request body must be JSON dict"},
		{"PATCH", "\xff", 400, "Request body must be JSON dict"},
		{"PATCH", `{"api_url":"http://10.0.0.1:8001"}`, 400, "api_url cannot be changed: the hub is its own proxy"},
		{"PATCH", `{"auth_token":"x"}`, 400, "auth_token cannot be changed: the hub is its own proxy"},
		{"PATCH", `{"x":1}`, 200, ""},
	} {
		before := checks
		h.expect(request{method: c.method, path: "/proxy", body: c.body, token: root}, c.status, c.want)
		if (checks > before) != (c.status == 200) {
			t.Errorf("%s %s: %d checks", c.method, c.body, checks-before)
		}
	}
	checkFails = store.ErrUnavailable
	h.expect(request{method: "POST", path: "/proxy", token: root}, 503, "")
	for _, method := range []string{"GET", "POST", "PATCH"} {
		h.expect(request{method: method, path: "/proxy", token: h.token("root", "read:hub")}, 403,
			"Action is not authorized with current scopes; requires any of [proxy]")
	}
}

type routeModel struct {
	Routespec, Target string
	Data              map[string]any
}

func (h *hub) routes(t *testing.T, query, token string) map[string]routeModel {
	t.Helper()
	return model[map[string]routeModel](t, h.expect(request{method: "GET", path: "/proxy" + query, token: token}, 200, ""))
}

// TestShutdown ends the program, but only for a body that makes sense.
func TestShutdown(t *testing.T) {
	var ended []bool
	h := newHub(t, func(s *settings) { s.api.Shutdown = func(servers bool) { ended = append(ended, servers) } })
	root := h.token("root", "shutdown")
	for _, c := range []struct {
		body   string
		status int
		want   string
		ends   []bool
	}{
		{"{", 400, "Invalid JSON in body of request", nil},
		{`["proxy"]`, 400, "Invalid JSON data: ['proxy']", nil},
		{`{"proxy":"x"}`, 400, "proxy must be true or false, got 'x'", nil},
		{`{"proxy":null}`, 400, "proxy must be true or false, got None", nil},
		{`{"servers":2}`, 400, "servers must be true or false, got 2", nil},
		{`{"servers":[]}`, 400, "servers must be true or false, got []", nil},
		{`{"proxy":false}`, 400, "The hub is its own proxy, which cannot go on without it", nil},
		{"", 202, `{"message":"Shutting down Hub"}`, []bool{false}},
		{"{}", 202, "", []bool{false}},
		{"null", 202, "", []bool{false}},
		{`{"proxy":true,"servers":true,"x":1}`, 202, "", []bool{true}},
		{`{"proxy":1,"servers":0}`, 202, "", []bool{false}},
	} {
		ended = nil
		h.expect(request{method: "POST", path: "/shutdown", body: c.body, token: root}, c.status, c.want)
		if !slices.Equal(ended, c.ends) {
			t.Errorf("%s: %v", c.body, ended)
		}
	}
	ended = nil
	h.expect(request{method: "POST", path: "/shutdown"}, 403, "")
	h.expect(request{method: "POST", path: "/shutdown", token: h.token("root", "admin:users", "proxy")}, 403, "")
	if ended != nil {
		t.Error("it ends for anybody")
	}
	h = newHub(t)
	h.expect(request{method: "POST", path: "/shutdown", token: h.token("root", "shutdown")}, 501, "")
}
