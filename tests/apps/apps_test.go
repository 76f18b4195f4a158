package apps_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// jwks are the keys of a hub by their ids, as whoever verifies reads them.
func jwks(t *testing.T, hub *hubtest.Hub) map[string]any {
	t.Helper()
	answer := hub.Anonymous().Do(http.MethodGet, "/hub/.well-known/jwks.json", nil)
	if answer.Status != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Cache-Control"), "public, max-age=") {
		t.Fatalf("JWKS: %s", answer)
	}
	var document struct{ Keys []map[string]string }
	answer.JSON(t, &document)
	decode := func(text string) []byte {
		data, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	keys := make(map[string]any)
	for _, key := range document.Keys {
		if key["kty"] == "OKP" {
			keys[key["kid"]] = ed25519.PublicKey(decode(key["x"]))
			continue
		}
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, decode(key["x"]), decode(key["y"])))
		if err != nil {
			t.Fatal(err)
		}
		keys[key["kid"]] = public
	}
	return keys
}

// verify reads a token as an app does.
func verify(t *testing.T, token, hub, audience string, keys map[string]any) jwt.MapClaims {
	t.Helper()
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(
		jwt.WithValidMethods([]string{"ES256", "EdDSA"}), jwt.WithIssuer(hub+"/hub"), jwt.WithAudience(audience), jwt.WithExpirationRequired(),
	).ParseWithClaims(token, claims, func(token *jwt.Token) (any, error) {
		if key, known := keys[token.Header["kid"].(string)]; known {
			return key, nil
		}
		return nil, fmt.Errorf("no key %v among %d", token.Header["kid"], len(keys))
	})
	if err != nil {
		t.Fatalf("%s: %v", token, err)
	}
	return claims
}

// TestAppOnAnotherHost: somebody comes to an app, logs in at the hub, comes back,
// and is somebody there.
func TestAppOnAnotherHost(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]string{"grafana": `scopes ` + ofGrafana + `
		identity_header X-WEBAUTH-USER
		identity_header X-WEBAUTH-ROLE "{http.auth.user.kind}:{http.auth.user.admin}:{http.auth.user.groups}:{http.auth.user.scopes}"
		jwt`})
	page := s.at("grafana", "/d/1?a=b")
	ada := browser(s.Anonymous())
	answer, at := visit(t, ada, page)
	if answer.Status != http.StatusOK || !strings.HasPrefix(at, s.URL+"/hub/login?next=") {
		t.Fatalf("sent to %s: %s", at, answer)
	}
	if answer := ada.SubmitLogin("ada", hubtest.Password); answer.Status != http.StatusFound {
		t.Fatalf("login: %s", answer)
	}
	answer, at = visit(t, ada, page)
	got, ok := passed(t, answer)
	if !ok || at != page {
		t.Fatalf("after the login at %s: %s", at, answer)
	}
	if got.Target != "/d/1?a=b" || got.Host != fmt.Sprintf("grafana.localhost:%d", s.port) || got.Header.Get("X-Webauth-User") != "ada" ||
		got.Header.Get("X-Webauth-Role") != "user:false:astro:"+ofGrafana+" custom:grafana:edit" {
		t.Errorf("the app got %+v", got)
	}
	if got.Header.Get("Cookie") != "" || got.Header.Get("Authorization") != "" {
		t.Errorf("credentials at the app: %v", got.Header)
	}
	claims := verify(t, got.Header.Get("X-Jwt-Assertion"), s.URL, s.at("grafana", ""), jwks(t, s.Hub))
	want := jwt.MapClaims{"sub": "ada", "kind": "user", "groups": []any{"astro"}, "scopes": []any{ofGrafana, "custom:grafana:edit"}}
	found := jwt.MapClaims{"sub": claims["sub"], "kind": claims["kind"], "groups": claims["groups"], "scopes": claims["scopes"]}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("claims (-want +got)\n%s", diff)
	}
	// What somebody says of himself counts for nothing.
	answer = get(t, ada, page, append(navigation, "x-webauth-USER", "root", "X_WEBAUTH_USER", "root", "X-Forwarded-User", "root", "X-Jwt-Assertion", "x")...)
	if got, ok := passed(t, answer); !ok || got.Header.Get("X-Webauth-User") != "ada" || strings.Contains(fmt.Sprint(got.Header), "root") {
		t.Errorf("spoofed: %s", answer)
	}
	if answer := send(t, ada, http.MethodPost, page, "x", "Origin", "https://evil.localhost"); answer.Status != http.StatusForbidden {
		t.Errorf("a write of another site: %s", answer)
	}
	if answer := send(t, ada, http.MethodPost, page, "x", "Origin", s.at("grafana", "")); answer.Status != http.StatusOK {
		t.Errorf("a write of its own page: %s", answer)
	}
	if answer := get(t, browser(s.Anonymous()), page, api...); answer.Status != http.StatusUnauthorized || !strings.Contains(string(answer.Body), s.URL+"/hub/login") {
		t.Errorf("a script of nobody's: %s", answer)
	}
	if bob := browser(s.LogIn("bob")); true {
		if answer, at := visit(t, bob, page); answer.Status != http.StatusForbidden || at != page {
			t.Errorf("bob at %s: %s", at, answer)
		}
	}
	if answer := get(t, ada, s.URL+"/hub/logout", navigation...); answer.Status >= 400 {
		t.Fatalf("logout: %s", answer)
	}
	if answer := get(t, ada, page, api...); answer.Status != http.StatusUnauthorized {
		t.Errorf("after the logout: %s", answer)
	}
	if log := s.Log(); strings.Contains(log, claims["jti"].(string)) || strings.Contains(log, got.Header.Get("X-Jwt-Assertion")) {
		t.Error("the token is in the log")
	}
}

