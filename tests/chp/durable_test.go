package chp_test

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

var program = func() []string { return []string{caddyhub, "configurable-http-proxy"} }

// with runs a check against a proxy and reports what it finds.
func with(t *testing.T, p *proxy, run func(c *ask)) {
	t.Helper()
	a := newAsk(t, p, 0)
	defer a.close()
	run(a)
	for _, failure := range a.failures {
		t.Error(failure)
	}
}

// TestCrash: what was answered 201 is served after a kill, at once, and what was
// deleted is not.
func TestCrash(t *testing.T) {
	t.Parallel()
	target := newAsk(t, nil, 0)
	defer target.close()
	upstream := target.target("upstream")
	l := launch{program: program(), folder: t.TempDir(), port: hubtest.FreePort(t), apiPort: hubtest.FreePort(t)}
	p := start(t, l)
	with(t, p, func(c *ask) {
		for i := range 100 {
			c.add(fmt.Sprintf("/user/%d", i), upstream)
		}
		c.equal("deleted", c.api(http.MethodDelete, "/user/50", "").Status, http.StatusNoContent)
	})
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		p.end(signal)
		p = start(t, l)
		with(t, p, func(c *ask) {
			c.equal("routes", len(c.routes("")), 99)
			c.equal("deleted", c.get("/user/50/x").Status, http.StatusNotFound)
			c.equal("kept", c.seen(c.get("/user/51/x?y")).Path, "/user/51/x?y")
		})
	}
}

// TestStores: a file of one's own, and none.
func TestStores(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "routes.db")
	for _, test := range []struct {
		options, environment []string
		kept                 bool
	}{
		{[]string{"--store", file}, nil, true},
		{nil, []string{"CADDYHUB_PROXY_STORE=" + file}, true},
		{[]string{"--store", "memory"}, nil, false},
		{nil, []string{"CADDYHUB_PROXY_STORE=memory"}, false},
		// Where nothing can be written the proxy runs all the same.
		{nil, []string{"XDG_DATA_HOME=/proc"}, false},
	} {
		// A folder of its own each time: only the named file is kept.
		l := launch{program: program(), options: test.options, environment: test.environment}
		p := start(t, l)
		with(t, p, func(c *ask) { c.add("/kept", "http://127.0.0.1:9") })
		p.end(syscall.SIGKILL)
		p = start(t, l)
		with(t, p, func(c *ask) {
			if _, kept := c.routes("")["/kept"]; kept != test.kept {
				t.Errorf("%v %v: kept %v, want %v", test.options, test.environment, kept, test.kept)
			}
		})
		p.stop()
	}
}

// TestShared: a route that was added on one proxy is served by another that has
// the same Redis, and goes on being served while Redis is away.
func TestShared(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	options := []string{"--store", server.URL()}
	first, second := start(t, launch{program: program(), options: options}), start(t, launch{program: program(), options: options})
	target := newAsk(t, first, 0)
	defer target.close()
	upstream := target.target("upstream")
	with(t, second, func(other *ask) {
		var took []time.Duration
		for i := range 200 {
			path := fmt.Sprintf("/user/%d", i)
			target.add(path, upstream)
			begun := time.Now()
			for other.get(path).Status != http.StatusOK {
				if time.Since(begun) > time.Minute {
					t.Fatalf("%s is not served by the other", path)
				}
			}
			took = append(took, time.Since(begun))
		}
		slices.Sort(took)
		t.Logf("of 200 routes the other proxy served one %v after it was added, in the median, and the last %v after", took[len(took)/2], took[len(took)-1])
		target.api(http.MethodDelete, "/user/1", "")
		hubtest.Eventually(t, "gone on the other", func() bool { return other.get("/user/1").Status == http.StatusNotFound })
		server.Stop()
		other.equal("while Redis is away", other.get("/user/2").Status, http.StatusOK)
		answer := other.api(http.MethodPost, "/user/new", `{"target":"`+upstream+`"}`)
		other.equal("adding while Redis is away", answer.Status, http.StatusServiceUnavailable)
		if answer.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		server.Restart()
		hubtest.Eventually(t, "adding once it is back", func() bool {
			return other.api(http.MethodPost, "/user/new", `{"target":"`+upstream+`"}`).Status == http.StatusCreated
		})
	})
	for _, failure := range target.failures {
		t.Error(failure)
	}
}

// TestTaken: an address that another process has is an error, not a second
// listener on it.
func TestTaken(t *testing.T) {
	t.Parallel()
	p := start(t, launch{program: program()})
	for _, test := range []launch{
		{port: p.port, apiPort: hubtest.FreePort(t)},
		{port: hubtest.FreePort(t), apiPort: p.apiPort},
	} {
		test.program = program()
		other := begin(t, test)
		<-other.ended
		if code := other.command.ProcessState.ExitCode(); code != 1 || !strings.Contains(other.log.String(), "address already in use") {
			t.Errorf("code %d, %s", code, other.log)
		}
	}
}

