package api_test

import (
	"net/http"
	"testing"
)

func TestHub(t *testing.T) {
	h := newHub(t)
	root := h.token("root", "inherit")
	for _, path := range []string{"", "/"} {
		got := h.expect(request{method: "GET", path: path}, 200, `{"version":"5.5.1"}`)
		if got.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Error("the version is for everybody")
		}
	}
	got := h.expect(request{method: "GET", path: "/info", token: root}, 200, "")
	if got.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("nothing but the version is for other origins")
	}
	h.expect(request{method: "GET", path: "/info", token: h.token("ada", "inherit")}, 403,
		"Action is not authorized with current scopes; requires any of [read:hub]")
	for _, path := range []string{"/health", "/hub/health"} {
		h.expect(request{method: "GET", path: path}, 200, "")
		h.expect(request{method: "HEAD", path: path}, 200, "")
	}
	h.expect(request{method: "POST", path: "/authorizations/token"}, 404,
		"Deprecated endpoint /hub/api/authorizations/token is removed in JupyterHub 2.0. Use /hub/api/users/:user/tokens instead.")
}

func TestPathsAndMethods(t *testing.T) {
	h := newHub(t)
	for _, path := range []string{
		"/nothing", "/users/", "/user/", "/users//server", "/users/ada/server/", "/users/ada/servers", "//users",
		"/USERS", "/users/ada/tokens/a1/x", "/info/", "/users/ada/..", "/%75sers",
	} {
		h.expect(request{method: "GET", path: path}, 404, "Not Found")
		h.expect(request{method: "OPTIONS", path: path}, 404, "Not Found")
	}
	for path, allow := range map[string]string{
		"/":                      "GET, OPTIONS",
		"/health":                "GET, HEAD, OPTIONS",
		"/users":                 "GET, OPTIONS, POST",
		"/users/ada":             "DELETE, GET, OPTIONS, PATCH, POST",
		"/users/ada/server":      "DELETE, OPTIONS, POST",
		"/users/ada/servers/":    "DELETE, OPTIONS, POST",
		"/users/ada/servers/lab": "DELETE, OPTIONS, POST",
		"/users/ada/tokens":      "GET, OPTIONS, POST",
		"/users/ada/tokens/a1":   "DELETE, GET, OPTIONS",
		"/users/ada/activity":    "OPTIONS, POST",
	} {
		got := h.expect(request{method: "PUT", path: path}, 405, "Method Not Allowed")
		if got.Header().Get("Allow") != allow {
			t.Errorf("%s allows %q, not %q", path, got.Header().Get("Allow"), allow)
		}
		h.expect(request{method: "OPTIONS", path: path}, 200, "")
	}
	h.expect(request{method: "HEAD", path: "/users"}, 405, "")
}

func TestServes(t *testing.T) {
	h := newHub(t)
	for path, want := range map[string]bool{
		"/hub/api": true, "/hub/api/": true, "/hub/api/x/y": true, "/hub/health": true, "/hub/api/oauth2": true,
		"/hub/api/oauth2/token": false, "/hub/apix": false, "/hub/": false, "/api": false, "/hub/health/": false,
		"/user/ada/api": false, "/hub/%61pi/users": false,
	} {
		r, err := http.NewRequest(http.MethodGet, "http://hub.test"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.api.Serves(r); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
