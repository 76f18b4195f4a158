package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// request is a good authorization request with parameters changed; "" removes.
func (h *hub) request(changes ...string) string {
	query := url.Values{
		"client_id": {serverID}, "redirect_uri": {serverCallback}, "response_type": {"code"}, "state": {"state"},
	}
	for i := 0; i < len(changes); i += 2 {
		if query.Del(changes[i]); changes[i+1] != "" {
			query.Set(changes[i], changes[i+1])
		}
	}
	return h.URL + "/hub/api/oauth2/authorize?" + query.Encode()
}

// What is wrong with the client or its address is shown on a page. Nobody is
// redirected.
func TestRefusedOnPage(t *testing.T) {
	h := newHub(t)
	h.update(t, func(w store.Writer) error {
		aimless := identity.OAuthClient{ID: "aimless", RedirectURI: "/cb", Description: "nothing"}
		if err := h.directory.PutClient(w, aimless, "secret"); err != nil {
			return err
		}
		addressless := identity.OAuthClient{ID: "addressless", Target: adasServer.Target}
		if err := h.directory.PutClient(w, addressless, "secret"); err != nil {
			return err
		}
		secretless := identity.OAuthClient{ID: "secretless", RedirectURI: serverCallback, Target: adasServer.Target}
		return store.Collection[identity.OAuthClient]{Kind: "oauth_client"}.Put(w, secretless.ID, secretless, time.Time{})
	})
	ada, _ := h.login(t, "ada")
	eve, _ := h.login(t, "eve")
	raw := h.URL + "/hub/api/oauth2/authorize?"
	tests := []struct {
		name, address string
		visitor       *http.Client
		status        int
		message       string
	}{
		{"no client", h.request("client_id", ""), ada, 400, "Missing client_id parameter."},
		{"unknown client", h.request("client_id", "nobody"), ada, 400, "Invalid client_id parameter value."},
		{"the hub itself", h.request("client_id", "jupyterhub"), ada, 400, "Invalid client_id parameter value."},
		{"long client", h.request("client_id", strings.Repeat("x", 3000)), ada, 400, "Invalid client_id parameter value."},
		{"client without a secret", h.request("client_id", "secretless"), ada, 400, "Invalid client_id parameter value."},
		{"relative address", h.request("redirect_uri", "user/ada/oauth_callback"), ada, 400, "Invalid redirect URI."},
		{"scheme-relative", h.request("redirect_uri", "//evil.example/cb"), ada, 400, "Invalid redirect URI."},
		{"no address anywhere", h.request("client_id", "addressless", "redirect_uri", ""), ada, 400, "Missing redirect URI."},
		{"aimless client", h.request("client_id", "aimless", "redirect_uri", "/cb"), ada, 500, "OAuth configuration error"},
		{"no access", h.request(), eve, 403, "You do not have permission to access Server at /user/ada/"},
		{"malformed", raw + "client_id=%zz", ada, 400, "Unable to parse query string"},
		{"semicolons", raw + "client_id=a;state=b", ada, 400, "Unable to parse query string"},
		{"no UTF-8", raw + "client_id=%ff", ada, 400, "Unable to parse query string"},
		{"long query", raw + "state=" + strings.Repeat("x", 5000), ada, 414, "The query is too long."},
		{"no query", strings.TrimSuffix(raw, "?"), ada, 400, "Missing client_id parameter."},
	}
	for _, test := range tests {
		got := get(t, test.visitor, test.address)
		if got.StatusCode != test.status || got.body != test.message || got.Header.Get("Location") != "" {
			t.Errorf("%s: %d %q %q", test.name, got.StatusCode, got.Header.Get("Location"), got.body)
		}
	}
}

