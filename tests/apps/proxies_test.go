package apps_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// asked is a hub without TLS that other proxies of this machine ask, and the port of
// the app, which is at http://grafana.localhost.
type asked struct {
	*site
	folder string
}

const asks = `identity_header Remote-User
		identity_header Remote-Groups {http.auth.user.groups}
		jwt {
			header X-Token-Jwt
			audience grafana
		}`

func startAsked(t *testing.T, more func(s *asked) string) *asked {
	t.Helper()
	s := &asked{site: &site{port: hubtest.FreePort(t), app: recorder(t)}, folder: t.TempDir()}
	if err := os.Chmod(s.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	host := fmt.Sprintf("grafana.localhost:%d", s.port)
	options := hubtest.Options{
		Hub: people, Admins: []string{"root"},
		Global: "servers {\n\t\ttrusted_proxies static 127.0.0.1/32\n\t}",
		Site: "hub_forward_auth grafana {\n\t\thosts " + host + "\n\t\tusers ada\n\t\t" + asks + "\n\t}\n" +
			"\thub_forward_auth open {\n\t\thosts " + host + "\n\t\tallow anonymous\n\t\t" + asks + "\n\t}",
	}
	if more != nil {
		options.More = more(s)
	}
	s.Hub = hubtest.Start(t, options)
	return s
}

func (s *asked) page(path string) string {
	return fmt.Sprintf("http://grafana.localhost:%d%s", s.port, path)
}

// write writes a file of a proxy with the addresses of this test in it.
func (s *asked) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(s.folder, name)
	text = strings.NewReplacer("HUB", s.Address(), "APP", s.app, "PORT", fmt.Sprint(s.port), "FOLDER", s.folder).Replace(text)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// program is that of a proxy; without it the test is skipped, or fails when
// CADDYHUB_TEST_REQUIRE is 1.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
		t.Fatalf("%s is missing: run tests/setup/packages", name)
	}
	t.Skipf("%s is missing", name)
	return ""
}

// testProxy is what holds for an app behind any proxy that asks.
func testProxy(t *testing.T, s *asked) {
	t.Helper()
	hubtest.Eventually(t, "the proxy answers", func() bool {
		response, err := (&http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}).Get(s.page("/api/x"))
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode < 500
	})
	ada := browser(s.Anonymous())
	page := s.page("/d/1?a=b%20c")
	if answer, at := visit(t, ada, page); answer.Status != http.StatusOK || !strings.HasPrefix(at, s.URL+"/hub/login?next=") {
		t.Fatalf("sent to %s: %s", at, answer)
	}
	if answer := ada.SubmitLogin("ada", hubtest.Password); answer.Status != http.StatusFound {
		t.Fatalf("login: %s", answer)
	}
	answer, at := visit(t, ada, page)
	got, ok := passed(t, answer)
	if !ok || at != page || got.Target != "/d/1?a=b%20c" || got.Header.Get("Remote-User") != "ada" || got.Header.Get("Remote-Groups") != "astro" {
		t.Fatalf("ada at %s: %s", at, answer)
	}
	if token := got.Header.Get("X-Token-Jwt"); token != "" {
		verify(t, token, s.URL, "grafana", jwks(t, s.Hub))
	}
	spoofed := []string{
		"Remote-User", "root", "Remote_User", "root", "X-Forwarded-Uri", "/public", "X-Original-Uri", "/public",
		"X-Forwarded-Method", "GET", "X-Forwarded-Host", "evil.localhost",
	}
	if answer := get(t, browser(s.Anonymous()), s.page("/x"), append(spoofed, api...)...); answer.Status != http.StatusUnauthorized && answer.Status != http.StatusForbidden {
		t.Errorf("nobody, who says otherwise: %s", answer)
	}
	if got, ok := passed(t, get(t, ada, s.page("/x"), spoofed...)); ok && (got.Header.Get("Remote-User") != "ada" || got.Target != "/x") {
		t.Errorf("ada, who says otherwise: %+v", got)
	}
	bob := browser(s.LogIn("bob"))
	if answer, _ := visit(t, bob, page); answer.Status != http.StatusForbidden {
		t.Errorf("bob: %s", answer)
	}
	if answer := get(t, bob, s.page("/x"), api...); answer.Status != http.StatusForbidden {
		t.Errorf("a script of bob's: %s", answer)
	}
	if answer := get(t, browser(s.Anonymous()), page, api...); answer.Status != http.StatusUnauthorized {
		t.Errorf("a script of nobody's: %s", answer)
	}
	for origin, want := range map[string]int{"https://evil.localhost": http.StatusForbidden, s.page(""): http.StatusOK} {
		if answer := send(t, ada, http.MethodPost, page, "x=y", "Origin", origin); answer.Status != want {
			t.Errorf("a write from %s: %s", origin, answer)
		}
	}
	if socket, status := open(t, ada, s.page("/ws")); socket == nil || !echoes(t, socket) {
		t.Errorf("a WebSocket: %d", status)
	}
	if socket, status := open(t, ada, s.page("/ws"), "Origin", "https://evil.localhost"); socket != nil || status != http.StatusForbidden {
		t.Errorf("a WebSocket of another site: %d", status)
	}
	if answer := get(t, ada, s.URL+"/hub/logout", navigation...); answer.Status >= 400 {
		t.Fatalf("logout: %s", answer)
	}
	if answer := get(t, ada, page, api...); answer.Status != http.StatusUnauthorized {
		t.Errorf("after the logout: %s", answer)
	}
}

