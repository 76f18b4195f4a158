package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

func TestCreateUsers(t *testing.T) {
	h := newHub(t)
	root := h.token("root", "inherit")
	post := func(body string) request { return request{method: "POST", path: "/users", body: body, token: root} }
	const nobody = "Must specify at least one user to create"
	for body, want := range map[string]string{
		"": nobody, "{}": nobody, "[]": nobody, `"x"`: nobody, "null": nobody, `{"usernames":[]}`: nobody, `{"usernames":""}`: nobody,
		`{"usernames":["a",1]}`:                   "usernames must be a list of strings, not ['a', 1]",
		`{"usernames":"abc"}`:                     "usernames must be a list of strings, not 'abc'",
		`{"usernames":["a"],"admin":"yes"}`:       "user.admin must be <class 'bool'>, not: <class 'str'>",
		`{"usernames":["a"],"admin":null}`:        "user.admin must be <class 'bool'>, not: <class 'NoneType'>",
		`{"usernames":["a"],"groups":{}}`:         "user.groups must be <class 'list'>, not: <class 'dict'>",
		`{"usernames":["a"],"name":1}`:            "user.name must be <class 'str'>, not: <class 'int'>",
		`{"usernames":["a"],"auth_state":1.5}`:    "user.auth_state must be <class 'dict'>, not: <class 'float'>",
		`{"usernames":["a"],"extra":[true,null]}`: "Invalid JSON keys: {'extra': [True, None]}",
		`{"usernames":["A/b"]}`:                   "Invalid username: a/b",
		`{"usernames":["ok","a/b",""," x"]}`:      "Invalid usernames: a/b, ,  x",
		`{"usernames":["a"]`:                      "Invalid JSON in body of request",
		`{"usernames":["a"]} {}`:                  "Invalid JSON in body of request",
		`{"usernames":[NaN]}`:                     "Invalid JSON in body of request",
		"{\"usernames\":[\"\xff\"]}":              "Invalid JSON in body of request",
		" ":                                       "Invalid JSON in body of request",
	} {
		h.expect(post(body), 400, want)
	}
	if h.exists("ok") || h.exists("a") {
		t.Error("a refused request has created somebody")
	}
	got := model[[]map[string]any](t, h.expect(post(`{"usernames":["Zoe","zoe","ada","yan"]}`), 201, ""))
	if len(got) != 2 || got[0]["name"] != "zoe" || got[1]["name"] != "yan" || got[0]["admin"] != false {
		t.Errorf("created: %v", got)
	}
	h.expect(post(`{"usernames":["ZOE","ada"]}`), 409, "All 2 users already exist")
	got = model[[]map[string]any](t, h.expect(post(`{"usernames":["boss"],"admin":true}`), 201, ""))
	if got[0]["admin"] != true || !cmp.Equal(got[0]["roles"], []any{"admin", "user"}) {
		t.Errorf("administrator: %v", got)
	}
	// A service with the scope but without the flag makes no administrators.
	grant := request{method: "POST", path: "/users", body: `{"usernames":["bad"],"admin":true}`, token: "portal-secret"}
	h.expect(grant, 403, "Only admins can grant admin permissions")
	grant.path, grant.body = "/users/bad", `{"admin":true}`
	h.expect(grant, 403, "Only admins can grant admin permissions")
	grant.method, grant.path = "PATCH", "/users/eve"
	h.expect(grant, 403, "Only admins can grant admin permissions")
	grant.path, grant.body = "/users/root", `{"admin":false}`
	h.expect(grant, 403, "Only admins can modify other admins")
	grant.body = `{"name":"eve"}`
	h.expect(grant, 400, "User eve already exists, username must be unique")
	if h.exists("bad") {
		t.Error("a refused user exists")
	}
	h.people.refuses.Store(true)
	h.expect(post(`{"usernames":["late"]}`), 400, "Failed to create user late: no room for late")
	if h.exists("late") {
		t.Error("the authenticator's refusal was not heard")
	}
}

func (h *hub) exists(name string) bool {
	h.t.Helper()
	_, err := h.directory.User(h.t.Context(), name)
	return err == nil
}