// An address is the registered one, character by character
// (CVE-2020-15233, CVE-2020-15234, CVE-2024-52289).
func TestRedirectURI(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	for _, client := range []struct{ id, uri string }{{serverID, serverCallback}, {serviceID, serviceCallback}} {
		good := client.uri
		variants := []string{
			good + "?x=1", good + "&x=1", good + "#fragment", good + "#", good + "/", good + "%20", good + " ", " " + good,
			strings.ToUpper(good), strings.Replace(good, "c", "C", 1), strings.Replace(good, "a", "%61", 1),
			strings.Replace(good, "cb", "%63b", 1) + "x", strings.Replace(good, "https://", "http://", 1) + "x",
			strings.Replace(good, "://", "://user:pass@", 1) + "x", strings.Replace(good, ".org", ".org:8443", 1) + "x",
			strings.Replace(good, ".org", ".org:443", 1) + "x", strings.Replace(good, ".org", ".org.evil.example", 1) + "x",
			strings.Replace(good, ".org", ".org@evil.example", 1) + "x", strings.TrimSuffix(good, "1") + "2",
			"https://evil.example" + good, "//evil.example" + good, `/\evil.example` + good, "javascript:alert(1)//" + good,
			h.URL + good, good + "/../x", "/x/.." + good, good + "\r\nX: y", good + "\x00", good[:len(good)-1], "x", "https://",
		}
		for _, uri := range variants {
			if uri == good {
				t.Fatal("not a variant")
			}
			got := get(t, ada, h.request("client_id", client.id, "redirect_uri", uri))
			if got.StatusCode != http.StatusBadRequest || !strings.HasSuffix(got.body, " redirect URI.") || got.Header.Get("Location") != "" {
				t.Errorf("%q: %d %q %q", uri, got.StatusCode, got.Header.Get("Location"), got.body)
			}
		}
	}
	// Left out, it is the registered one, and is left out of the exchange too.
	told := get(t, ada, h.request("redirect_uri", "")).told(serverCallback)
	if got := h.exchange(t, told.Get("code"), "redirect_uri", ""); got.StatusCode != http.StatusOK {
		t.Errorf("left out: %d %s", got.StatusCode, got.body)
	}
}

// Other mistakes are told to the client, with its state.
func TestRefusedByRedirect(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	grafana := []string{"client_id", serviceID, "redirect_uri", serviceCallback}
	tests := []struct {
		name        string
		address     string
		callback    string
		code, about string
	}{
		{"no response type", h.request("response_type", ""), serverCallback, "invalid_request", "Missing response_type parameter."},
		{"implicit grant", h.request("response_type", "token"), serverCallback, "unsupported_response_type", ""},
		{"hybrid", h.request("response_type", "code token"), serverCallback, "unsupported_response_type", ""},
		{"unknown scope", h.request("scope", "no:such"), serverCallback, "invalid_scope", ""},
		{"malformed scope", h.request("scope", "read:users!"), serverCallback, "invalid_scope", ""},
		{"scope beyond the client", h.request("scope", "admin:users"), serverCallback, "invalid_scope", ""},
		{"role beyond the client", h.request("scope", "admin"), serverCallback, "invalid_scope", ""},
		{"all of the user", h.request("scope", "inherit"), serverCallback, "invalid_scope", ""},
		{"other filter", h.request(append(grafana, "scope", "tokens!user=bob")...), serviceCallback, "invalid_scope", ""},
		{"wider filter", h.request(append(grafana, "scope", "tokens")...), serviceCallback, "invalid_scope", ""},
		{"address with a query", h.request(append(grafana, "response_type", "id_token")...), serviceCallback, "unsupported_response_type", ""},
	}
	for _, test := range tests {
		got := get(t, ada, test.address)
		told := got.told(test.callback)
		if told.Get("error") != test.code || told.Get("error_description") != test.about || told.Get("state") != "state" || told.Has("code") {
			t.Errorf("%s: %d %q %s", test.name, got.StatusCode, got.Header.Get("Location"), got.body)
		}
	}
	if told := get(t, ada, h.request("response_type", "", "state", "")).told(serverCallback); told == nil || told.Has("state") {
		t.Errorf("a state that was not sent: %v", told)
	}
}