// nginxConfiguration asks by auth_request. What nginx cannot do with an answer, the
// way to the login and back, it has the hub do itself.
const nginxConfiguration = `
daemon off;
worker_processes 1;
pid FOLDER/nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path FOLDER/body;
	proxy_temp_path FOLDER/proxy;
	fastcgi_temp_path FOLDER/fastcgi;
	uwsgi_temp_path FOLDER/uwsgi;
	scgi_temp_path FOLDER/scgi;
	map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
	server {
		listen 127.0.0.1:PORT;
		server_name grafana.localhost;
		location / {
			auth_request /gate;
			auth_request_set $remote_user_name $upstream_http_remote_user;
			auth_request_set $remote_groups $upstream_http_remote_groups;
			auth_request_set $token $upstream_http_x_token_jwt;
			error_page 401 = @login;
			proxy_set_header Remote-User $remote_user_name;
			proxy_set_header Remote-Groups $remote_groups;
			proxy_set_header X-Token-Jwt $token;
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
			proxy_pass http://APP;
		}
		location = /gate {
			internal;
			proxy_pass http://HUB/hub/auth-request/grafana;
			proxy_pass_request_body off;
			proxy_set_header Content-Length "";
			proxy_set_header Host localhost;
			proxy_set_header X-Original-Method $request_method;
			proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
			proxy_set_header X-Forwarded-Uri "";
			proxy_set_header X-Forwarded-For $remote_addr;
		}
		location /.caddyhub/ { error_page 418 = @login; return 418; }
		location @login {
			rewrite ^ /hub/forward-auth/grafana? break;
			proxy_pass http://HUB;
			proxy_pass_request_body off;
			proxy_set_header Content-Length "";
			proxy_set_header Host localhost;
			proxy_set_header X-Forwarded-Method $request_method;
			proxy_set_header X-Forwarded-Host $http_host;
			proxy_set_header X-Forwarded-Uri $request_uri;
			proxy_set_header X-Original-URL "";
			proxy_set_header X-Forwarded-For $remote_addr;
		}
	}
}
`

func TestNginx(t *testing.T) {
	t.Parallel()
	nginx := program(t, "nginx")
	s := startAsked(t, nil)
	run(t, exec.Command(nginx, "-p", s.folder, "-e", "stderr", "-c", s.write(t, "nginx.conf", nginxConfiguration)))
	testProxy(t, s)
}

