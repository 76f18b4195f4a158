package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// TestGroups plays the life of groups, with the words of JupyterHub 5.5.1.
func TestGroups(t *testing.T) {
	h := newHub(t)
	h.withGroups()
	root := h.token("root", "inherit")
	const none = "No access to resources or resources not found"
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/groups/astro", "", 200, `{"kind":"group","name":"astro","properties":{},"roles":[],"users":["ada","bob"]}`},
		{"GET", "/groups/nope", "", 404, "No such group: nope"},
		{"POST", "/groups/new", "", 201, `{"kind":"group","name":"new","properties":{},"roles":[],"users":[]}`},
		{"POST", "/groups/new", "", 409, "Group new already exists"},
		{"POST", "/groups/new", `{"users":["nobody"]}`, 409, "Group new already exists"},
		{"POST", "/groups/new", `{"x":1}`, 400, "Invalid JSON keys: {'x': 1}"},
		{"POST", "/groups/other", `{"users":["nobody"]}`, 400, "No such user: nobody"},
		{"POST", "/groups/other", `{"users":"ada"}`, 400, "group.users must be <class 'list'>, not: <class 'str'>"},
		{"POST", "/groups/other", `{"users":[1]}`, 400, "usernames must be a list of strings, not [1]"},
		{"POST", "/groups/other", `["users"]`, 400, "Invalid JSON data: ['users']"},
		{"GET", "/groups/other", "", 404, "No such group: other"},
		{"POST", "/groups/other", `{"users":["ADA","eve","ada"],"roles":["admin"],"name":"x"}`, 201, `{"kind":"group","name":"other","properties":{},"roles":[],"users":["ada","eve"]}`},
		{"POST", "/groups/other/users", `{"users":["bob","eve"]}`, 200, `{"kind":"group","name":"other","properties":{},"roles":[],"users":["ada","bob","eve"]}`},
		{"POST", "/groups/other/users", "", 400, "Invalid JSON data: None"},
		{"POST", "/groups/other/users", "{}", 400, "Must specify users to add"},
		{"POST", "/groups/other/users", `{"users":["NoBody"]}`, 400, "No such user: nobody"},
		{"POST", "/groups/other/users", `{"users":["No/Body"]}`, 400, "No such user: no/body"},
		{"POST", "/groups/other/users", `{"users":["nobody","bob"]}`, 400, "No such user: nobody"},
		{"POST", "/groups/nope/users", "{", 404, "No such group: nope"},
		{"DELETE", "/groups/other/users", "{}", 400, "Must specify users to delete"},
		{"DELETE", "/groups/other/users", `{"users":["nobody"]}`, 400, "No such user: nobody"},
		{"DELETE", "/groups/other/users", `{"users":["Eve","root"]}`, 200, `{"kind":"group","name":"other","properties":{},"roles":[],"users":["ada","bob"]}`},
		{"PUT", "/groups/other/properties", `{"a":{"b":[1,null]}}`, 200, `{"kind":"group","name":"other","properties":{"a":{"b":[1,null]}},"roles":[],"users":["ada","bob"]}`},
		{"PUT", "/groups/other/properties", `{"c":12345678901234567890123}`, 200, `{"kind":"group","name":"other","properties":{"c":12345678901234567890123},"roles":[],"users":["ada","bob"]}`},
		{"PUT", "/groups/other/properties", "[]", 400, "Must specify properties"},
		{"PUT", "/groups/other/properties", "", 400, "Must specify properties"},
		{"PUT", "/groups/other/properties", "{}", 200, `{"kind":"group","name":"other","properties":{},"roles":[],"users":["ada","bob"]}`},
		{"PUT", "/groups/nope/properties", "[]", 404, "No such group: nope"},
		{"GET", "/groups/other/users", "", 405, "Method Not Allowed"},
		{"DELETE", "/groups/other", "", 204, ""},
		{"DELETE", "/groups/other", "", 404, "No such group: other"},
		{"POST", "/groups", "", 400, "Must specify at least one group to create"},
		{"POST", "/groups", `["a"]`, 400, "Must specify at least one group to create"},
		{"POST", "/groups", `{"groups":[]}`, 400, "Must specify at least one group to create"},
		{"POST", "/groups", `{"groups":"zy"}`, 400, "groups must be a list of strings, not 'zy'"},
		{"POST", "/groups", `{"groups":["a"],"admin":true}`, 400, "Invalid JSON keys: {'admin': True}"},
		{"POST", "/groups", `{"groups":["one","new"]}`, 409, "Group new already exists"},
		{"POST", "/groups", `{"groups":["one","one"]}`, 409, "Group one already exists"},
		{"POST", "/groups", `{"groups":["one",""]}`, 400, "Invalid group name: "},
		{"GET", "/groups/one", "", 404, "No such group: one"},
		{"POST", "/groups", `{"groups":["one","a b/ü"],"users":["eve"]}`, 201, `[{"kind":"group","name":"one","properties":{},"roles":[],"users":["eve"]},{"kind":"group","name":"a b/ü","properties":{},"roles":[],"users":["eve"]}]`},
		{"GET", "/groups/a%20b%2F%C3%BC", "", 200, `{"kind":"group","name":"a b/ü","properties":{},"roles":[],"users":["eve"]}`},
		{"GET", "/users/eve", "", 200, ""},
	} {
		h.expect(request{method: c.method, path: c.path, body: c.body, token: root}, c.status, c.want)
	}
	if eve := must(h.directory.User(t.Context(), "eve"))(t); !slices.Equal(eve.Groups, []string{"a b/ü", "one"}) {
		t.Errorf("eve is in %v", eve.Groups)
	}
	for _, c := range []struct {
		scopes       []string
		method, path string
		status       int
		want         string
	}{
		{[]string{"read:groups!group=astro"}, "GET", "/groups/mine", 404, none},
		{[]string{"read:groups!group=astro"}, "GET", "/groups/nope", 404, none},
		{[]string{"read:groups!group=nope"}, "GET", "/groups/nope", 404, "No such group: nope"},
		{[]string{"read:groups:name"}, "GET", "/groups/astro", 200, `{"kind":"group","name":"astro"}`},
		{[]string{"read:roles:groups"}, "GET", "/groups/operators", 200, `{"kind":"group","name":"operators","roles":["operators"]}`},
		{[]string{"read:groups!group=astro"}, "GET", "/groups/astro", 200, `{"kind":"group","name":"astro","properties":{},"users":["ada","bob"]}`},
		{[]string{"list:groups"}, "GET", "/groups/astro", 200, `{"kind":"group","name":"astro"}`},
		{[]string{"self"}, "GET", "/groups/astro", 403, "Action is not authorized with current scopes; requires any of [read:groups, read:groups:name, read:roles:groups]"},
		{[]string{"groups!group=astro"}, "DELETE", "/groups/astro", 403, "Action is not authorized with current scopes; requires any of [delete:groups]"},
		{[]string{"delete:groups!group=mine"}, "DELETE", "/groups/astro", 404, none},
		{[]string{"groups"}, "POST", "/groups/late", 403, "Action is not authorized with current scopes; requires any of [admin:groups]"},
		{[]string{"admin:groups!group=late"}, "POST", "/groups", 403, "Action is not authorized with current scopes; requires any of [admin:groups]"},
		{[]string{"admin:groups!group=late"}, "POST", "/groups/late", 201, `{"kind":"group","name":"late","properties":{},"roles":[],"users":[]}`},
		{[]string{"admin:groups!group=late"}, "POST", "/groups/later", 404, none},
	} {
		h.expect(request{method: c.method, path: c.path, token: h.token("root", c.scopes...)}, c.status, c.want)
	}
	h.expect(request{method: "GET", path: "/groups"}, 403, "Missing or invalid credentials.")
}

