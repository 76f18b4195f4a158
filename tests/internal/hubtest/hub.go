// Package hubtest runs a whole hub for a black box test: the built binary with a
// Caddyfile of its own, real single-user servers, a real store.
//
// What it guarantees:
//
//   - Everything a hub writes is in one folder that goes with the test, the homes
//     of its users included. It reads no setting of the machine or of whoever
//     runs the test, and opens only ports that were free.
//   - When the test ends, the hub was asked to stop, and no process that it
//     started is left, whatever the test did to the hub.
//   - If the test failed, its output has the last lines of the hub's log and of
//     the logs of its servers.
//
// Call Main in TestMain, and Start in a test.
package hubtest

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
)

const (
	// startTimeout is how long a hub may take to answer its health check.
	startTimeout = 30 * time.Second
	// stopTimeout is how long a hub may take to stop when asked to.
	stopTimeout = 30 * time.Second
	// pause is how long to wait before a condition is looked at again.
	pause = 25 * time.Millisecond
)

// Password is what logs everybody in if Options do not say otherwise.
const Password = "correct horse battery staple"

// Options of a Hub. The zero value is a hub over plain HTTP with an embedded
// store, where any name logs in with Password.
type Options struct {
	// Redis makes the hub keep its state there. Nil: the embedded store.
	Redis *redistest.Server
	// HTTPS serves the site over TLS, with a certificate of Caddy's own
	// authority, and the API for servers on a second port without TLS.
	HTTPS bool
	// Admins of the hub. They exist from the start.
	Admins []string
	// NamedServers lets users have servers beside their own.
	NamedServers bool
	// Authenticator replaces the line or block "authenticator dummy".
	Authenticator string
	// Spawner is added to the block of the spawner, Hub to the block caddyhub,
	// Site to the site, before the directive hub, and Directive to the block of that.
	Spawner, Hub, Site, Directive string
	// Global is added to the global options, beside the block caddyhub.
	Global string
	// More is put behind the site: other sites.
	More string
	// Hosts are those that the site answers for; the first is the hub's, and may be
	// one that no resolver knows. Empty: localhost.
	Hosts []string
	// PublicURL is what users call the hub. Empty: where it listens. Clients of
	// the hub use it as their base and connect to where this hub listens.
	PublicURL string
	// Homes is the folder with the homes of the users. Empty: one of the hub's own.
	Homes string
	// Environment of the hub, as NAME=VALUE, beside what it always gets.
	Environment []string
}

// Hub is a hub of a test. Its methods end the test when they fail.
type Hub struct {
	// URL is the origin that users see, without a slash at the end.
	URL string

	t       testing.TB
	options Options
	folder  string
	port    int
	apiPort int
	binary  string
	venv    string
	process *process
}

// Start starts a hub and waits until it is healthy. If the machine lacks
// jupyterhub-singleuser the test is skipped, or fails when CADDYHUB_TEST_REQUIRE
// is 1.
func Start(t testing.TB, options Options) *Hub {
	t.Helper()
	h := &Hub{t: t, options: options, binary: builtBinary(t), venv: VirtualEnvironment(t)}
	// Not t.TempDir: the path of the socket of the admin endpoint must be short.
	var err error
	if h.folder, err = os.MkdirTemp("", "hub"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.cleanup)
	if h.options.Homes == "" {
		h.options.Homes = filepath.Join(h.folder, "home")
	}
	h.port, h.apiPort = FreePort(t), FreePort(t)
	h.URL = options.PublicURL
	if h.URL == "" {
		h.URL = (&url.URL{Scheme: h.scheme(), Host: net.JoinHostPort(h.hosts()[0], strconv.Itoa(h.port))}).String()
	}
	h.writeCaddyfile(h.Caddyfile())
	h.run()
	return h
}

// Node starts another node of the same hub: the same options and Redis, its own
// folder, ports and process. Servers it starts have the same homes.
func (h *Hub) Node() *Hub {
	h.t.Helper()
	if h.options.Redis == nil {
		h.t.Fatal("hubtest: a hub with an embedded store has one node")
	}
	options := h.options
	options.PublicURL = h.URL
	options.Homes = h.options.Homes
	return Start(h.t, options)
}

// Address is where the site listens, as host:port.
func (h *Hub) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(h.port)) }

// APIURL is the origin at which servers reach the hub.
func (h *Hub) APIURL() string {
	return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(h.apiPort))
}

// AdminSocket is the Unix socket of Caddy's admin endpoint.
func (h *Hub) AdminSocket() string { return filepath.Join(h.folder, "admin.sock") }

// Home is the home of a user on disk. It exists once a server was started.
func (h *Hub) Home(user string) string { return filepath.Join(h.options.Homes, user) }

func (h *Hub) hosts() []string {
	if len(h.options.Hosts) == 0 {
		return []string{"localhost"}
	}
	return h.options.Hosts
}

func (h *Hub) scheme() string {
	if h.options.HTTPS {
		return "https"
	}
	return "http"
}

// cleanup stops the hub and ends what it has started.
func (h *Hub) cleanup() {
	if h.process != nil {
		h.Stop()
	}
	h.endServers()
	if h.t.Failed() {
		h.showLogs()
	}
	if err := os.RemoveAll(h.folder); err != nil {
		h.t.Errorf("hubtest: %v", err)
	}
}

// FreePort is a TCP port of this machine that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	for {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := listener.Addr().(*net.TCPAddr).Port
		listener.Close()
		if _, given := givenPorts.LoadOrStore(port, true); !given {
			return port
		}
	}
}

// givenPorts are those that FreePort has returned: the system may offer one again
// before it is used.
var givenPorts sync.Map

// Eventually waits until a condition holds; what names it if it does not in a
// minute.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			t.Fatalf("still waiting after a minute: %s", what)
		}
	}
}
