package routes_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/caddyhub/caddyhub/tests/internal/binary"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// edge is the binary with a Caddyfile that has no hub: the proxy of a JupyterHub
// that runs beside it, over TLS and without, and the API of its routes.
type edge struct {
	t      *testing.T
	folder string
	// Ports of the site with TLS, of the one without, and of the API.
	Secure, Plain, API int
	// Options are lines for hub_proxy.
	Options string
	// Patient leaves it to Caddy how long requests may take to end when a
	// configuration does.
	Patient bool
	// Sites are a template that takes the place of the usual ones.
	Sites   string
	process *exec.Cmd
	ended   chan struct{}
}

const globalOptions = `{
	admin unix/{{.Folder}}/admin.sock|0600
	storage file_system {{.Folder}}/caddy
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	local_certs
	{{if not .Patient}}grace_period 2s{{end}}
	caddyhub {
		store embedded {
			path {{.Folder}}/routes.db
		}
	}
}
`

const usualSites = `
https://localhost:{{.Secure}}, http://localhost:{{.Plain}} {
	bind 127.0.0.1
	hub_proxy {
		{{.Options}}
	}
}

http://127.0.0.1:{{.API}} {
	bind 127.0.0.1
	hub_routes_api {
		auth_token {env.CONFIGPROXY_AUTH_TOKEN}
	}
	respond "Not Found" 404
}
`

