package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

func TestCreateToken(t *testing.T) {
	h := newHub(t)
	ada := h.token("ada", "inherit")
	post := func(body string) request {
		return request{method: "POST", path: "/users/ada/tokens", body: body, token: ada}
	}
	for body, want := range map[string]string{
		`[1]`:                                  "Body must be a JSON dict or empty",
		`"x"`:                                  "Body must be a JSON dict or empty",
		`{`:                                    "Invalid JSON in body of request",
		`{"scopes":"self"}`:                    "token scopes must be null or a list of strings, not 'self'",
		`{"scopes":[1]}`:                       "token scopes must be null or a list of strings, not [1]",
		`{"roles":{"a":1}}`:                    "token roles must be null or a list of strings, not {'a': 1}",
		`{"roles":["user"],"scopes":[]}`:       "Can only assign one of scopes or roles when creating tokens.",
		`{"roles":["nobody"]}`:                 "No such role: nobody",
		`{"scopes":["no:such"]}`:               `"Scope 'no:such' for token does not exist"`,
		`{"scopes":["read:users!x=y"]}`:        `"Scope filter x=y '!x=y' in scope 'read:users!x=y' for token does not exist"`,
		`{"scopes":["all"]}`:                   `"Draft scope 'all' is now called 'inherit'"`,
		`{"scopes":["admin:users","self"]}`:    "",
		`{"scopes":["inherit","read:hub"]}`:    "Not assigning requested scopes read:hub not held by User ada",
		`{"roles":["admin"]}`:                  "",
		`{"expires_in":"1"}`:                   "token expires_in must be null or integer, not '1'",
		`{"expires_in":1.5}`:                   "token expires_in must be null or integer, not 1.5",
		`{"expires_in":1e3}`:                   "token expires_in must be null or integer, not 1000.0",
		`{"expires_in":true}`:                  "token expires_in must be null or integer, not True",
		`{"expires_in":-1}`:                    "expires_in must be a positive integer or null, not -1",
		`{"expires_in":-99999999999999999999}`: "expires_in must be a positive integer or null, not -99999999999999999999",
		`{"expires_in":99999999999999999999}`:  "token expires_in: 99999999999999999999 must not exceed 9223372036",
		`{"note":5}`:                           "token note must be null or a string of at most 1023 bytes, not 5",
	} {
		got := h.expect(post(body), 400, want)
		if want == "" && !strings.HasPrefix(message(got), "Not assigning requested scopes ") {
			t.Errorf("%s: %s", body, got.Body)
		}
	}
	if tokens := h.tokens("ada"); len(tokens) != 1 {
		t.Errorf("refused requests have made tokens: %v", tokens)
	}
	for body, scopes := range map[string][]string{
		``:                                     scope.SelfScopes("ada").Strings(),
		`[]`:                                   scope.SelfScopes("ada").Strings(),
		`{"scopes":null,"expires_in":null}`:    scope.SelfScopes("ada").Strings(),
		`{"roles":["user"]}`:                   scope.SelfScopes("ada").Strings(),
		`{"scopes":[]}`:                        {"read:users:groups!user=ada", "read:users:name!user=ada"},
		`{"scopes":["read:tokens!user"]}`:      {"read:tokens!user=ada", "read:users:groups!user=ada", "read:users:name!user=ada"},
		`{"scopes":["access:servers!server"]}`: {"read:users:groups!user=ada", "read:users:name!user=ada"},
	} {
		got := model[map[string]any](t, h.expect(post(body), 201, ""))
		var granted []string
		for _, text := range got["scopes"].([]any) {
			granted = append(granted, text.(string))
		}
		if diff := cmp.Diff(scopes, granted); diff != "" {
			t.Errorf("%s: scopes\n%s", body, diff)
		}
		if secret := got["token"].(string); len(secret) != 32 || strings.Trim(secret, "0123456789abcdef") != "" {
			t.Errorf("%s: secret %q", body, secret)
		}
		if got["note"] != "Requested via api" || got["oauth_client"] != "JupyterHub" || got["expires_at"] != nil || got["user"] != "ada" {
			t.Errorf("%s: %v", body, got)
		}
		h.expect(request{method: "GET", path: "/user", token: got["token"].(string)}, 200, "")
	}
	got := model[map[string]any](t, h.expect(post(`{"note":"mine","expires_in":60}`), 201, ""))
	if got["note"] != "mine" || got["expires_at"] == nil {
		t.Errorf("note and end: %v", got)
	}
}

