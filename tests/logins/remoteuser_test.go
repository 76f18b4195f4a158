package logins_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// nginx in front of a hub. It says that everybody is ada, unless a cookie has
// somebody else, or nobody; it connects from 127.0.0.2.
const nginxConfiguration = `daemon off;
pid %[1]s/pid;
error_log %[1]s/error.log;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	underscores_in_headers on;
	map $cookie_sso $who { default ada; grace grace; nobody ""; }
	server {
		listen 127.0.0.1:%[2]d;
		location / {
			proxy_pass http://%[3]s;
			proxy_bind 127.0.0.2;
			proxy_set_header Host %[4]s;
			proxy_set_header Remote-User $who;
			proxy_set_header Remote-Groups "physics, staff";
		}
	}
}
`

// startNginx starts nginx in front of a hub, and returns its address.
func startNginx(t *testing.T, h *hubtest.Hub) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program = "/usr/sbin/nginx"; os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
			if _, err := os.Stat(program); err != nil {
				t.Fatal("this test needs nginx")
			}
		} else if _, err := os.Stat(program); err != nil {
			t.Skip("this test needs nginx")
		}
	}
	folder, port := t.TempDir(), hubtest.FreePort(t)
	configuration := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(configuration, fmt.Appendf(nil, nginxConfiguration, folder, port, h.Address(), host(h)), 0o600); err != nil {
		t.Fatal(err)
	}
	// Workers of nginx that was started by root are nobody, who may not come here.
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	process := exec.Command(program, "-p", folder, "-c", configuration, "-e", filepath.Join(folder, "error.log"))
	process.Stderr = os.Stderr
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Signal(os.Interrupt) // its workers end with it
		_ = process.Wait()
	})
	address := fmt.Sprintf("127.0.0.1:%d", port)
	hubtest.Eventually(t, "nginx answers", func() bool {
		answer, err := http.Get("http://" + address + "/hub/health")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK && answer.Header.Get("X-JupyterHub-Version") != ""
	})
	return address
}

// asProxy is the address to ask at as if one were nginx.
const asProxy = "127.0.0.2:0"

// whoIs is the model of whoever has the session; empty for nobody.
func whoIs(t *testing.T, h *hubtest.Hub, session string) (me who) {
	t.Helper()
	if session == "" {
		return me
	}
	c := h.Anonymous()
	answer := c.Do(http.MethodGet, "/hub/api/user", nil, "Cookie", strings.TrimPrefix(session, "Cookie: "))
	if answer.Status != http.StatusOK {
		t.Fatalf("%s", answer)
	}
	answer.JSON(t, &me)
	return me
}

// host is what the hub's site answers for.
func host(h *hubtest.Hub) string { return strings.TrimPrefix(h.URL, "http://") }

// reply is what came back: the status, and the session that was given as a header
// to send, if there was one.
type reply struct {
	status  int
	session string
}

// ask sends one request to the hub, by way of an address, with headers as lines.
func ask(t *testing.T, h *hubtest.Hub, address, path string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host(h)
	transport := http.DefaultTransport
	if address == asProxy {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, h.Address())
		}}
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header[name] = append(request.Header[name], value)
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	got := reply{status: answer.StatusCode}
	for _, cookie := range answer.Cookies() {
		if cookie.Name == "caddyhub-session" && cookie.Value != "" {
			got.session = "Cookie: caddyhub-session=" + cookie.Value
		}
	}
	return got
}

func TestRemoteUser(t *testing.T) {
	h := hubtest.Start(t, hubtest.Options{
		Authenticator: "authenticator remote_user {\n trusted_proxies 127.0.0.2\n groups_header Remote-Groups\n logout_redirect_url https://sso.example.org/logout\n}",
		Hub:           "session {\n refresh 1s\n}",
	})
	nginx := startNginx(t, h)
	// What a visitor sends under the name itself, nginx replaces.
	ada := ask(t, h, nginx, "/hub/login", "Remote-User: grace").session
	if ada == "" {
		t.Fatal("ada was not logged in")
	}
	// Under another name nobody is believed.
	for _, line := range []string{"Remote_User: grace", "Remote.User: grace", "REMOTE-USER: grace", "Remote_Groups: admins", "X-Remote-User: grace"} {
		mine := ask(t, h, nginx, "/hub/login", line).session
		if got := whoIs(t, h, mine); got.Name != "" && (got.Name != "ada" || strings.Join(got.Groups, " ") != "physics staff") {
			t.Errorf("%q: %+v", line, got)
		}
	}
	for about, answer := range map[string]reply{
		"nobody":                   ask(t, h, nginx, "/hub/login", "Cookie: sso=nobody"),
		"past the proxy":           ask(t, h, h.Address(), "/hub/login", "Remote-User: ada"),
		"past it, with its name":   ask(t, h, h.Address(), "/hub/login", "Remote-User: ada", "X-Forwarded-For: 127.0.0.2", "X-Real-Ip: 127.0.0.2"),
		"past it, without anybody": ask(t, h, h.Address(), "/hub/login"),
		"twice":                    ask(t, h, asProxy, "/hub/login", "Remote-User: ada", "Remote-User: grace"),
		"a proxy without a name":   ask(t, h, asProxy, "/hub/login"),
	} {
		if answer.status != http.StatusForbidden && answer.status != http.StatusBadRequest || answer.session != "" {
			t.Errorf("%s: %d, session %q", about, answer.status, answer.session)
		}
	}
	if answer := ask(t, h, nginx, "/hub/api/user", ada); answer.status != http.StatusOK {
		t.Errorf("ada: %d", answer.status)
	}
	// Past the proxy nothing is learned, so the session lives on.
	if answer := ask(t, h, h.Address(), "/hub/api/user", ada); answer.status != http.StatusOK {
		t.Errorf("ada, past the proxy: %d", answer.status)
	}
	for about, cookie := range map[string]string{"somebody else": "sso=grace", "nobody": "sso=nobody"} {
		mine := ask(t, h, nginx, "/hub/login").session
		hubtest.Eventually(t, "the session ends when the proxy names "+about, func() bool {
			return ask(t, h, nginx, "/hub/api/user", mine+"; "+cookie).status == http.StatusForbidden
		})
	}
}