// TestRules: each rule lets in whom it names.
func TestRules(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]string{
		"scopes": "scopes " + ofGrafana, "users": "users Ada", "groups": "groups astro",
		"known": "allow authenticated", "open": "allow anonymous\nidentity_header X-User",
	})
	ada, bob, nobody := browser(s.LogIn("ada")), browser(s.LogIn("bob")), browser(s.Anonymous())
	monitor, narrow := []string{"Authorization", "token " + monitorToken}, []string{"Authorization", "token " + s.Token("ada", "--scopes", "read:users!user=ada")}
	for name, may := range map[string][]string{
		"scopes": {"ada", "monitor"}, "users": {"ada"}, "groups": {"ada"},
		"known": {"ada", "bob", "monitor"}, "open": {"ada", "bob", "monitor", "nobody", "narrow"},
	} {
		for who, answer := range map[string]func(address string) hubtest.Answer{
			"ada":     func(address string) hubtest.Answer { answer, _ := visit(t, ada, address); return answer },
			"bob":     func(address string) hubtest.Answer { answer, _ := visit(t, bob, address); return answer },
			"nobody":  func(address string) hubtest.Answer { answer, _ := visit(t, nobody, address); return answer },
			"monitor": func(address string) hubtest.Answer { return get(t, nobody, address, monitor...) },
			"narrow":  func(address string) hubtest.Answer { return get(t, nobody, address, narrow...) },
		} {
			got := answer(s.at(name, "/x"))
			if _, ok := passed(t, got); ok != slices.Contains(may, who) {
				t.Errorf("%s, %s: %s", name, who, got)
			}
		}
	}
	if got, _ := passed(t, get(t, nobody, s.at("open", "/"), "X-User", "root", "X.user", "root")); got.Header["X-User"] != nil {
		t.Errorf("nobody is %v", got.Header)
	}
	// A loss of rights counts at the next request.
	root := s.API(s.Token("root"))
	if answer := root.Do(http.MethodDelete, "/hub/api/groups/astro/users", map[string]any{"users": []string{"ada"}}); answer.Status != http.StatusOK {
		t.Fatal(answer)
	}
	if answer := get(t, ada, s.at("groups", "/x"), api...); answer.Status != http.StatusForbidden {
		t.Errorf("out of the group: %s", answer)
	}
}