// haproxyConfiguration asks by the HTTP client that HAProxy gives to Lua.
const haproxyConfiguration = `
global
	lua-load FOLDER/gate.lua
defaults
	mode http
	timeout connect 10s
	timeout client 60s
	timeout server 60s
	timeout tunnel 1h
frontend web
	bind 127.0.0.1:PORT
	http-request lua.gate
	http-request del-header remote[._-]user -m reg
	http-request set-header Remote-User %[var(txn.user)]
	http-request set-header Remote-Groups %[var(txn.groups)]
	http-request set-header X-Token-Jwt %[var(txn.token)]
	default_backend app
backend app
	server app APP
`

const haproxyScript = `
local function first(headers, name)
	return headers[name] and headers[name][0] or ""
end

core.register_action("gate", {"http-req"}, function(txn)
	local asked, came = {}, txn.http:req_get_headers()
	for name, values in pairs(came) do
		local own = name:match("^x%-forwarded") or name:match("^x%-original") or name == "content-length"
			or name == "transfer-encoding" or name == "connection" or name == "upgrade" or name == "host" or name == "expect"
		if not own then
			asked[name] = {}
			for i = 0, #values do table.insert(asked[name], values[i]) end
		end
	end
	asked["host"] = {"localhost"}
	asked["x-forwarded-method"] = {txn.f:method()}
	asked["x-forwarded-host"] = {first(came, "host")}
	local query = txn.f:query()
	asked["x-forwarded-uri"] = {txn.f:path() .. (query and query ~= "" and "?" .. query or "")}
	local answer = core.httpclient():get{url = "http://HUB/hub/forward-auth/grafana", headers = asked, timeout = 10000}
	if answer and answer.status == 200 then
		txn:set_var("txn.user", answer.headers["remote-user"][0] or "")
		txn:set_var("txn.groups", answer.headers["remote-groups"][0] or "")
		txn:set_var("txn.token", answer.headers["x-token-jwt"][0] or "")
		return
	end
	local reply = txn:reply{status = answer and answer.status or 503, body = answer and answer.body or ""}
	for _, name in ipairs({"location", "set-cookie", "content-type", "cache-control", "referrer-policy", "retry-after"}) do
		for i = 0, answer and answer.headers[name] and #answer.headers[name] or -1 do
			reply:add_header(name, answer.headers[name][i])
		end
	end
	txn:done(reply)
end)
`

func TestHAProxy(t *testing.T) {
	t.Parallel()
	haproxy := program(t, "haproxy")
	s := startAsked(t, nil)
	s.write(t, "gate.lua", haproxyScript)
	run(t, exec.Command(haproxy, "-db", "-f", s.write(t, "haproxy.cfg", haproxyConfiguration)))
	testProxy(t, s)
}

// TestCaddyForwardAuth: Caddy itself, as somebody's other server.
func TestCaddyForwardAuth(t *testing.T) {
	t.Parallel()
	caddy := startAsked(t, nil)
	path := caddy.write(t, "Caddyfile", `{
	admin off
	persist_config off
	auto_https off
}
http://grafana.localhost:PORT {
	bind 127.0.0.1
	forward_auth HUB {
		uri /hub/forward-auth/grafana
		header_up Host localhost
		header_up X-Forwarded-Host {http.request.hostport}
		copy_headers Remote-User Remote-Groups X-Token-Jwt
	}
	reverse_proxy APP
}
`)
	command := exec.Command(os.Getenv("CADDYHUB_TEST_BINARY"), "run", "--config", path)
	command.Dir, command.Env = caddy.folder, []string{"HOME=" + caddy.folder, "PATH=" + os.Getenv("PATH")}
	run(t, command)
	testProxy(t, caddy)
}