func TestCreateUser(t *testing.T) {
	h := newHub(t)
	root := h.token("root", "inherit")
	post := func(name, body string) request {
		return request{method: "POST", path: "/users/" + name, body: body, token: root}
	}
	h.expect(post("ada", "not json"), 400, "Invalid JSON in body of request")
	h.expect(post("ada", "[1]"), 409, "User ada already exists")
	h.expect(post("new", "[1]"), 400, "Invalid JSON data: [1]")
	h.expect(post("new", `{"admin":1}`), 400, "user.admin must be <class 'bool'>, not: <class 'int'>")
	for _, name := range []string{"New", "%20new", "a%2Fb", "%00", "a%0Ab", "%EF%BC%A1", "%2e%2e"} {
		if got := h.send(post(name, "")); got.Code != 400 || !strings.HasPrefix(message(got), "Failed to create user: ") {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	got := model[map[string]any](t, h.expect(post("sp%20ace@x~", `{"name":"ignored","admin":true,"roles":["x"],"groups":[]}`), 201, ""))
	if got["name"] != "sp ace@x~" || got["admin"] != true {
		t.Errorf("created: %v", got)
	}
	got = model[map[string]any](t, h.expect(request{method: "GET", path: "/users/sp%20ace%40x%7E", token: root}, 200, ""))
	if got["name"] != "sp ace@x~" {
		t.Errorf("read again: %v", got)
	}
}

// TestFields shows a user to callers with one scope each.
func TestFields(t *testing.T) {
	h := newHub(t)
	h.ready("ada", "")
	h.ready("ada", "lab")
	if _, err := h.directory.UpdateUser(t.Context(), "ada", func(user *identity.User) error {
		h.directory.SetAuthState(user, []byte(`{"secret":"sesame"}`))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for scope, want := range map[string]string{
		"read:users:name!user=ada":     "admin kind name",
		"read:users:groups!user=ada":   "groups kind name",
		"read:users:activity!user=ada": "kind last_activity name",
		"read:roles:users!user=ada":    "admin kind name roles",
		"read:users!group=astro":       "admin created groups kind last_activity name pending roles server",
		"read:servers!user=ada":        "admin kind name servers",
		"admin:users!user=ada":         "admin auth_state created groups kind last_activity name pending roles server",
	} {
		got := model[map[string]any](t, h.expect(request{method: "GET", path: "/users/ada", token: h.token("root", scope)}, 200, ""))
		if keys := keysOf(got); keys != want {
			t.Errorf("%s reveals %s, not %s", scope, keys, want)
		}
	}
	got := model[map[string]any](t, h.expect(request{method: "GET", path: "/users/ada", token: h.token("root", "admin:users")}, 200, ""))
	if got["server"] != "/user/ada/" || got["pending"] != nil || !cmp.Equal(got["auth_state"], map[string]any{"secret": "sesame"}) {
		t.Errorf("ada: %v", got)
	}
	// One server's reader sees that server and no other.
	one := h.token("root", "read:users:name!user=ada", "read:servers!server=ada/lab")
	got = model[map[string]any](t, h.expect(request{method: "GET", path: "/users/ada", token: one}, 200, ""))
	if keys := keysOf(got); keys != "admin kind name servers" || keysOf(got["servers"].(map[string]any)) != "lab" {
		t.Errorf("one server: %v", got)
	}
	list := model[[]map[string]any](t, h.expect(request{method: "GET", path: "/users", token: h.token("root", "inherit")}, 200, ""))
	for _, user := range list {
		if user["auth_state"] != nil {
			t.Errorf("a list tells auth state: %v", user)
		}
	}
}

func TestServerModel(t *testing.T) {
	h := newHub(t)
	h.ready("ada", "lab")
	h.ready("ada", "old lab")
	root := h.token("root", "inherit")
	h.expect(request{method: "DELETE", path: "/users/ada/servers/old%20lab", token: root}, 204, "")
	h.expect(request{method: "POST", path: "/users/ada/servers/opt", body: `{"image": "x", "n": [1]}`, token: root}, 201, "")
	read := func(path, token string) map[string]map[string]any {
		t.Helper()
		user := model[struct{ Servers map[string]map[string]any }](t, h.expect(request{method: "GET", path: path, token: token}, 200, ""))
		return user.Servers
	}
	servers := read("/users/ada", root)
	if len(servers) != 2 || servers["opt"]["user_options"].(map[string]any)["image"] != "x" {
		t.Errorf("active servers: %v", servers)
	}
	lab := servers["lab"]
	for key, want := range map[string]any{
		"name": "lab", "full_name": "ada/lab", "pending": nil, "ready": true, "stopped": false,
		"url": "/user/ada/lab/", "progress_url": "/hub/api/users/ada/servers/lab/progress",
		"full_url": nil, "full_progress_url": nil, "user_options": map[string]any{}, "state": map[string]any{"pid": 4711.0},
	} {
		if !cmp.Equal(lab[key], want) {
			t.Errorf("%s: %v, not %v", key, lab[key], want)
		}
	}
	if lab["started"] == nil || lab["last_activity"] == nil {
		t.Errorf("times: %v", lab)
	}
	for _, on := range []string{"include_stopped_servers", "include_stopped_servers=1", "include_stopped_servers=true", "include_stopped_servers=0&include_stopped_servers=yes"} {
		all := read("/users/ada?"+on, root)
		if stopped := all["old lab"]; len(all) != 4 || all[""]["stopped"] != true || stopped["stopped"] != true || stopped["started"] != nil ||
			stopped["progress_url"] != "/hub/api/users/ada/servers/old%20lab/progress" {
			t.Errorf("%s: %v", on, all)
		}
	}
	for _, off := range []string{"include_stopped_servers=0", "include_stopped_servers=False", "include_stopped_servers=%20false%20"} {
		if all := read("/users/ada?"+off, root); len(all) != 2 {
			t.Errorf("%s: %v", off, all)
		}
	}
	if state, told := read("/users/ada", h.token("ada", "inherit"))["lab"]["state"]; told {
		t.Errorf("the spawner's state is told: %v", state)
	}
	// Who may read servers and sees none gets an empty object.
	if got := read("/users/eve", h.token("eve", "inherit")); got == nil || len(got) != 0 {
		t.Errorf("no servers: %v", got)
	}
}

func TestChangeUser(t *testing.T) {
	h := newHub(t)
	root := h.token("root", "inherit")
	patch := func(name, body string) request {
		return request{method: "PATCH", path: "/users/" + name, body: body, token: root}
	}
	h.expect(patch("nobody", "{}"), 404, "Not Found")
	for body, want := range map[string]string{
		"":                          "Invalid JSON data: None",
		`[1]`:                       "Invalid JSON data: [1]",
		`{"x":1}`:                   "Invalid JSON keys: {'x': 1}",
		`{"admin":"no"}`:            "user.admin must be <class 'bool'>, not: <class 'str'>",
		`{"name":"bob"}`:            "User bob already exists, username must be unique",
		`{"name":"BOB"}`:            "User bob already exists, username must be unique",
		`{"name":""}`:               "Invalid username: ",
		`{"name":"a/b"}`:            "Invalid username: a/b",
		`{"groups":["x"]}`:          "user.groups cannot be changed here",
		`{"roles":[],"admin":true}`: "user.roles cannot be changed here",
	} {
		h.expect(patch("ada", body), 400, want)
	}
	if ada := h.user("ada"); ada.Admin {
		t.Error("a refused change has changed something")
	}
	got := model[map[string]any](t, h.expect(patch("ada", `{"admin":true,"auth_state":{"k":"v"},"name":"ada"}`), 200, ""))
	if got["admin"] != true || !cmp.Equal(got["auth_state"], map[string]any{"k": "v"}) {
		t.Errorf("changed: %v", got)
	}
	got = model[map[string]any](t, h.expect(patch("ada", `{"admin":false}`), 200, ""))
	if got["admin"] != false || !cmp.Equal(got["auth_state"], map[string]any{"k": "v"}) {
		t.Errorf("changed back: %v", got)
	}
}

func (h *hub) user(name string) identity.User {
	h.t.Helper()
	return must(h.directory.User(h.t.Context(), name))(h.t)
}

// TestRename takes everything along that a user has.
func TestRename(t *testing.T) {
	h := newHub(t)
	root, token := h.token("root", "inherit"), h.token("ada", "inherit")
	cookie, _ := h.session("ada")
	h.ready("ada", "lab")
	rename := request{method: "PATCH", path: "/users/ada", body: `{"name":"lovelace"}`, token: root}
	h.expect(rename, 400, "ada has running servers; stop them before changing the name")
	h.expect(request{method: "DELETE", path: "/users/ada/servers/lab", token: root}, 204, "")
	h.expect(request{method: "GET", path: "/user", token: token}, 200, "") // some activity
	before := model[map[string]any](t, h.expect(request{method: "GET", path: "/users/ada", token: root}, 200, ""))
	after := model[map[string]any](t, h.expect(rename, 200, ""))
	delete(after, "auth_state")
	delete(before, "auth_state")
	before["name"] = "lovelace"
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the model has changed beyond the name:\n%s", diff)
	}
	for name, r := range map[string]request{"token": {token: token}, "cookie": {cookie: cookie}} {
		r.method, r.path = "GET", "/user"
		if me := model[map[string]any](t, h.expect(r, 200, "")); me["name"] != "lovelace" {
			t.Errorf("by %s: %v", name, me)
		}
	}
	h.expect(request{method: "GET", path: "/users/ada", token: root}, 404, "Not Found")
	list := model[[]map[string]any](t, h.expect(request{method: "GET", path: "/users", token: h.token("root", "list:users!group=astro")}, 200, ""))
	if len(list) != 2 || list[0]["name"] != "lovelace" {
		t.Errorf("members: %v", list)
	}
	tokens := model[struct {
		API []map[string]any `json:"api_tokens"`
	}](t, h.expect(request{method: "GET", path: "/users/lovelace/tokens", token: token}, 200, ""))
	if len(tokens.API) != 1 || tokens.API[0]["user"] != "lovelace" {
		t.Errorf("tokens: %v", tokens)
	}
	// Somebody else may have the old name, and gets nothing with it.
	h.expect(request{method: "POST", path: "/users/ada", token: root}, 201, "")
	me := model[map[string]any](t, h.expect(request{method: "GET", path: "/user", token: token}, 200, ""))
	if me["name"] != "lovelace" || len(h.user("ada").Groups) != 0 {
		t.Errorf("the new ada has something of the old: %v", me)
	}
	h.expect(request{method: "DELETE", path: "/users/lovelace", token: root}, 204, "")
	h.expect(request{method: "GET", path: "/user", token: token}, 403, "Forbidden")
	h.expect(request{method: "GET", path: "/user", cookie: cookie}, 403, "Forbidden")
}

func TestDeleteUser(t *testing.T) {
	h := newHub(t, func(s *settings) { s.api.SlowStop = 300 * time.Millisecond })
	root := h.token("root", "inherit")
	remove := request{method: "DELETE", path: "/users/ada", token: root}
	h.expect(request{method: "DELETE", path: "/users/nobody", token: root}, 404, "Not Found")
	h.expect(request{method: "DELETE", path: "/users/root", token: root}, 400, "Cannot delete yourself!")
	h.ready("ada", "")
	h.ready("ada", "lab")
	h.spawner.cling()
	h.expect(remove, 400, "ada's server is in the process of stopping, please wait.")
	h.expect(remove, 400, "ada's server is in the process of stopping, please wait.")
	if !h.exists("ada") || h.people.deleted.Load() != nil {
		t.Error("the user is gone before the servers are")
	}
	h.spawner.release()
	for _, name := range []string{"", "lab"} {
		if _, err := h.servers.Wait(t.Context(), "ada", name, time.Minute); err != nil && name == "" {
			t.Fatal(err)
		}
	}
	h.expect(remove, 204, "")
	if h.people.deleted.Load() != "ada" || h.exists("ada") || len(h.spawner.running) != 0 {
		t.Error("something is left")
	}
}

// TestManyUsers bounds what one request may do.
func TestManyUsers(t *testing.T) {
	h := newHub(t)
	names := make([]string, 10000)
	for i := range names {
		names[i] = fmt.Sprintf("%q", fmt.Sprint("user", i))
	}
	r := request{method: "POST", path: "/users", token: h.token("root", "inherit")}
	r.body = `{"usernames":[` + strings.Join(names, ",") + `]}`
	h.expect(r, 400, "Must not specify more than 1000 users to create")
	r.body = `{"usernames":[` + strings.Join(names[:1000], ",") + `]}`
	if got := model[[]any](t, h.expect(r, 201, "")); len(got) != 1000 {
		t.Errorf("created %d", len(got))
	}
}
