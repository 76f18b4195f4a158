package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzBody sends any body to the endpoints that make and change groups and
// services: an administrator gets a model or a clear refusal, and what is refused
// has changed nothing.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		"", "{}", "[]", "null", `{"users":["ada"]}`, `{"users":[1]}`, `{"groups":["a","b"],"users":["eve"]}`, `{"a":{"b":[1,null]}}`,
		`{"url":"http://10.0.0.1:80","api_token":"long-enough","info":{"a":1},"display":false}`, `{"command":["x"]}`, "\xff", `{"users":["\ud800"]}`,
		`{"admin":true,"oauth_client_allowed_scopes":["self","inherit","read:users!user=ada"],"oauth_no_confirm":true,"oauth_redirect_uri":"/x"}`,
		`{"proxy":true,"servers":0}`, `{"api_url":1}`, `{"users":["` + strings.Repeat("a", 500) + `"]}`,
	} {
		f.Add(body)
	}
	calls := [][2]string{
		{"POST", "/groups"}, {"POST", "/groups/new"}, {"POST", "/groups/astro/users"}, {"DELETE", "/groups/astro/users"},
		{"PUT", "/groups/astro/properties"}, {"POST", "/services/new"}, {"PATCH", "/proxy"}, {"POST", "/shutdown"},
	}
	f.Fuzz(func(t *testing.T, body string) {
		h := newHub(t, func(s *settings) { s.api.Shutdown = func(bool) {} })
		root := h.token("root", "inherit")
		for _, call := range calls {
			before := h.state()
			got := httptest.NewRecorder()
			h.api.ServeHTTP(got, request{method: call[0], path: call[1], body: body, token: root}.http(t.Context()))
			if got.Code >= 500 {
				t.Errorf("%s %s %q: %d %s", call[0], call[1], body, got.Code, got.Body)
			}
			if got.Code >= 400 && h.state() != before {
				t.Errorf("%s %s %q: %d, and changed something", call[0], call[1], body, got.Code)
			}
		}
	})
}