// TestDeletedGroup: a later group of the same name has nothing of the first.
func TestDeletedGroup(t *testing.T) {
	h := newHub(t)
	h.withGroups()
	root := h.token("root", "inherit")
	h.expect(request{method: "POST", path: "/groups/operators/users", body: `{"users":["ada"]}`, token: root}, 200, "")
	h.expect(request{method: "PUT", path: "/groups/operators/properties", body: `{"a":1}`, token: root}, 200, "")
	h.expect(request{method: "DELETE", path: "/groups/operators", token: root}, 204, "")
	if ada := must(h.directory.User(t.Context(), "ada"))(t); slices.Contains(ada.Groups, "operators") {
		t.Error("ada is still a member")
	}
	h.expect(request{method: "POST", path: "/groups/operators", body: `{"users":["eve"]}`, token: root}, 201,
		`{"kind":"group","name":"operators","properties":{},"roles":[],"users":["eve"]}`)
	for _, name := range []string{"ada", "eve"} {
		h.expect(request{method: "POST", path: "/shutdown", token: h.token(name, "inherit")}, 403, "")
	}
}

// TestListGroups: pages in the order of creation, of those that may be seen.
func TestListGroups(t *testing.T) {
	h := newHub(t, func(s *settings) { s.api.PageDefaultLimit, s.api.PageMaxLimit = 2, 4 })
	err := h.store.Update(t.Context(), func(w store.Writer) error {
		for _, name := range []string{"d", "c", "b", "a", "e"} {
			if _, err := identity.CreateGroup(w, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		scope, query string
		wrapped      bool
		want         string
		total        int
	}{
		{"list:groups", "", false, "astro d c b", 0},
		{"list:groups", "?offset=3", false, "b a e", 0},
		{"list:groups", "?offset=-3&limit=-1", false, "b", 0},
		{"list:groups", "?offset=9", false, "", 0},
		{"list:groups", "", true, "astro d", 6},
		{"list:groups", "?limit=100&offset=4", true, "a e", 6},
		{"list:groups!group=a", "", true, "a", 1},
		{"list:groups!group=nope", "", true, "", 0},
		{"read:groups!group=a", "", false, "403", 0},
		{"list:groups!user=ada", "", false, "403", 0},
		{"list:groups", "?limit=x", false, "400", 0},
	} {
		r := request{method: "GET", path: "/groups" + c.query, token: h.token("root", c.scope)}
		if c.wrapped {
			r = r.with("Accept", "application/jupyterhub-pagination+json")
		}
		if c.scope == "list:groups!user=ada" {
			r.token = h.tokenWith(identity.NewToken{Owner: identity.ServiceOwner("portal"), Scopes: []string{"inherit"}})
			h.portalMay("list:groups!user=ada", "list:groups!group=a")
		}
		got := h.send(r)
		names := fmt.Sprint(got.Code)
		if got.Code == http.StatusOK {
			names = namesIn(t, got.Body.String(), c.wrapped)
		}
		if names != c.want {
			t.Errorf("%s with %s: %q, want %q", r.path, c.scope, names, c.want)
		}
		if c.wrapped && !strings.Contains(got.Body.String(), fmt.Sprintf(`"total":%d`, c.total)) {
			t.Errorf("%s with %s: %s, want %d in all", r.path, c.scope, got.Body, c.total)
		}
	}
}

// TestGroupsWithoutStore: trouble of ours is never a refusal, and nothing is half
// done wherever it begins.
func TestGroupsWithoutStore(t *testing.T) {
	h := newHub(t)
	root := h.token("root", "inherit")
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/groups", ""}, {"GET", "/groups/astro", ""}, {"POST", "/groups/new", `{"users":["ada"]}`},
		{"POST", "/groups", `{"groups":["new","newer"],"users":["ada"]}`}, {"DELETE", "/groups/astro", ""},
		{"POST", "/groups/astro/users", `{"users":["eve"]}`}, {"DELETE", "/groups/astro/users", `{"users":["ada"]}`},
		{"PUT", "/groups/astro/properties", `{"a":1}`}, {"GET", "/services", ""}, {"GET", "/services/portal", ""},
		{"POST", "/services/new", `{"api_token":"long-enough"}`}, {"DELETE", "/services/portal", ""},
	} {
		before := h.state()
		for transactions := 1; ; transactions++ {
			h.store.after(transactions)
			got := h.send(request{method: c.method, path: c.path, body: c.body, token: root})
			h.store.left.Store(0)
			if got.Code < 500 {
				break
			}
			if got.Code != 503 || got.Header().Get("Retry-After") == "" {
				t.Errorf("%s %s: %d %s", c.method, c.path, got.Code, got.Body)
			}
			if diff := cmp.Diff(before, h.state()); diff != "" {
				t.Errorf("%s %s, away after %d: %s", c.method, c.path, transactions, diff)
			}
			if transactions > 20 {
				t.Fatalf("%s %s: always %d", c.method, c.path, got.Code)
			}
		}
	}
}
