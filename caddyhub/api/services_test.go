package api_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/api"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	portalModel = `{"admin":false,"command":[],"display":true,"info":{},"kind":"service","name":"portal","pid":0,"prefix":"","roles":["portal"],"url":""}`
	noAccess    = "No access to resources or resources not found"
)

// TestServices plays the life of services, with the words of JupyterHub 5.5.1.
func TestServices(t *testing.T) {
	h := newHub(t)
	root := h.token("root", "inherit")
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/services", "", 200, `{"portal":` + portalModel + `}`},
		{"GET", "/services/portal", "", 200, portalModel},
		{"GET", "/services/nope", "", 404, "No such service: nope"},
		{"DELETE", "/services/portal", "", 405, "Service portal is not modifiable at runtime"},
		{"DELETE", "/services/nope", "", 404, "Service nope does not exist"},
		{"POST", "/services/portal", "{", 400, "Invalid JSON in body of request"},
		{"POST", "/services/portal", "", 409, "Service portal already exists"},
		{"POST", "/services/new", "", 400, "Invalid service data"},
		{"POST", "/services/new", "{}", 400, "Invalid service data"},
		{"POST", "/services/new", "[1]", 400, "Invalid service data"},
		{"POST", "/services/new", `{"x":1}`, 400, "Invalid JSON keys: {'name': 'new', 'x': 1}"},
		{"POST", "/services/new", `{"roles":["admin"]}`, 400, "Invalid JSON keys: {'name': 'new', 'roles': ['admin']}"},
		{"POST", "/services/new", `{"admin":1}`, 400, "service.admin must be <class 'bool'>, not: <class 'int'>"},
		{"POST", "/services/new", `{"info":[]}`, 400, "service.info must be <class 'dict'>, not: <class 'list'>"},
		{"POST", "/services/new", `{"oauth_client_allowed_scopes":[1]}`, 400, "oauth_client_allowed_scopes must be a list of strings, not [1]"},
		{"POST", "/services/new", `{"command":["x"]}`, 400, "Can not create managed service new at runtime"},
		{"POST", "/services/new", `{"url":"ftp://10.0.0.1"}`, 400, "Failed to create service new"},
		{"POST", "/services/new", `{"url":"http://10.0.0.1:99999"}`, 400, "Failed to create service new"},
		{"POST", "/services/new", `{"oauth_no_confirm":true}`, 400, "Failed to create service new"},
		{"POST", "/services/new", `{"oauth_client_id":"service-new"}`, 400, "Failed to create service new"},
		{"POST", "/services/new", `{"oauth_client_id":"new","oauth_redirect_uri":"https://x.example.org/"}`, 400, "Failed to create service new"},
		{"POST", "/services/new", `{"api_token":"short"}`, 400, "Failed to create service new"},
		{"POST", "/services/new", `{"api_token":"portal-secret"}`, 400, "Failed to create service new"},
		{"POST", "/services/new", `{"api_token":"visitor.long-enough"}`, 400, "Failed to create service new"},
		{"POST", "/services/..", `{"url":"http://10.0.0.1"}`, 400, "Failed to create service .."},
		{"GET", "/services/new", "", 404, "No such service: new"},
		{"POST", "/services/new", `{"name":7,"command":[],"cwd":"/","environment":{},"user":"x","api_token":"long-enough","info":{"a":[1]},"display":false,"oauth_client_allowed_scopes":["self"]}`, 201,
			`{"admin":false,"command":[],"display":false,"info":{"a":[1]},"kind":"service","name":"new","pid":0,"prefix":"","roles":[],"url":""}`},
		{"POST", "/services/new", `{"x":1}`, 409, "Service new already exists"},
		{"POST", "/services/other", `{"admin":true,"url":"http://10.0.0.1:99"}`, 201,
			`{"admin":true,"command":[],"display":true,"info":{},"kind":"service","name":"other","pid":0,"prefix":"/services/other/","roles":["admin"],"url":"http://10.0.0.1:99"}`},
		{"DELETE", "/services/other", "", 200, ""},
		{"GET", "/services/other", "", 404, "No such service: other"},
	} {
		h.expect(request{method: c.method, path: c.path, body: c.body, token: root}, c.status, c.want)
	}
	h.expect(request{method: "GET", path: "/user", token: "long-enough"}, 200, "")
	if got := h.expect(request{method: "DELETE", path: "/services/new", token: root}, 200, ""); got.Body.Len() > 0 {
		t.Errorf("the deletion has a body: %s", got.Body)
	}
	h.expect(request{method: "GET", path: "/user", token: "long-enough"}, 403, "")
	h.expect(request{method: "POST", path: "/services/new", body: `{"display":true}`, token: root}, 201, "")
	h.expect(request{method: "GET", path: "/user", token: "long-enough"}, 403, "")
}

