package proxies

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/binary"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/jupyterhub"
	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

// arena is what all contenders have in common.
type arena struct {
	b      *testing.B
	folder string
	// host and port of the upstream, and its process.
	host, port string
	upstream   int
	// fields of every request, so that all read the same.
	fields [][2]string
	// certificate and key are files; empty means no TLS.
	certificate, key string
}

// secure says whether contenders terminate TLS.
func (a *arena) secure() bool { return a.certificate != "" }

// contender is a program that listens on a port of its own.
func (a *arena) contender(name string, port int, process *exec.Cmd) *contender {
	a.b.Helper()
	log, err := os.Create(filepath.Join(a.folder, strings.ReplaceAll(name, " ", "-")+".log"))
	if err != nil {
		a.b.Fatal(err)
	}
	defer log.Close()
	process.Stdout, process.Stderr = log, log
	if err := process.Start(); err != nil {
		a.b.Fatalf("%s: %v", name, err)
	}
	a.b.Cleanup(func() {
		_ = process.Process.Kill() // it has nothing to keep
		_ = process.Wait()
		if a.b.Failed() {
			text, _ := os.ReadFile(log.Name())
			a.b.Logf("%s: %s", name, text)
		}
	})
	a.listens(name, port)
	return &contender{
		name: name, pid: process.Process.Pid, upstream: a.upstream, host: "localhost", port: strconv.Itoa(port),
		secure: a.secure(), path: "/user/ada/", fields: a.fields,
	}
}

// listens waits until somebody listens on a port.
func (a *arena) listens(name string, port int) {
	a.b.Helper()
	hubtest.Eventually(a.b, name+" listens", func() bool {
		connection, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return false
		}
		return connection.Close() == nil
	})
}

// pinned is a program on the core of contenders.
func (a *arena) pinned(program string, arguments ...string) *exec.Cmd {
	command := measure.Pinned(a.b.Context(), contendersCore, program, arguments...)
	command.Dir = a.folder
	command.Env = append(command.Env, "HOME="+a.folder, "XDG_DATA_HOME="+a.folder, "XDG_CONFIG_HOME="+a.folder)
	return command
}

// write writes a file of a contender.
func (a *arena) write(name, text string, values ...any) string {
	a.b.Helper()
	path := filepath.Join(a.folder, name)
	if err := os.WriteFile(path, fmt.Appendf(nil, text, values...), 0o600); err != nil {
		a.b.Fatal(err)
	}
	return path
}

// configurableHTTPProxy is the original, on the Node.js that its image ships.
func (a *arena) configurableHTTPProxy(arguments ...string) (*contender, *routes) {
	folder := jupyterhub.NodeModules(a.b)
	return a.routed("CHP on Node 24", filepath.Join(folder, "node"), append([]string{filepath.Join(folder, "configurable-http-proxy")}, arguments...)...)
}

// replacement is caddyhub in its place.
func (a *arena) replacement(arguments ...string) (*contender, *routes) {
	name := "caddyhub as CHP"
	if slices.Contains(arguments, "memory") {
		name += ", in memory"
	}
	return a.routed(name, os.Getenv(binary.Variable), append([]string{"configurable-http-proxy"}, arguments...)...)
}

// routed is a program with the command line of configurable-http-proxy.
func (a *arena) routed(name, program string, arguments ...string) (*contender, *routes) {
	a.b.Helper()
	port, api := hubtest.FreePort(a.b), hubtest.FreePort(a.b)
	arguments = append(arguments, "--ip", "127.0.0.1", "--port", strconv.Itoa(port),
		"--api-ip", "127.0.0.1", "--api-port", strconv.Itoa(api), "--log-level", "error")
	if a.secure() {
		arguments = append(arguments, "--ssl-key", a.key, "--ssl-cert", a.certificate)
	}
	command := a.pinned(program, arguments...)
	command.Env = append(command.Env, "CONFIGPROXY_AUTH_TOKEN="+routesToken, "NODE_ENV=production")
	c := a.contender(name, port, command)
	a.listens(name, api)
	return c, newRoutes(a.b, api, net.JoinHostPort(a.host, a.port))
}

// caddy is the reverse_proxy of Caddy, without any login.
func (a *arena) caddy() *contender {
	port := hubtest.FreePort(a.b)
	site, certificate := "http", ""
	if a.secure() {
		site, certificate = "https", "tls "+a.certificate+" "+a.key
	}
	file := a.write("Caddyfile", `{
	admin off
	persist_config off
	auto_https off
}
%s://localhost:%d {
	bind 127.0.0.1
	%s
	reverse_proxy %s:%s {
		transport http {
			compression off
		}
	}
}
`, site, port, certificate, a.host, a.port)
	process := a.pinned(os.Getenv(binary.Variable), "run", "--config", file)
	process.Env = append(process.Env, "GOGC=100") // as in Caddy's own binary
	return a.contender("Caddy reverse_proxy", port, process)
}

func (a *arena) nginx() *contender {
	port := hubtest.FreePort(a.b)
	secure := ""
	if a.secure() {
		secure = fmt.Sprintf("ssl_certificate %s; ssl_certificate_key %s; http2_max_requests 10000000;", a.certificate, a.key)
	}
	listen := map[bool]string{false: "", true: " ssl http2"}[a.secure()]
	file := a.write("nginx.conf", `daemon off;
pid %[1]s/nginx.pid;
error_log %[1]s/nginx.error error;
worker_processes 1;
events { worker_connections 18000; }
http {
	access_log off;
	client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
	keepalive_requests 10000000;
	map $http_upgrade $upgraded { default upgrade; '' ''; }
	upstream servers { server %[2]s:%[3]s; keepalive 128; keepalive_requests 10000000; }
	server {
		listen 127.0.0.1:%[4]d%[5]s;
		%[6]s
		location / {
			proxy_pass http://servers;
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header X-Forwarded-For $remote_addr;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $upgraded;
			proxy_read_timeout 1h;
		}
	}
}
`, a.folder, a.host, a.port, port, listen, secure)
	return a.contender("nginx", port, a.pinned("nginx", "-c", file, "-p", a.folder))
}

func (a *arena) haproxy() *contender {
	port := hubtest.FreePort(a.b)
	secure := ""
	if a.secure() {
		a.join("haproxy.pem", a.certificate, a.key)
		secure = " ssl crt " + filepath.Join(a.folder, "haproxy.pem") + " alpn h2,http/1.1"
	}
	file := a.write("haproxy.cfg", `global
	nbthread 1
	maxconn 9000
defaults
	mode http
	timeout connect 5s
	timeout client 1h
	timeout server 1h
	timeout tunnel 1h
	http-reuse always
	option forwardfor
frontend site
	bind 127.0.0.1:%d%s
	default_backend servers
backend servers
	server one %s:%s
`, port, secure, a.host, a.port)
	return a.contender("HAProxy", port, a.pinned("haproxy", "-f", file, "-db"))
}

// join writes files one behind the other.
func (a *arena) join(name string, parts ...string) {
	a.b.Helper()
	var whole []byte
	for _, part := range parts {
		text, err := os.ReadFile(part)
		if err != nil {
			a.b.Fatal(err)
		}
		whole = append(whole, text...)
	}
	if err := os.WriteFile(filepath.Join(a.folder, name), whole, 0o600); err != nil {
		a.b.Fatal(err)
	}
}
