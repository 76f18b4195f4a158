package api_test

import (
	"cmp"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// accessCase is an endpoint with all that opens and does not open it.
type accessCase struct {
	method, path, body string
	// scopes are what JupyterHub says it requires, in its order.
	scopes string
	// right is a scope that opens it, elsewhere one for another resource; empty
	// if the endpoint knows no resources.
	right, elsewhere string
	// group opens it through a group of the resource's user; empty if none does.
	group string
	// status of the answer to the right scope and to an administrator.
	status int
}

var accessCases = []accessCase{
	{"GET", "/info", "", "read:hub", "read:hub", "", "", 200},
	{"GET", "/users", "", "list:users", "list:users!user=ada", "", "list:users!group=astro", 200},
	{"POST", "/users", `{"usernames":["new"]}`, "admin:users", "admin:users", "", "", 201},
	{"GET", "/users/ada", "", "read:users, read:users:name, read:servers, read:users:groups, read:users:activity, read:roles:users",
		"read:users:activity!user=ada", "read:users!user=eve", "read:users:name!group=astro", 200},
	{"POST", "/users/new", "", "admin:users", "admin:users", "admin:users!user=eve", "", 201},
	{"PATCH", "/users/eve", `{"admin":false}`, "admin:users", "admin:users!user=eve", "admin:users!user=ada", "", 200},
	{"DELETE", "/users/eve", "", "delete:users", "delete:users!user=eve", "delete:users!user=ada", "", 204},
	{"POST", "/users/ada/activity", `{"last_activity":"2026-01-01T00:00:00Z"}`, "users:activity",
		"users:activity!user=ada", "users:activity!user=eve", "users:activity!group=astro", 200},
	{"POST", "/users/ada/admin-access", "", "servers", "servers!user=ada", "servers!user=eve", "", 403},
	{"POST", "/users/ada/server", "", "servers", "servers!server=ada/", "servers!server=ada/lab", "servers!group=astro", 201},
	{"DELETE", "/users/ada/server", "", "delete:servers", "delete:servers!user=ada", "delete:servers!server=eve/", "", 204},
	{"GET", "/users/ada/server/progress", "", "read:servers", "read:servers!user=ada", "read:servers!user=eve", "", 400},
	{"POST", "/users/ada/servers/lab", "", "servers", "servers!server=ada/lab", "servers!server=ada/", "servers!group=astro", 201},
	{"POST", "/users/ada/servers/", "", "servers", "servers!server=ada/", "servers!server=ada/lab", "", 201},
	{"DELETE", "/users/ada/servers/lab", "", "delete:servers", "delete:servers!user=ada", "delete:servers!server=ada/", "", 404},
	{"GET", "/users/ada/servers/lab/progress", "", "read:servers", "read:servers!server=ada/lab", "read:servers!user=eve", "", 404},
	{"GET", "/users/ada/tokens", "", "read:tokens", "read:tokens!user=ada", "read:tokens!user=eve", "read:tokens!group=astro", 200},
	{"GET", "/users/ada/tokens/a999", "", "read:tokens", "read:tokens!user=ada", "read:tokens!user=eve", "", 404},
	{"DELETE", "/users/ada/tokens/a999", "", "tokens", "tokens!user=ada", "tokens!user=eve", "", 404},
	{"GET", "/groups", "", "list:groups", "list:groups!group=astro", "", "", 200},
	{"POST", "/groups", `{"groups":["new"]}`, "admin:groups", "admin:groups", "", "", 201},
	{"GET", "/groups/astro", "", "read:groups, read:groups:name, read:roles:groups", "read:groups!group=astro", "read:groups!group=new", "", 200},
	{"POST", "/groups/new", "", "admin:groups", "admin:groups!group=new", "admin:groups!group=astro", "", 201},
	{"DELETE", "/groups/astro", "", "delete:groups", "delete:groups!group=astro", "delete:groups!group=new", "", 204},
	{"POST", "/groups/astro/users", `{"users":["eve"]}`, "groups", "groups!group=astro", "groups!group=new", "", 200},
	{"DELETE", "/groups/astro/users", `{"users":["ada"]}`, "groups", "groups!group=astro", "groups!group=new", "", 200},
	{"PUT", "/groups/astro/properties", `{"a":1}`, "groups", "groups!group=astro", "groups!group=new", "", 200},
	{"GET", "/services", "", "list:services", "list:services!service=portal", "", "", 200},
	{"GET", "/services/portal", "", "read:services, read:services:name, read:roles:services", "read:services!service=portal", "read:services!service=new", "", 200},
	{"POST", "/services/new", `{"display":true}`, "admin:services", "admin:services!service=new", "admin:services!service=portal", "", 201},
	{"DELETE", "/services/portal", "", "admin:services", "admin:services!service=portal", "admin:services!service=new", "", 405},
	{"GET", "/proxy", "", "proxy", "proxy", "", "", 200},
	{"POST", "/proxy", "", "proxy", "proxy", "", "", 200},
	{"PATCH", "/proxy", "{}", "proxy", "proxy", "", "", 200},
	{"POST", "/shutdown", "", "shutdown", "shutdown", "", "", 501},
}

// TestAccess sends every endpoint everything from no credentials to an
// administrator's. Each case has a hub of its own, because some are answered
// differently the second time.
func TestAccess(t *testing.T) {
	for _, c := range accessCases {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			request := request{method: c.method, path: c.path, body: c.body}
			h.refusesStrangers(request)
			h.refusesCookies(request)

			wrong := request
			// A service's: any token of a user may read the name of that user.
			wrong.token = h.tokenWith(identity.NewToken{Owner: identity.ServiceOwner("portal"), Scopes: []string{"(no_scope)"}})
			h.expect(wrong, 403, "Action is not authorized with current scopes; requires any of ["+c.scopes+"]")
			if c.elsewhere != "" {
				wrong.token = h.token("root", c.elsewhere)
				h.expect(wrong, 404, "No access to resources or resources not found")
				// Whether the resource exists makes no difference.
				wrong.path = "/" + strings.Split(c.path, "/")[1] + "/nobody" + cmp.Or(trimUser(c.path), "")
				h.expect(wrong, 404, "No access to resources or resources not found")
			}
			if c.group != "" {
				request.token = h.token("root", c.group)
				h.expect(request, c.status, "")
				h = newHub(t)
			}
			request.token = h.token("root", c.right)
			h.expect(request, c.status, "")
			h = newHub(t)
			request.token = h.token("root", "inherit")
			h.expect(request, c.status, "")
		})
	}
}