// TestServiceScopes: what of services shows to whom.
func TestServiceScopes(t *testing.T) {
	h := newHub(t)
	h.expect(request{method: "POST", path: "/services/made", body: `{"info":{}}`, token: h.token("root", "inherit")}, 201, "")
	for _, c := range []struct {
		scope, method, path string
		status              int
		want                string
	}{
		{"list:services", "GET", "/services", 200, `{"made":{"admin":false,"kind":"service","name":"made"},"portal":{"admin":false,"kind":"service","name":"portal"}}`},
		{"list:services!service=made", "GET", "/services", 200, `{"made":{"admin":false,"kind":"service","name":"made"}}`},
		{"list:services!user=root", "GET", "/services", 200, `{}`},
		{"read:services", "GET", "/services", 403, "Action is not authorized with current scopes; requires any of [list:services]"},
		{"read:services!service=portal", "GET", "/services/portal", 200, `{"admin":false,"command":[],"display":true,"info":{},"kind":"service","name":"portal","pid":0,"prefix":"","url":""}`},
		{"read:services:name", "GET", "/services/portal", 200, `{"admin":false,"kind":"service","name":"portal"}`},
		{"read:roles:services", "GET", "/services/portal", 200, `{"admin":false,"kind":"service","name":"portal","roles":["portal"]}`},
		{"read:services!service=made", "GET", "/services/portal", 404, noAccess},
		{"read:services!service=made", "GET", "/services/nope", 404, noAccess},
		{"self", "GET", "/services/portal", 403, "Action is not authorized with current scopes; requires any of [read:services, read:services:name, read:roles:services]"},
		{"list:services", "DELETE", "/services/made", 403, "Action is not authorized with current scopes; requires any of [admin:services]"},
		{"admin:services!service=made", "DELETE", "/services/portal", 404, noAccess},
		{"admin:services!service=made", "POST", "/services/more", 404, noAccess},
		{"admin:services!service=made", "DELETE", "/services/made", 200, ""},
	} {
		h.expect(request{method: c.method, path: c.path, token: h.token("root", c.scope)}, c.status, c.want)
	}
	h.expect(request{method: "GET", path: "/services"}, 403, "Missing or invalid credentials.")
}

// routed is a routing table of this node that remembers what was applied.
type routed struct {
	*route.Mirror
	applied []string
}

func (r *routed) Apply(ctx context.Context, specs ...route.Spec) error {
	for _, spec := range specs {
		r.applied = append(r.applied, spec.String())
	}
	return r.Mirror.Apply(ctx, specs...)
}

// TestServiceRoute: the route comes and goes with the service, also without the
// store's feed, and not at all if the OAuth client is wrong.
func TestServiceRoute(t *testing.T) {
	var refuses error
	registered := make(map[string]string)
	routes := &routed{}
	h := newHub(t, func(s *settings) {
		s.api.Routes = routes
		s.api.RegisterService = func(_ store.Writer, service identity.Service, token string) error {
			registered[service.Name] = token
			return refuses
		}
	})
	routes.Mirror = route.NewMirror(h.store, route.MirrorOptions{})
	root := h.token("root", "inherit")
	create := request{method: "POST", path: "/services/a%20b", body: `{"url":"http://10.0.0.1:99","api_token":"long-enough"}`, token: root}
	before := h.state()
	for _, c := range []struct {
		refuses error
		status  int
	}{{api.ErrService, 400}, {errors.New("trouble"), 500}, {store.ErrUnavailable, 503}} {
		refuses = c.refuses
		h.expect(create, c.status, "")
		if h.state() != before || len(routes.applied) > 0 {
			t.Errorf("after %v something is left", c.refuses)
		}
	}
	refuses = nil
	h.expect(create, 201, "")
	if registered["a b"] != "long-enough" {
		t.Errorf("registered are %v", registered)
	}
	at, to := must(route.ParseSpec("/services/a%20b/"))(t), must(route.ParseTarget("http://10.0.0.1:99"))(t)
	if shown, there := routes.Table().Get(at); !there || shown.Target() != to || shown.Data().Service != "a b" {
		t.Errorf("the route is %+v", shown)
	}
	h.expect(request{method: "DELETE", path: create.path, token: root}, 200, "")
	if _, there := routes.Table().Get(at); there || h.state() != before {
		t.Error("something is left")
	}
	if !slices.Equal(routes.applied, []string{at.String(), at.String()}) {
		t.Errorf("applied were %v", routes.applied)
	}
}

// TestManagedService shows command and process of a service that the hub runs.
func TestManagedService(t *testing.T) {
	away := false
	h := newHub(t, func(s *settings) {
		s.api.ServicePID = func(store.Reader, string) (int, error) {
			if away {
				return 0, store.ErrUnavailable
			}
			return 4711, nil
		}
	})
	err := h.directory.Apply(t.Context(), identity.Configuration{Admins: []string{"root"}, Services: []identity.ConfiguredService{
		{Service: identity.Service{Name: "culler", Command: []string{"cull", "--all"}}}, {Service: identity.Service{Name: "portal"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	root := h.token("root", "inherit")
	for _, path := range []string{"/services", "/services/culler"} {
		got := h.expect(request{method: "GET", path: path, token: root}, 200, "").Body.String()
		if !strings.Contains(got, `"command":["cull","--all"]`) || strings.Count(got, `"pid":4711`) != 1 {
			t.Errorf("%s: %s", path, got)
		}
	}
	away = true
	h.expect(request{method: "GET", path: "/services/culler", token: root}, http.StatusServiceUnavailable, "")
	h.expect(request{method: "GET", path: "/services/culler", token: h.token("root", "read:services:name")}, 200, "")
}
