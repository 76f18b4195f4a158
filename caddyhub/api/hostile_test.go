package api_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestHostile sends what no client of ours sends. Nothing of it may be an error
// of the hub, and nothing may change.
func TestHostile(t *testing.T) {
	h := newHub(t)
	root := h.token("root", "inherit")
	long, deep := strings.Repeat("a", 1<<20), strings.Repeat("[", 100000)
	for name, c := range map[string]struct {
		method, path, body string
		status             int
	}{
		"megabyte of user name in the path": {"GET", "/users/" + long, "", 404},
		"long user name":                    {"POST", "/users/" + strings.Repeat("a", 300), "", 400},
		"runes that no key holds":           {"POST", "/users/" + strings.Repeat("%C3%A4", 100), "", 400},
		"list of such":                      {"POST", "/users", `{"usernames":["` + strings.Repeat("ä", 100) + `"]}`, 400},
		"change to such":                    {"PATCH", "/users/eve", `{"name":"` + strings.Repeat("ä", 100) + `"}`, 400},
		"longer than any key":               {"POST", "/users/" + strings.Repeat("a", 800), "", 404},
		"long name that escapes to more":    {"POST", "/users/" + strings.Repeat("%20", 300), "", 404},
		"long server name":                  {"POST", "/users/ada/servers/" + strings.Repeat("a", 600), "", 400},
		"long name of a server to stop":     {"DELETE", "/users/ada/servers/" + strings.Repeat("a", 600), "", 404},
		"long name of a server to watch":    {"GET", "/users/ada/servers/" + strings.Repeat("%C3%A4", 100) + "/progress", "", 404},
		"long token id":                     {"GET", "/users/ada/tokens/" + strings.Repeat("a", 700), "", 404},
		"long names together":               {"GET", "/users/" + strings.Repeat("a", 400) + "/tokens/" + strings.Repeat("a", 400), "", 404},
		"NUL in a name":                     {"GET", "/users/%00", "", 404},
		"NUL in a new name":                 {"POST", "/users/a%00b", "", 400},
		"name that is no UTF-8":             {"GET", "/users/%ff", "", 400},
		"half a rune":                       {"GET", "/users/%e2%82", "", 400},
		"slash in a name":                   {"GET", "/users/ada%2Fserver", "", 404},
		"encoded twice":                     {"GET", "/users/%2561da", "", 404},
		"dots":                              {"GET", "/users/%2e%2e/tokens", "", 404},
		"dot segments":                      {"GET", "/users/ada/../root", "", 404},
		"newline in a name":                 {"DELETE", "/users/a%0d%0aX-Evil:%201", "", 404},
		"megabyte of body":                  {"POST", "/users", `{"usernames":["` + long + `"]}`, 413},
		"half a megabyte of name":           {"POST", "/users", `{"usernames":["` + long[:1<<19] + `"]}`, 400},
		"deep body":                         {"POST", "/users", deep, 400},
		"deep options":                      {"POST", "/users/ada/server", `{"a":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}", 201},
		"deeper keys":                       {"POST", "/users", strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000), 400},
		"huge number":                       {"POST", "/users/ada/tokens", `{"expires_in":1` + strings.Repeat("0", 100000) + "}", 400},
		"huge exponent":                     {"POST", "/users/ada/tokens", `{"expires_in":1e999999999}`, 400},
		"many scopes":                       {"POST", "/users/ada/tokens", `{"scopes":["self"` + strings.Repeat(`,"self"`, 5000) + "]}", 400},
		"long scope":                        {"POST", "/users/ada/tokens", `{"scopes":["read:users!user=` + long[:1<<19] + `"]}`, 400},
		"control characters in a scope":     {"POST", "/users/ada/tokens", `{"scopes":["read:users!user=a\u0000"]}`, 400},
		"long note":                         {"POST", "/users/ada/tokens", `{"note":"` + long[:2000] + `"}`, 400},
		"long new name":                     {"PATCH", "/users/eve", `{"name":"` + long[:1<<19] + `"}`, 400},
		"long state":                        {"GET", "/users?state=" + long[:1<<16], "", 400},
		"long sort":                         {"GET", "/users?sort=" + long[:1<<16], "", 400},
		"long filter":                       {"GET", "/users?name_filter=" + long[:1<<16], "", 200},
		"semicolon in the query":            {"GET", "/users?a;b=c", "", 400},
		"many servers in a report":          {"POST", "/users/ada/activity", `{"servers":{"` + long[:1<<19] + `":{"last_activity":"x"}}}`, 400},
		"odd method":                        {"BREW", "/users", "", 405},
	} {
		wire := httptest.NewRequest(c.method, "http://hub.test/", strings.NewReader(c.body))
		path, query, _ := strings.Cut(c.path, "?")
		wire.URL.RawQuery = query
		if err := setPath(wire, "/hub/api"+path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wire.Header.Set("Authorization", "token "+root)
		got := h.raw(wire)
		if got.Code != c.status {
			t.Errorf("%s: %d %.200s, want %d", name, got.Code, got.Body, c.status)
		}
		if got.Code >= 400 && got.Body.Len() > 6000 {
			t.Errorf("%s: %d bytes come back", name, got.Body.Len())
		}
	}
	if users := must(h.directory.Users(t.Context(), 0, 0))(t); len(users) != 4 {
		t.Errorf("there are %d users", len(users))
	}
	if tokens := h.tokens("ada"); len(tokens) != 1 { // that of the server that was started
		t.Errorf("there are %d tokens", len(tokens))
	}
}

func setPath(r *http.Request, escaped string) error {
	parsed, err := r.URL.Parse(escaped)
	if err != nil {
		return err
	}
	// Parse has cleaned the dots away.
	r.URL.RawPath, r.URL.Path = escaped, parsed.Path
	if plain, err := unescape(escaped); err == nil {
		r.URL.Path = plain
	}
	return nil
}

// TestBrokenBody ends a body before its time.
func TestBrokenBody(t *testing.T) {
	h := newHub(t)
	r := httptest.NewRequest("POST", "/hub/api/users", io.MultiReader(strings.NewReader(`{"usernames"`), broken{}))
	r.Header.Set("Authorization", "token "+h.token("root", "inherit"))
	if got := h.raw(r); got.Code != 400 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// TestOnTheWire sends bytes that Go's client would not.
func TestOnTheWire(t *testing.T) {
	h := newHub(t)
	site := httptest.NewServer(h.api)
	defer site.Close()
	for head, want := range map[string]string{
		"GET /hub/api/users/%zz HTTP/1.1\r\nHost: x\r\n":                                                           "400",
		"GET /hub/api/users/a b HTTP/1.1\r\nHost: x\r\n":                                                           "400",
		"GET /hub/api HTTP/1.1\r\nHost: x\r\n":                                                                     "200",
		"GET http://other.test/hub/api/ HTTP/1.1\r\nHost: x\r\n":                                                   "200",
		"GET /hub/api/user HTTP/1.1\r\nHost: x\r\nAuthorization: token a\r\nAuthorization: token b\r\n":            "400",
		"POST /hub/api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n":           "403",
		"POST /hub/api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n":                                "403",
		"HEAD /hub/health HTTP/1.1\r\nHost: x\r\n":                                                                 "200",
		"DELETE /hub/api/users/ada HTTP/1.1\r\nHost: x\r\nCookie: caddyhub-session=a.b; caddyhub-session=\xff\r\n": "403",
	} {
		connection := must(net.Dial("tcp", site.Listener.Addr().String()))(t)
		if _, err := io.WriteString(connection, head+"Connection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 12)
		if _, err := io.ReadFull(connection, answer); err != nil || string(answer[9:]) != want {
			t.Errorf("%q: %q, want %s (%v)", head, answer, want, err)
		}
		_ = connection.Close()
	}
}
