// Package jupyterhub runs the original for a test: JupyterHub from PyPI with
// configurable-http-proxy from npm in front of it, as an operator would.
//
// What it guarantees:
//
//   - Everything it writes is in one folder that goes with the test. It reads no
//     setting of the machine and opens only ports that were free.
//   - When the test ends, no process that it started is left.
//   - If the test failed, its output has the last lines of the log.
package jupyterhub

import (
	"crypto/rand"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"text/template"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// Options of a Hub.
type Options struct {
	// Config is Python for jupyterhub_config.py. It comes after what says where
	// the hub listens and where it keeps its state, which is in memory.
	Config string
	// Environment of the hub, as NAME=VALUE, beside what it always gets.
	Environment []string
}

// Hub is a running JupyterHub.
type Hub struct {
	// URL is the origin that users see, which is that of the proxy. It has no
	// slash at the end.
	URL string

	t       testing.TB
	folder  string
	command string
	node    string
	process *process
}

// Start starts a hub and waits until it answers through its proxy. If the
// machine lacks one of the two programs the test is skipped, or fails when
// CADDYHUB_TEST_REQUIRE is 1.
func Start(t testing.TB, options Options) *Hub {
	t.Helper()
	h := &Hub{
		t:       t,
		command: filepath.Join(hubtest.VirtualEnvironment(t), "bin", "jupyterhub"),
		node:    NodeModules(t),
		folder:  t.TempDir(),
	}
	ports := ports{hubtest.FreePort(t), hubtest.FreePort(t), hubtest.FreePort(t)}
	h.URL = "http://" + net.JoinHostPort("localhost", strconv.Itoa(ports.Public))
	h.writeConfig(ports, options.Config)
	t.Cleanup(h.cleanup)
	h.run(ports, options.Environment)
	return h
}

// ports that a hub opens: for users, for servers, and of its proxy's API.
type ports struct{ Public, Hub, Proxy int }

var configuration = template.Must(template.New("config").Parse(`
c = get_config()  # noqa
c.JupyterHub.bind_url = "http://127.0.0.1:{{.Ports.Public}}"
c.JupyterHub.public_url = "{{.URL}}/"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{{.Ports.Hub}}"
c.JupyterHub.db_url = "sqlite:///:memory:"
c.JupyterHub.cookie_secret = bytes(range(32))
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{{.Ports.Proxy}}"
c.ConfigurableHTTPProxy.command = ["{{.Proxy}}"]
c.ConfigurableHTTPProxy.auth_token = "{{.Secret}}"
c.SimpleLocalProcessSpawner.home_dir_template = "{{.Folder}}/home/{username}"
`))

func (h *Hub) writeConfig(ports ports, more string) {
	h.t.Helper()
	file, err := os.Create(h.configPath())
	if err != nil {
		h.t.Fatal(err)
	}
	defer file.Close()
	err = configuration.Execute(file, map[string]any{
		"URL": h.URL, "Secret": rand.Text(), "Ports": ports, "Folder": h.folder, "Proxy": filepath.Join(h.node, "configurable-http-proxy"),
	})
	if err == nil {
		_, err = file.WriteString(more)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *Hub) configPath() string { return filepath.Join(h.folder, "jupyterhub_config.py") }

func (h *Hub) logPath() string { return filepath.Join(h.folder, "jupyterhub.log") }

// Log is what the hub and its proxy have logged so far.
func (h *Hub) Log() string {
	h.t.Helper()
	text, err := os.ReadFile(h.logPath())
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

// NodeModules is the folder with the programs of npm, Node among them: the
// folder CADDYHUB_TEST_NODE, else tests/node_modules/.bin. If there is none, the
// test is skipped, or fails when CADDYHUB_TEST_REQUIRE is 1.
func NodeModules(t testing.TB) string {
	t.Helper()
	candidates := []string{os.Getenv("CADDYHUB_TEST_NODE")}
	for folder, err := os.Getwd(); err == nil && folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			candidates = append(candidates, filepath.Join(folder, "tests", "node_modules", ".bin"))
			break
		}
	}
	for _, candidate := range candidates {
		if _, err := os.Stat(filepath.Join(candidate, "configurable-http-proxy")); candidate != "" && err == nil {
			return candidate
		}
	}
	const missing = "configurable-http-proxy is missing: run tests/setup/node, or set CADDYHUB_TEST_NODE"
	if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}