// TestRefusedOptions: what cannot be done is said, and what makes no difference is
// warned about.
func TestRefusedOptions(t *testing.T) {
	t.Parallel()
	p := start(t, launch{program: program(), options: append(tlsOptions(),
		"--ssl-dhparam", "/none", "--ssl-allow-rc4", "--ssl-protocol", "TLSv1_2", "--ssl-ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256:HIGH:!RC4")})
	p.waitFor("warn: --ssl-dhparam and --ssl-allow-rc4 have no effect")
	p.waitFor("left out, since they are not spoken here: HIGH")
	with(t, p, func(c *ask) {
		c.equal("over TLS", c.do(http.MethodGet, "https://"+p.address+"/_chp_healthz", "").Status, http.StatusOK)
		for _, test := range []struct {
			options []string
			want    string
		}{
			{[]string{"--storage-backend", "x"}, "--store keeps routes in a file or in Redis"},
			{append(tlsOptions(), "--ssl-protocol", "TLSv1_1"), "only TLSv1_2 and TLSv1_3 are spoken"},
			{append(tlsOptions(), "--ssl-ciphers", "HIGH:!RC4"), "none of HIGH:!RC4"},
			{tlsOptions()[:2], "--ssl-key and --ssl-cert belong together"},
			{[]string{"--log-level", "loud"}, "--log-level is debug, info, warn or error"},
			{[]string{"--timeout", "-1"}, "--timeout is a number of milliseconds"},
			{[]string{"--default-target", "nonsense"}, "default_target"},
			{[]string{"--store", "mysql://h"}, "--store is a file, memory, or redis://HOST:PORT"},
		} {
			output, code := c.fails(test.options...)
			if code != 1 || !strings.Contains(output, test.want) {
				t.Errorf("%v: code %d, %s", test.options, code, output)
			}
		}
	})
}

// TestCalledByName: a link to the binary that has the name of the original is the
// command.
func TestCalledByName(t *testing.T) {
	t.Parallel()
	p := start(t, launch{program: []string{link(t, t.TempDir())}})
	p.waitFor("[ConfigProxy] info: Proxying http://" + p.address + " to (no default)\n")
	if strings.Contains(p.log.String(), "\x1b") {
		t.Error("colours, and nobody looks")
	}
}

// TestStop: a request that is under way ends well, a WebSocket is told, and the
// address is free at once for the next proxy.
func TestStop(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		p := start(t, launch{program: program()})
		with(t, p, func(c *ask) {
			arrived, goOn := make(chan struct{}), make(chan struct{})
			c.add("/slow", c.serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				close(arrived)
				<-goOn
				fmt.Fprint(w, "done")
			})))
			c.add("/open", c.target("open"))
			socket, status := c.webSocket("/open")
			if socket == nil {
				t.Fatalf("WebSocket: %d", status)
			}
			defer socket.CloseNow()
			c.equal("WebSocket", c.exchange(socket, ""), "connected")
			answers := make(chan answer, 1)
			go func() { answers <- c.get("/slow") }()
			<-arrived
			if err := p.command.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			hubtest.Eventually(t, "the address is free", func() bool {
				listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)))
				if err != nil {
					return false
				}
				return listener.Close() == nil
			})
			close(goOn)
			c.equal(signal.String(), (<-answers).Body, "done")
			_, _, err := socket.Read(t.Context())
			c.equal("close code", websocket.CloseStatus(err), websocket.StatusGoingAway)
			<-p.ended
			c.equal("code", p.command.ProcessState.ExitCode(), 0)
		})
	}
}

// TestSockets: proxy, API and metrics on Unix sockets.
func TestSockets(t *testing.T) {
	t.Parallel()
	folder := shortFolder(t)
	at := func(name string) string { return filepath.Join(folder, name) }
	p := begin(t, launch{program: program(), options: []string{"--socket", at("p"), "--api-socket", at("a"), "--metrics-socket", at("m")}, noAddresses: true})
	hubtest.Eventually(t, "sockets", func() bool {
		for _, name := range []string{"p", "a", "m"} {
			connection, err := net.Dial("unix", at(name))
			if err != nil {
				return false
			}
			_ = connection.Close()
		}
		return true
	})
	with(t, p, func(c *ask) {
		upstream := c.target("upstream")
		over := func(name string) *ask { return overSocket(c, at(name)) }
		api := over("a")
		c.equal("adding", api.do(http.MethodPost, "http://h/api/routes/x", `{"target":"`+upstream+`"}`, "Authorization: token "+token).Status, http.StatusCreated)
		c.equal("request", c.seen(over("p").do(http.MethodGet, "http://h/x/y", "")).Path, "/x/y")
		socket, status := over("p").webSocket("/x/ws")
		if socket == nil {
			t.Fatalf("WebSocket: %d", status)
		}
		c.equal("WebSocket", c.exchange(socket, ""), "connected")
		_ = socket.CloseNow()
		if metrics := over("m").do(http.MethodGet, "http://h/metrics", "").Body; !strings.Contains(metrics, "requests_ws 1") {
			t.Errorf("metrics: %.2000s", metrics)
		}
	})
}