func TestDuplicateParameters(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "state", "scope", "code_challenge", "code_challenge_method"} {
		for _, value := range []string{"x", ""} {
			address := h.request("code_challenge", challenge, "code_challenge_method", "S256", "scope", "identify")
			got := get(t, ada, address+"&"+url.Values{name: {value}}.Encode())
			if got.StatusCode != http.StatusBadRequest || got.body != "Duplicate "+name+" parameter." || got.Header.Get("Location") != "" {
				t.Errorf("%s=%s: %d %q %q", name, value, got.StatusCode, got.Header.Get("Location"), got.body)
			}
		}
	}
	if told := get(t, ada, h.request()+"&other=1&other=2").told(serverCallback); told.Get("code") == "" {
		t.Error("a parameter that means nothing here is not ignored")
	}
}

// What the request says is neither on a page nor in a header but encoded.
func TestHostileParameters(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	bob, _ := h.login(t, "bob")
	hostile := []string{
		`"><script>alert(1)</script>`, `<script>alert(1)</script>`, `javascript:alert(1)`, `'onload='alert(1)`, "a\r\nSet-Cookie: x=<script>alert(1)</script>",
		`{{.XSRF}}<script>alert(1)</script>`, "/cb#<script>alert(1)</script>", "&code=<script>alert(1)</script>&error=<script>alert(1)</script>", "\u2028<script>alert(1)</script>",
	}
	for _, visitor := range []*http.Client{ada, bob} {
		for _, name := range []string{"client_id", "redirect_uri", "response_type", "state", "scope", "code_challenge", "code_challenge_method", "_xsrf", "other"} {
			for _, text := range hostile {
				got := get(t, visitor, h.request(name, text))
				location := got.Header.Get("Location")
				if strings.Contains(got.body, "alert(1)") || strings.ContainsAny(location, "<>\"' \r\n") || got.Header.Get("Set-Cookie") != "" && strings.Contains(got.Header.Get("Set-Cookie"), "x=") {
					t.Errorf("%s=%q: %q %s", name, text, location, got.body)
				}
				if location == "" {
					continue
				}
				told := got.told(serverCallback)
				if want := map[bool]string{true: text, false: "state"}[name == "state"]; told.Get("state") != want || len(told["code"])+len(told["error"]) != 1 {
					t.Errorf("%s=%q tells %v", name, text, told)
				}
			}
		}
	}
}

// teach gives eve access to the servers of a class that ada is in.
func (h *hub) teach(t *testing.T) {
	t.Helper()
	config := configuration()
	config.Roles = append(config.Roles, identity.ConfiguredRole{
		Role: identity.Role{Name: "teacher", Scopes: []string{"access:servers!group=class"}}, Users: []string{"eve"},
	})
	config.Groups = append(config.Groups, identity.ConfiguredGroup{Name: "class", Users: []string{"ada"}})
	if err := h.directory.Apply(t.Context(), config); err != nil {
		t.Fatal(err)
	}
}

// Groups decide about access, at the moment of the request.
func TestAccessThroughGroup(t *testing.T) {
	h := newHub(t)
	h.teach(t)
	eve, _ := h.login(t, "eve")
	page := get(t, eve, h.request())
	if page.StatusCode != http.StatusOK || len(page.fields("_xsrf")) != 1 {
		t.Fatalf("%d %s", page.StatusCode, page.body)
	}
	told := post(t, eve, h.request(), url.Values{"_xsrf": page.fields("_xsrf"), "scopes": page.fields("scopes")}).told(serverCallback)
	token, err := h.server().Exchange(t.Context(), told.Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	who, err := h.directory.ByToken(t.Context(), token.AccessToken)
	if err != nil || who.Scopes.Check("access:servers", scope.OnServer("ada", ""), nil) != scope.Granted {
		t.Errorf("%+v, %v", who, err)
	}
	if _, err := h.directory.SetGroups(t.Context(), "ada", nil); err != nil {
		t.Fatal(err)
	}
	if got := get(t, eve, h.request()); got.StatusCode != http.StatusForbidden {
		t.Errorf("after ada left the class: %d", got.StatusCode)
	}
}