// TestAppOnTheHubsHost: the session of the hub counts below a path as well, beside
// the hub.
func TestAppOnTheHubsHost(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "index.html"), []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, nil, func(o *hubtest.Options) {
		o.Environment = []string{"canary=of-the-environment"}
		o.Site = `log
	hub_auth /grafana/* {
		allow authenticated
		identity_header X-Who "{http.auth.user.id} {http.auth.user.groups}"
	}
	reverse_proxy /grafana/* UPSTREAM {
		header_up X-User {http.auth.user.id}
		header_up X-Says {http.request.header.X-Webauth-User}
		header_up X-Cookie "{http.request.cookie.caddyhub-session} {http.request.header.Cookie}"
	}
	handle_path /files/* {
		root ` + folder + `
		hub_auth {
			users ada
		}
		file_server
	}
	handle /php/* {
		hub_auth {
			users ada
		}
		php_fastcgi ` + fastCGI(t) + `
	}`
	})
	ada := s.LogIn("ada")
	if answer := s.Anonymous().Do(http.MethodGet, "/grafana/d?x=1", nil, navigation...); answer.Header.Get("Location") != "/hub/login?next=%2Fgrafana%2Fd%3Fx%3D1" {
		t.Errorf("nobody: %s", answer)
	}
	got, ok := passed(t, ada.Do(http.MethodGet, "/grafana/d", nil, "X-Webauth-User", "root", "Cookie", "own=1"))
	if !ok || got.Header.Get("X-User") != "ada" || got.Header.Get("X-Who") != "ada astro" || got.Header.Get("X-Says") != "" ||
		strings.Contains(fmt.Sprint(got.Header), "caddyhub-session") || got.Header.Get("Cookie") != "own=1" {
		t.Errorf("the app got %+v", got)
	}
	if answer := ada.Do(http.MethodGet, "/files/", nil); answer.Status != http.StatusOK || string(answer.Body) != "a file" {
		t.Errorf("a file: %s", answer)
	}
	if answer := s.LogIn("bob").Do(http.MethodGet, "/files/", nil, navigation...); answer.Status != http.StatusForbidden || !strings.Contains(string(answer.Body), "<html") {
		t.Errorf("a file for bob: %s", answer)
	}
	if answer := ada.Do(http.MethodGet, "/php/x.php", nil, "Remote_User", "root", "X-Forwarded_User", "root"); string(answer.Body) != "REMOTE_USER=ada\n" {
		t.Errorf("FastCGI: %s", answer)
	}
	// Nothing of a name is taken for a placeholder (K3).
	trick := s.LogIn("{env.canary}")
	if got, _ := passed(t, trick.Do(http.MethodGet, "/grafana/d", nil)); got.Header.Get("X-User") != "{env.canary}" || got.Header.Get("X-Who") != "{env.canary}" {
		t.Errorf("a name that is a placeholder: %+v", got)
	}
	if answer := ada.Do(http.MethodGet, "/hub/home", nil, navigation...); answer.Status != http.StatusOK {
		t.Errorf("the hub beside it: %s", answer)
	}
	hubtest.Eventually(t, "the access log says who it was", func() bool {
		return strings.Contains(s.Log(), `"user_id":"ada"`)
	})
}

// fastCGI is an app behind FastCGI, which tells what its environment says of users.
func fastCGI(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		_ = fcgi.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "REMOTE_USER=%s\n", fcgi.ProcessEnv(r)["REMOTE_USER"])
			for name, values := range r.Header {
				if strings.Contains(strings.ToLower(name), "user") && !strings.EqualFold(name, "User-Agent") {
					fmt.Fprintf(w, "%s=%s\n", name, values)
				}
			}
		}))
	}()
	return listener.Addr().String()
}

// TestNodesShareKeys: what one node signs the keys of the other verify.
func TestNodesShareKeys(t *testing.T) {
	t.Parallel()
	first := start(t, nil, func(o *hubtest.Options) {
		o.Redis = redistest.Start(t, redistest.Options{})
		o.Site = `hub_auth /grafana/* {
		allow authenticated
		jwt {
			algorithm EdDSA
			audience grafana
			header Authorization
		}
	}
	reverse_proxy /grafana/* UPSTREAM`
	})
	second := first.Node()
	token := func(hub *hubtest.Hub) string {
		got, ok := passed(t, hub.LogIn("ada").Do(http.MethodGet, "/grafana/", nil))
		token, bearer := strings.CutPrefix(got.Header.Get("Authorization"), "Bearer ")
		if !ok || !bearer {
			t.Fatalf("the app got %+v", got)
		}
		return token
	}
	for _, test := range []struct{ by, told *hubtest.Hub }{{first.Hub, second}, {second, first.Hub}} {
		if claims := verify(t, token(test.by), first.URL, "grafana", jwks(t, test.told)); claims["sub"] != "ada" {
			t.Errorf("claims: %v", claims)
		}
	}
	if keys := jwks(t, second); len(keys) != 1 {
		t.Errorf("%d keys, want 1", len(keys))
	}
}

// TestMistakes are found before anything is served.
func TestMistakes(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	good := s.Caddyfile()
	for name, test := range map[string]struct{ block, says string }{
		"an unknown scope": {"scopes acess:services", "acess:services"},
		"a user nobody is": {`users " "`, "users"},
		"nobody":           {"identity_header X-User", "who may use the app: nobody"},
	} {
		err := s.Reload(good + s.block("app", "hub_auth {\n"+test.block+"\n}"))
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Reload(strings.Replace(good, "public_url "+s.URL, "", 1) + s.block("app", "hub_auth {\nallow authenticated\n}")); err != nil {
		t.Errorf("the address of the hub is that of its site: %v", err)
	}
}