// trimUser is what follows /users/NAME, or the name of anything else, in a path.
func trimUser(path string) string {
	for i, slashes := 0, 0; i < len(path); i++ {
		if path[i] == '/' {
			if slashes++; slashes == 3 {
				return path[i:]
			}
		}
	}
	return ""
}

// refusesStrangers sends a request without credentials and with ones that are
// worth nothing.
func (h *hub) refusesStrangers(r request) {
	h.t.Helper()
	const missing = "Missing or invalid credentials."
	h.expect(r, 403, missing)
	// What a page of another site sees does not depend on credentials.
	h.expect(r.with("Origin", "https://evil.test").with("Sec-Fetch-Mode", "cors"), 403, "'_xsrf' argument missing from "+r.method)
	for _, header := range []string{"token nonsense", "bearer " + "x0123456789", "Basic cm9vdDpyb290", "token", "token  ", "bearer visitor.e30.AAAA"} {
		h.expect(r.with("Authorization", header), 403, missing)
	}
	h.expect(request{method: r.method, path: r.path + "?token=" + h.token("root", "inherit"), body: r.body}, 403, missing)
	bad := r
	bad.cookie = "nonsense.nonsense"
	h.expect(bad, 403, missing)
	root, _ := h.session("root")
	bad.token, bad.cookie = "wrong-token", root
	h.expect(bad, 403, missing) // a cookie does not make up for a wrong token
	twice := r.http(h.t.Context())
	twice.Header["Authorization"] = []string{"token aaaaaaaa", "token bbbbbbbb"}
	if got := h.raw(twice); got.Code != 400 {
		h.t.Errorf("two tokens: %d %s", got.Code, got.Body)
	}
}

// refusesCookies sends an administrator's cookie without the proof that a page
// of the hub sent it.
func (h *hub) refusesCookies(r request) {
	h.t.Helper()
	cookie, xsrf := h.session("root")
	r.cookie = cookie
	fetched := r.with("Sec-Fetch-Mode", "cors").with("Sec-Fetch-Site", "same-origin")
	h.expect(fetched, 403, "'_xsrf' argument missing from "+r.method)
	h.expect(fetched.with("X-XSRFToken", "nonsense"), 403, "XSRF cookie does not match "+r.method+" argument")
	_, other := h.session("root")
	h.expect(fetched.with("X-XSRFToken", other), 403, "XSRF cookie does not match "+r.method+" argument")
	if r.method == http.MethodPost {
		for _, form := range []string{"application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x",
			"text/plain; application/json", "application/jsonx", "application/json, text/plain"} {
			h.expect(r.with("Content-Type", form).with("X-XSRFToken", xsrf), 403, "Missing or invalid credentials.")
		}
	}
	if r.method != http.MethodGet {
		h.expect(r, 403, "'_xsrf' argument missing from "+r.method)
	}
}

