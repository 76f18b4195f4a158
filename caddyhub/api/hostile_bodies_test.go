package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// valid are values of the variables in paths. Those to be created do not exist,
// all others do.
var valid = strings.NewReplacer(
	"POST /groups/{group}/users", "POST /groups/astro/users", "POST /groups/{group}", "POST /groups/new",
	"POST /services/{service}", "POST /services/new", "POST /users/{user}/", "POST /users/ada/", "POST /users/{user}", "POST /users/new",
	"{user}", "ada", "{server}", "lab", "{group}", "astro", "{service}", "portal", "{token}", "a1", "{cookie}", "caddyhub-session",
)

// withoutBody are the endpoints that change something and do not look at a body.
var withoutBody = map[string]bool{
	"DELETE /users/{user}": true, "POST /users/{user}/admin-access": true, "DELETE /users/{user}/tokens/{token}": true,
	"DELETE /groups/{group}": true, "DELETE /services/{service}": true, "POST /proxy": true, "POST /authorizations/token": true,
}

// TestHostileBodies sends every endpoint that reads a body everything that it
// must not take: each time a clear refusal, which is short and cheap, and which
// has changed nothing.
func TestHostileBodies(t *testing.T) {
	long := strings.Repeat("a", 1<<20-100)
	names := func(n int, of string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(of+",", n), ",") + "]"
	}
	numbered := make([]string, 10_000)
	for i := range numbered {
		numbered[i] = fmt.Sprintf(`"name-%d"`, i)
	}
	many := "[" + strings.Join(numbered, ",") + "]"
	// A key of each is one that some endpoint knows.
	known := `"usernames":X,"groups":X,"users":X,"admin":X,"name":X,"last_activity":X,"servers":X,"scopes":X,"oauth_client_allowed_scopes":X,"api_token":X,"url":X,"proxy":X,"api_url":X,"remove":X,"auth":X,"note":X`
	all := func(value string) string { return "{" + strings.ReplaceAll(known, "X", value) + "}" }
	bodies := map[string]string{
		"no JSON": "{", "two values": "{}{}", "a comment": "{} // yes", "single quotes": "{'a':1}", "a form": "a=b&c=d",
		"NaN": `{"admin":NaN}`, "half a string": `{"a":"`, "a lone surrogate": all(`"\ud800"`), "invalid UTF-8": "{\"name\":\"\xff\"}",
		"UTF-16": "\xff\xfe{\x00}\x00", "a mark of the byte order": "\ufeff{}", "NUL": "\x00", "control characters": all(`"a\u0000\u001b[31m"`),
		"a list": "[1,2]", "a text": `"text"`, "a number": "17", "true": "true",
		"numbers": all("7"), "fractions": all("1.5"), "truths": all(`"true"`), "objects": all(`{"a":{"b":{}}}`), "lists of lists": all("[[]]"),
		"lists of null": all("[null]"), "unknown keys": all(`["x"]`), "empty names": all(`[""]`), "the constructor": all(`["__proto__"]`),
		"a megabyte of name": all(`"x"`)[:1] + `"name":"` + long + `"}`, "a megabyte in a list": `{"groups":["` + long + `"],"usernames":["` + long + `"]}`,
		"more than a megabyte": `{"a":"` + long + long + `"}`, "ten thousand names": strings.ReplaceAll(`{"usernames":X,"groups":X,"users":X,"scopes":X}`, "X", many),
		"ten thousand times the same": strings.ReplaceAll(`{"usernames":X,"groups":X,"users":X}`, "X", names(10_001, `"x"`)),
		"a hundred thousand values":   `{"users":` + names(100_000, "1") + "}", "a deep list": strings.Repeat("[", 500_000),
		"deep and closed": `{"users":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}", "too deep": strings.Repeat(`{"a":`, 11_000) + "1" + strings.Repeat("}", 11_000),
		"a huge number": `{"expires_in":1` + strings.Repeat("0", 100_000) + `,"admin":1` + strings.Repeat("0", 100_000) + "}",
		"many keys":     "{" + strings.Join(strings.Split(strings.ReplaceAll(strings.Trim(many, "[]"), `",`, `":1,`)+":1", ""), "") + "}",
	}
	h := newHub(t)
	root := h.token("root", "inherit")
	before := h.state()
	sent := 0
	for _, endpoint := range h.api.Endpoints() {
		name := endpoint[0] + " " + endpoint[1]
		if endpoint[0] == http.MethodGet || endpoint[0] == http.MethodHead || withoutBody[name] {
			continue
		}
		method, path, _ := strings.Cut(valid.Replace(name), " ")
		for what, body := range bodies {
			sent++
			wire := request{method: method, path: path, body: body, token: root}.http(t.Context())
			got, cost := h.costOf(wire)
			fine := slices.Contains(takes[name], what) || takesObjects[name] && got.Code < 300
			if fine != (got.Code < 300) || got.Code >= 500 && got.Code != http.StatusNotImplemented {
				t.Errorf("%s, %s: %d %.300s", name, what, got.Code, got.Body)
			}
			if got.Code >= 400 && got.Body.Len() > 6000 || got.Body.Len() > 100_000 {
				t.Errorf("%s, %s: %d bytes come back", name, what, got.Body.Len())
			}
			if cost > 64<<20 {
				t.Errorf("%s, %s: %d MiB of memory for %d bytes", name, what, cost>>20, len(body))
			}
			if got.Code < 300 {
				h = newHub(t)
				root = h.token("root", "inherit")
				before = h.state()
			} else if diff := cmp.Diff(before, h.state()); diff != "" {
				t.Errorf("%s, %s: %d %s, and changed: %s", name, what, got.Code, got.Body, diff)
				before = h.state()
			}
		}
	}
	if sent < 500 {
		t.Errorf("only %d bodies were sent", sent)
	}
}

// takesObjects are the endpoints that take an object with anything in it: some
// keep it as it is, for the others JupyterHub ignores keys that it does not know.
var takesObjects = map[string]bool{
	"POST /users/{user}/server": true, "POST /users/{user}/servers/{server}": true, "PUT /groups/{group}/properties": true,
	"DELETE /users/{user}/server": true, "POST /users/{user}/tokens": true, "PATCH /proxy": true,
}

// takes are bodies that are no mistake for another endpoint: the name is in the
// path.
var takes = map[string][]string{
	"POST /users/{user}": {"a megabyte of name"}, "POST /groups/{group}": {"a megabyte of name"},
}

// costOf sends a request and says how much memory that took, in bytes.
func (h *hub) costOf(wire *http.Request) (*httptest.ResponseRecorder, uint64) {
	h.t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := httptest.NewRecorder()
	h.api.ServeHTTP(got, wire)
	runtime.ReadMemStats(&after)
	if got.Code >= 400 {
		conforms(h.t, wire, got)
	}
	return got, after.TotalAlloc - before.TotalAlloc
}

// TestHostileNames puts into every path with a variable what no name is.
func TestHostileNames(t *testing.T) {
	h := newHub(t)
	root := h.token("root", "inherit")
	before := h.state()
	for _, endpoint := range h.api.Endpoints() {
		pattern := endpoint[1]
		for _, variable := range []string{"{user}", "{server}", "{group}", "{service}", "{token}", "{cookie}"} {
			if !strings.Contains(pattern, variable) {
				continue
			}
			for what, name := range map[string]string{
				"a megabyte": strings.Repeat("a", 1<<20), "longer than a key": strings.Repeat("a", 700), "not UTF-8": "%ff", "half a rune": "%e2%82",
				"escapes that grow": strings.Repeat("%20", 300), "an impossible group": strings.Repeat("%C3%A4", 100),
			} {
				_, path, _ := strings.Cut(valid.Replace("X "+strings.Replace(pattern, variable, name, 1)), " ")
				wire := httptest.NewRequest(endpoint[0], "http://hub.test/", nil)
				if err := setPath(wire, "/hub/api"+path); err != nil {
					t.Fatal(err)
				}
				wire.Header.Set("Authorization", "token "+root)
				got := h.raw(wire)
				if got.Code < 400 || got.Code >= 500 || got.Body.Len() > 2000 {
					t.Errorf("%s %s, %s: %d %.200s", endpoint[0], pattern, what, got.Code, got.Body)
				}
				if diff := cmp.Diff(before, h.state()); diff != "" {
					t.Fatalf("%s %s, %s: %d, and changed: %s", endpoint[0], pattern, what, got.Code, diff)
				}
			}
		}
	}
}