// startEdge runs the binary until the test ends.
func startEdge(t *testing.T, e *edge) *edge {
	t.Helper()
	var err error
	if e.folder, err = os.MkdirTemp("", "edge"); err != nil { // short: there is a socket in it
		t.Fatal(err)
	}
	e.t = t
	e.Secure, e.Plain, e.API = hubtest.FreePort(t), hubtest.FreePort(t), hubtest.FreePort(t)
	e.write()
	log, err := os.Create(filepath.Join(e.folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	e.process = e.command("run", "--config", "Caddyfile")
	e.process.Stdout, e.process.Stderr = log, log
	if err := e.process.Start(); err != nil {
		t.Fatal(err)
	}
	e.ended = make(chan struct{})
	go func() {
		_ = e.process.Wait() // how it ended is in ProcessState
		close(e.ended)
	}()
	t.Cleanup(e.stop)
	hubtest.Eventually(t, "the proxy is healthy", func() bool {
		response, err := http.Get(fmt.Sprintf("http://localhost:%d/_chp_healthz", e.Plain))
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK && e.hasCertificate() && listensTo(e.API)
	})
	return e
}

// hasCertificate says whether the site with TLS can be spoken to.
func (e *edge) hasCertificate() bool {
	config := &tls.Config{ServerName: "localhost", InsecureSkipVerify: true} //nolint:gosec // nothing is sent
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", e.Secure), config)
	return err == nil && conn.Close() == nil
}

func listensTo(port int) bool {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// write writes the Caddyfile.
func (e *edge) write() {
	e.t.Helper()
	var text bytes.Buffer
	caddyfile, err := template.New("Caddyfile").Parse(globalOptions + cmp.Or(e.Sites, usualSites))
	if err != nil {
		e.t.Fatal(err)
	}
	values := map[string]any{"Folder": e.folder, "Secure": e.Secure, "Plain": e.Plain, "API": e.API, "Options": e.Options, "Patient": e.Patient}
	if err := caddyfile.Execute(&text, values); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(e.folder, "Caddyfile"), text.Bytes(), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

func (e *edge) command(arguments ...string) *exec.Cmd {
	command := exec.Command(os.Getenv(binary.Variable), arguments...)
	command.Dir = e.folder
	command.Env = []string{
		"HOME=" + e.folder, "PATH=" + os.Getenv("PATH"), "CONFIGPROXY_AUTH_TOKEN=" + token,
		// Or Go's server does not offer WebSockets over HTTP/2.
		"GODEBUG=http2xconnect=1",
	}
	return command
}

// reload puts the Caddyfile into force again, with what has been changed in it.
func (e *edge) reload() {
	e.t.Helper()
	e.write()
	if output, err := e.command("reload", "--force", "--config", "Caddyfile").CombinedOutput(); err != nil {
		e.t.Fatalf("reload: %v\n%s", err, output)
	}
}

// stop asks the proxy to end, and shows its log if the test has failed.
func (e *edge) stop() {
	select {
	case <-e.ended:
	default:
		_ = e.process.Process.Signal(syscall.SIGTERM) // it may have ended meanwhile
		select {
		case <-e.ended:
		case <-time.After(30 * time.Second):
			e.t.Error("the proxy did not end")
			_ = e.process.Process.Kill()
			<-e.ended
		}
	}
	if log, err := os.ReadFile(filepath.Join(e.folder, "log")); err == nil && e.t.Failed() {
		e.t.Logf("log of the proxy: %s", log[max(0, len(log)-40_000):])
	}
	_ = os.RemoveAll(e.folder)
}

// route adds a route over the API, as a hub does.
func (e *edge) route(path, target string) {
	e.t.Helper()
	body, err := json.Marshal(map[string]string{"target": target})
	if err != nil {
		e.t.Fatal(err)
	}
	if status, answer := e.api(http.MethodPost, "/api/routes"+path, string(body)); status != http.StatusCreated {
		e.t.Fatalf("adding %s: %d %s", path, status, answer)
	}
}

// api calls the API.
func (e *edge) api(method, path, body string) (status int, answer string) {
	e.t.Helper()
	request, err := http.NewRequest(method, fmt.Sprintf("http://127.0.0.1:%d%s", e.API, path), strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	request.Header.Set("Authorization", "token "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		e.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// activity is when a route was last used.
func (e *edge) activity(path string) time.Time {
	e.t.Helper()
	_, text := e.api(http.MethodGet, "/api/routes"+path, "")
	var route struct {
		Activity time.Time `json:"last_activity"`
	}
	if err := json.Unmarshal([]byte(text), &route); err != nil {
		e.t.Fatalf("%v in %s", err, text)
	}
	return route.Activity
}

// trust is a configuration that trusts the edge alone.
func (e *edge) trust(protocols ...string) *tls.Config {
	e.t.Helper()
	pool := x509.NewCertPool()
	hubtest.Eventually(e.t, "the edge has a certificate", func() bool {
		root, err := os.ReadFile(filepath.Join(e.folder, "caddy", "pki", "authorities", "local", "root.crt"))
		return err == nil && pool.AppendCertsFromPEM(root)
	})
	return &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: protocols, MinVersion: tls.VersionTLS12}
}

// front is a way to speak to the edge.
type front struct {
	name string
	// url of the edge, without a slash at the end.
	url    string
	client *http.Client
	// version of HTTP that is spoken.
	version int
}

// fronts are all ways to speak to the edge.
func (e *edge) fronts() []front {
	e.t.Helper()
	secure, plain := fmt.Sprintf("https://localhost:%d", e.Secure), fmt.Sprintf("http://localhost:%d", e.Plain)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(address)
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}
	one := &http.Transport{DialContext: dial, ExpectContinueTimeout: time.Minute, DisableCompression: true}
	first := &http.Transport{
		DialContext: dial, ExpectContinueTimeout: time.Minute, DisableCompression: true,
		TLSClientConfig: e.trust("http/1.1"), TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	second := &http.Transport{DialContext: dial, ExpectContinueTimeout: time.Minute, DisableCompression: true, TLSClientConfig: e.trust(), ForceAttemptHTTP2: true}
	third := &http3.Transport{TLSClientConfig: e.trust(http3.NextProtoH3), DisableCompression: true}
	e.t.Cleanup(func() {
		one.CloseIdleConnections()
		first.CloseIdleConnections()
		second.CloseIdleConnections()
		_ = third.Close()
	})
	client := func(transport http.RoundTripper) *http.Client { return &http.Client{Transport: transport} }
	return []front{
		{"HTTP/1.1", plain, client(one), 1}, {"HTTP/1.1 over TLS", secure, client(first), 1},
		{"HTTP/2", secure, client(second), 2}, {"HTTP/3", secure, client(third), 3},
	}
}

// backs start servers that do the same behind each kind of target, and return the
// targets by name. The authority of the one with TLS is in the file.
func backs(t *testing.T, handler http.Handler) (targets map[string]string, authority string) {
	t.Helper()
	plain := httptest.NewServer(handler)
	secure := httptest.NewTLSServer(handler)
	h2c := httptest.NewUnstartedServer(handler)
	h2c.Config.Protocols = new(http.Protocols)
	h2c.Config.Protocols.SetHTTP1(true)
	h2c.Config.Protocols.SetUnencryptedHTTP2(true)
	h2c.Start()
	folder, err := os.MkdirTemp("", "back") // short: there is a socket in it
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(folder, "s"))
	if err != nil {
		t.Fatal(err)
	}
	unix := httptest.NewUnstartedServer(handler)
	unix.Listener.Close()
	unix.Listener = listener
	unix.Start()
	authority = filepath.Join(folder, "authority.pem")
	if err := os.WriteFile(authority, pemOf(secure.Certificate()), 0o600); err != nil {
		t.Fatal(err)
	}
	var closing sync.WaitGroup
	t.Cleanup(func() {
		for _, server := range []*httptest.Server{plain, secure, h2c, unix} {
			closing.Go(func() {
				server.CloseClientConnections()
				server.Close()
			})
		}
		closing.Wait()
		_ = os.RemoveAll(folder)
	})
	return map[string]string{
		"http": plain.URL, "https": secure.URL, "h2c": strings.Replace(h2c.URL, "http:", "h2c:", 1),
		"unix": "http+unix://" + strings.ReplaceAll(filepath.Join(folder, "s"), "/", "%2F"),
	}, authority
}