func TestCookie(t *testing.T) {
	h := newHub(t)
	cookie, xsrf := h.session("root")
	get := request{method: "GET", path: "/user", cookie: cookie}
	// What a browser itself navigates to needs no proof; all else does.
	for name, r := range map[string]request{
		"no metadata": get,
		"navigation":  get.with("Sec-Fetch-Mode", "navigate"),
		"header":      get.with("Sec-Fetch-Mode", "cors").with("X-XSRFToken", xsrf),
		"other name":  get.with("Sec-Fetch-Mode", "cors").with("X-CSRFToken", xsrf),
	} {
		if got := h.send(r); got.Code != 200 {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	get.path = "/user?_xsrf=" + xsrf
	h.expect(get.with("Sec-Fetch-Mode", "cors"), 200, "")
	post := request{method: "POST", path: "/users/new", cookie: cookie}.with("X-XSRFToken", xsrf)
	h.expect(post.with("Content-Type", "application/json; charset=utf-8"), 201, "")
	post.path = "/users/newer"
	h.expect(post, 201, "") // scripts that say nothing of their empty body
}

// TestSelf is what single-user servers and services ask all day.
func TestSelf(t *testing.T) {
	h := newHub(t)
	anonymous := request{method: "GET", path: "/user"}
	h.expect(anonymous, 403, "Forbidden")
	h.expect(anonymous.with("Authorization", "token nonsense"), 403, "Forbidden")

	cookie, _ := h.session("ada")
	me := model[map[string]any](t, h.expect(request{method: "GET", path: "/user", cookie: cookie}, 200, ""))
	if me["name"] != "ada" || me["token_id"] != nil || me["session_id"] != nil {
		t.Errorf("by cookie: %v", me)
	}
	scopes := me["scopes"].([]any)
	if len(scopes) != scope.SelfScopes("ada").Len() || scopes[0] != "access:servers!user=ada" {
		t.Errorf("scopes are not expanded and sorted: %v", scopes)
	}

	// A token that may do nothing still says whose it is, and no more.
	secret := h.tokenWith(identity.NewToken{
		Owner: identity.UserOwner("ada"), Scopes: []string{"access:servers!server"}, BrowserSession: "browser",
		ClientID: "jupyterhub-user-ada", Client: scope.Client{Server: scope.Server{User: "ada"}},
	})
	me = model[map[string]any](t, h.expect(request{method: "GET", path: "/user", token: secret}, 200, ""))
	for _, hidden := range []string{"last_activity", "created", "server", "pending", "roles", "servers", "auth_state"} {
		if _, shown := me[hidden]; shown {
			t.Errorf("%s is revealed: %v", hidden, me)
		}
	}
	if me["session_id"] != "browser" || me["kind"] != "user" || len(me["groups"].([]any)) != 1 {
		t.Errorf("identity: %v", me)
	}

	portal := model[map[string]any](t, h.expect(request{method: "GET", path: "/user", token: "portal-secret"}, 200, ""))
	if portal["kind"] != "service" || portal["name"] != "portal" || portal["admin"] != false || portal["url"] != nil {
		t.Errorf("service: %v", portal)
	}
}

// TestVisitor asks with the token that the edge hands to a single-user server.
func TestVisitor(t *testing.T) {
	h := newHub(t)
	_, session, err := h.directory.CreateSession(t.Context(), "ada", "people")
	if err != nil {
		t.Fatal(err)
	}
	token := h.directory.VisitorToken(&session, scope.Client{Server: scope.Server{User: "ada", Name: "lab"}})
	me := model[map[string]any](t, h.expect(request{method: "GET", path: "/user", token: token}, 200, ""))
	if me["session_id"] != session.BrowserSession || me["token_id"] != nil || me["name"] != "ada" {
		t.Errorf("visitor: %v", me)
	}
	h.expect(request{method: "POST", path: "/users/ada/server", token: token}, 403,
		"Action is not authorized with current scopes; requires any of [servers]")
}

// TestService shows a service to itself, as far as its scopes go.
func TestService(t *testing.T) {
	h := newHub(t)
	err := h.directory.Apply(t.Context(), identity.Configuration{Services: []identity.ConfiguredService{{
		Service:  identity.Service{Name: "grafana", Admin: true, URL: "http://127.0.0.1:3000", Info: []byte(`{"a":1}`)},
		APIToken: "grafana-secret",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	me := model[map[string]any](t, h.expect(request{method: "GET", path: "/user", token: "grafana-secret"}, 200, ""))
	for key, want := range map[string]any{
		"kind": "service", "name": "grafana", "admin": true, "url": "http://127.0.0.1:3000", "prefix": "/services/grafana/",
		"display": true, "pid": 0.0,
	} {
		if me[key] != want {
			t.Errorf("%s: %v, not %v", key, me[key], want)
		}
	}
	if info := me["info"].(map[string]any); info["a"] != 1.0 || len(me["command"].([]any)) != 0 || me["roles"].([]any)[0] != "admin" {
		t.Errorf("service: %v", me)
	}
	bare := h.tokenWith(identity.NewToken{Owner: identity.ServiceOwner("grafana"), Scopes: []string{"(no_scope)"}})
	me = model[map[string]any](t, h.expect(request{method: "GET", path: "/user", token: bare}, 200, ""))
	if keys := keysOf(me); keys != "admin kind name scopes session_id token_id" {
		t.Errorf("a token without scopes shows %s", keys)
	}
}