// tokens are the models of a user's tokens, as the administrator sees them.
func (h *hub) tokens(user string) []map[string]any {
	h.t.Helper()
	got := h.expect(request{method: "GET", path: "/users/" + user + "/tokens", token: h.token("root", "inherit")}, 200, "")
	return model[struct {
		Tokens []map[string]any `json:"api_tokens"`
	}](h.t, got).Tokens
}

func TestCreateTokenForOthers(t *testing.T) {
	h := newHub(t)
	post := func(user, token string) request {
		return request{method: "POST", path: "/users/" + user + "/tokens", token: token}
	}
	root := h.token("root", "inherit")
	for token, note := range map[string]string{
		root: "Requested via api by user root", "portal-secret": "Requested via api by service portal",
	} {
		got := model[map[string]any](t, h.expect(post("ada", token), 201, ""))
		if got["note"] != note || got["user"] != "ada" {
			t.Errorf("%v, not %s", got, note)
		}
	}
	const who = " not found or no permissions to generate tokens"
	h.expect(post("nobody", root), 403, "User nobody"+who)
	h.expect(post("nobody", "portal-secret"), 403, "Service nobody"+who)
	h.expect(post("bob", h.token("ada", "inherit")), 403, "User bob"+who)
	h.expect(post("eve", h.token("root", "tokens!group=astro")), 403, "User eve"+who)
	h.expect(post("bob", h.token("root", "tokens!group=astro")), 201, "")
	h.expect(post("ada", h.token("ada", "read:tokens")), 403, "User ada"+who)
	cookie, xsrf := h.session("ada")
	r := post("ada", "")
	r.cookie = cookie
	h.expect(r, 403, "'_xsrf' argument missing from POST")
	h.expect(r.with("X-XSRFToken", xsrf), 201, "")
	// Not even with a password beside it does a cookie speak for a foreign page.
	r.body = `{"auth":{"username":"ada","password":"ada"}}`
	h.expect(r, 403, "'_xsrf' argument missing from POST")
}

func TestMaxLifetime(t *testing.T) {
	h := newHub(t, func(s *settings) { s.api.TokenMaxLifetime = time.Hour })
	for body, want := range map[string]int{"": 201, `{"expires_in":0}`: 201, `{"expires_in":null}`: 201, `{"expires_in":3600}`: 201, `{"expires_in":3601}`: 400} {
		r := request{method: "POST", path: "/users/ada/tokens", token: h.token("ada", "inherit"), body: body}
		got := h.expect(r, want, "")
		if want == 400 && message(got) != "token expires_in: 3601 must not exceed 3600" {
			t.Error(got.Body)
		}
		if want == 201 && model[map[string]any](t, got)["expires_at"] == nil {
			t.Errorf("%s makes a token without end", body)
		}
	}
}

// TestAuthenticateForToken proves who one is in the body.
func TestAuthenticateForToken(t *testing.T) {
	h := newHub(t)
	post := func(user, auth string) request {
		return request{method: "POST", path: "/users/" + user + "/tokens", body: `{"auth":` + auth + `}`}
	}
	const bob = `{"username":"bob","password":"bob"}`
	for _, auth := range []string{`null`, `"bob"`, `{}`, `{"username":"bob"}`, `{"username":"bob","password":"wrong"}`,
		`{"username":["bob"],"password":"bob"}`, `[]`, `{"username":"otto2","password":"2otto"}`} {
		h.expect(post("bob", auth), 403, "Forbidden")
	}
	if h.exists("otto2") {
		t.Error("a request for a token has created a user")
	}
	h.expect(post("ada", bob), 403, "User ada not found or no permissions to generate tokens")
	got := model[map[string]any](t, h.expect(post("bob", bob).with("Origin", "https://elsewhere.test"), 201, ""))
	if got["note"] != "Requested via api" {
		t.Errorf("note: %v", got)
	}
	h.people.down.Store(true)
	if got := h.send(post("bob", bob)); got.Code != 503 || got.Header().Get("Retry-After") == "" {
		t.Errorf("authenticator away: %d %s", got.Code, got.Body)
	}
}