// TestTraefikAndEnvoy: what they send, as their documentation has it, for this
// machine has neither. Traefik's ForwardAuth describes the request in X-Forwarded
// headers and drops those of the connection. Envoy's ext_authz over HTTP sends the
// request itself, without its body, below path_prefix.
func TestTraefikAndEnvoy(t *testing.T) {
	t.Parallel()
	s := startAsked(t, nil)
	host := fmt.Sprintf("grafana.localhost:%d", s.port)
	hub, ada := s.Anonymous(), []string{"Authorization", "token " + s.Token("ada")}
	s.LogIn("bob") // makes the user
	bob := []string{"Authorization", "token " + s.Token("bob")}
	traefik := func(name, method, path string, more ...string) hubtest.Answer {
		return hub.Do(http.MethodGet, "/hub/forward-auth/"+name, nil, append(more,
			"X-Forwarded-Method", method, "X-Forwarded-Proto", "http", "X-Forwarded-Host", host,
			"X-Forwarded-Uri", path, "X-Forwarded-For", "192.0.2.1", "Accept-Encoding", "gzip")...)
	}
	envoy := func(name, method, path string, more ...string) hubtest.Answer {
		return hub.Do(method, "/hub/forward-auth/"+name+path, nil, append(more, "X-Forwarded-For", "192.0.2.1", "X-Envoy-Internal", "true")...)
	}
	for kind, ask := range map[string]func(name, method, path string, more ...string) hubtest.Answer{"Traefik": traefik, "Envoy": envoy} {
		allowed := ask("grafana", "POST", "/d/1?a=b", ada...)
		if allowed.Status != http.StatusOK || allowed.Header.Get("Remote-User") != "ada" || allowed.Header.Get("Remote-Groups") != "astro" || len(allowed.Body) > 0 {
			t.Errorf("%s, ada: %s %v", kind, allowed, allowed.Header)
		}
		verify(t, allowed.Header.Get("X-Token-Jwt"), s.URL, "grafana", jwks(t, s.Hub))
		if answer := ask("grafana", "GET", "/d/1", bob...); answer.Status != http.StatusForbidden {
			t.Errorf("%s, bob: %s", kind, answer)
		}
		if answer := ask("grafana", "GET", "/d/1", "Accept", "application/json"); answer.Status != http.StatusUnauthorized {
			t.Errorf("%s, nobody's program: %s", kind, answer)
		}
		if answer := ask("grafana", "GET", "/a/..%2fb", ada...); answer.Status != http.StatusBadRequest {
			t.Errorf("%s, two paths: %s", kind, answer)
		}
		// Every header that the proxy copies is there, so that no client's stays (H1).
		nobody := ask("open", "GET", "/")
		for _, name := range []string{"Remote-User", "Remote-Groups", "X-Token-Jwt"} {
			if values, set := nobody.Header[name]; nobody.Status != http.StatusOK || !set || values[0] != "" {
				t.Errorf("%s, nobody at what is open: %d %v", kind, nobody.Status, nobody.Header)
			}
		}
	}
	away := traefik("grafana", "GET", "/d/1?a=b", navigation...)
	if location := away.Header.Get("Location"); away.Status != http.StatusFound || !strings.HasPrefix(location, s.URL+"/hub/handover?host="+strings.ReplaceAll(host, ":", "%3A")) {
		t.Errorf("Traefik, nobody: %s", away)
	}
	for path, want := range map[string]int{"/hub/forward-auth/grafana": 400, "/hub/auth-request/grafana": 400, "/hub/forward-auth/wiki": 404, "/hub/forward-auth/grafanax": 404} {
		if answer := hub.Do(http.MethodGet, path, nil, ada...); answer.Status != want {
			t.Errorf("%s: %s", path, answer)
		}
	}
}

// TestWhoMayAsk: only proxies that Caddy trusts, whatever they say (H6).
func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	s := start(t, nil, func(o *hubtest.Options) { o.Site = "hub_forward_auth open {\n\t\tallow anonymous\n\t}" })
	for _, path := range []string{"/hub/forward-auth/open", "/hub/auth-request/open", "/hub/forward-auth/open/x"} {
		answer := s.API(s.Token("root")).Do(http.MethodGet, path, nil,
			"X-Forwarded-For", "127.0.0.1", "X-Forwarded-Method", "GET", "X-Forwarded-Host", "localhost", "X-Forwarded-Uri", "/")
		if answer.Status != http.StatusForbidden || answer.Header["Remote-User"] != nil {
			t.Errorf("%s: %s %v", path, answer, answer.Header)
		}
	}
}