func TestTokens(t *testing.T) {
	h := newHub(t)
	root := h.token("root", "inherit")
	first, second := h.token("ada", "inherit"), h.token("ada", "inherit")
	h.expect(request{method: "GET", path: "/user", token: first}, 200, "")
	list := h.tokens("ada")
	if len(list) != 2 || list[0]["last_activity"] == nil == (list[1]["last_activity"] == nil) {
		t.Fatalf("tokens: %v", list)
	}
	used := func(token map[string]any) string {
		if last, is := token["last_activity"].(string); is {
			return last
		}
		return token["created"].(string)
	}
	if used(list[0]) > used(list[1]) {
		t.Errorf("not sorted by use: %v", list)
	}
	for _, token := range list {
		one := model[map[string]any](t, h.expect(request{method: "GET", path: "/users/ada/tokens/" + token["id"].(string), token: root}, 200, ""))
		if diff := cmp.Diff(token, one); diff != "" {
			t.Errorf("alone and in the list: %s", diff)
		}
		if _, told := one["token"]; told {
			t.Error("the secret is told again")
		}
	}
	id := list[0]["id"].(string)
	for _, wrong := range []string{"a9999", "9999", "a", "", "x1", "a-1", "a01", "a1x", "a99999999999999999999999", strings.ToUpper(id), "%00"} {
		for _, method := range []string{"GET", "DELETE"} {
			got := h.expect(request{method: method, path: "/users/ada/tokens/" + wrong, token: root}, 404, "")
			if !strings.HasPrefix(message(got), "No such token ") || !strings.HasSuffix(message(got), " for user ada") {
				t.Errorf("%s %s: %s", method, wrong, got.Body)
			}
		}
	}
	h.expect(request{method: "GET", path: "/users/bob/tokens/" + id, token: root}, 404, "No such token "+id+" for user bob")
	h.expect(request{method: "GET", path: "/users/nobody/tokens/" + id, token: root}, 404, "No such user: nobody")
	h.expect(request{method: "DELETE", path: "/users/nobody/tokens/" + id, token: root}, 404, "No such user: nobody")
	h.expect(request{method: "GET", path: "/users/nobody/tokens", token: root}, 404, "No such user: nobody")
	for _, token := range list {
		h.expect(request{method: "DELETE", path: "/users/ada/tokens/" + token["id"].(string), token: root}, 204, "")
	}
	for _, secret := range []string{first, second} {
		h.expect(request{method: "GET", path: "/user", token: secret}, 403, "Forbidden")
	}
}

// TestDeleteOAuthToken takes away all that a client has of a user.
func TestDeleteOAuthToken(t *testing.T) {
	h := newHub(t)
	var secrets []string
	for _, user := range []string{"ada", "ada", "bob"} {
		secrets = append(secrets, h.tokenWith(identity.NewToken{
			Owner: identity.UserOwner(user), Scopes: []string{"read:users!user"}, ClientID: "service-grafana",
		}))
	}
	mine := h.token("ada", "inherit")
	browser := h.tokenWith(identity.NewToken{
		Owner: identity.UserOwner("eve"), Scopes: []string{"self"}, ClientID: "service-grafana", BrowserSession: "one login",
	})
	if eve := h.tokens("eve"); eve[0]["session_id"] != "one login" {
		t.Errorf("token of a login: %v", eve)
	}
	h.expect(request{method: "GET", path: "/user", token: browser}, 200, "")
	list := h.tokens("ada")
	i := slices.IndexFunc(list, func(token map[string]any) bool { return token["oauth_client"] == "service-grafana" })
	h.expect(request{method: "DELETE", path: fmt.Sprint("/users/ada/tokens/", list[i]["id"]), token: mine}, 204, "")
	for i, want := range []int{403, 403, 200} {
		h.expect(request{method: "GET", path: "/user", token: secrets[i]}, want, "")
	}
	h.expect(request{method: "GET", path: "/user", token: mine}, 200, "")
}

func TestWhoseToken(t *testing.T) {
	h := newHub(t)
	ada := h.token("ada", "inherit")
	ask := request{method: "GET", path: "/authorizations/token/" + ada}
	h.expect(ask, 403, "Forbidden")
	ask.cookie, _ = h.session("root")
	h.expect(ask, 403, "Forbidden")
	ask.cookie, ask.token = "", h.token("bob", "inherit")
	got := model[map[string]any](t, h.expect(ask, 200, ""))
	if keys := keysOf(got); keys != "admin groups kind name" || got["name"] != "ada" {
		t.Errorf("owner: %v", got)
	}
	ask.path = "/authorizations/token/portal-secret"
	if got := model[map[string]any](t, h.expect(ask, 200, "")); got["kind"] != "service" || got["name"] != "portal" {
		t.Errorf("service: %v", got)
	}
	for _, unknown := range []string{"nonsense", "short", strings.Repeat("x", 700)} {
		ask.path = "/authorizations/token/" + unknown
		h.expect(ask, 404, "Not Found")
	}
}
