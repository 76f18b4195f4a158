package routes_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/binary"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// broken is a process whose clients break off.
type broken struct {
	t       *testing.T
	pid     int
	address string
	// metrics is where it tells how many goroutines it has.
	metrics string
	// requests by what they are, each without the empty line at its end.
	requests map[string]string
}

// aborted is how many connections of each kind break off. CADDYHUB_TEST_ABORTED
// sets another number, such as 10000.
func aborted(t *testing.T) int {
	t.Helper()
	text := os.Getenv("CADDYHUB_TEST_ABORTED")
	if text == "" {
		return 500
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// TestAbortedCommand: connections that break off leave nothing in the proxy of a
// JupyterHub.
func TestAbortedCommand(t *testing.T) {
	t.Parallel()
	behaviour := newBehaviour()
	targets, _ := backs(t, behaviour)
	folder := t.TempDir()
	ports := []string{strconv.Itoa(hubtest.FreePort(t)), strconv.Itoa(hubtest.FreePort(t)), strconv.Itoa(hubtest.FreePort(t))}
	command := exec.Command(os.Getenv(binary.Variable), "configurable-http-proxy", "--ip", "127.0.0.1", "--port", ports[0],
		"--api-port", ports[1], "--metrics-ip", "127.0.0.1", "--metrics-port", ports[2], "--default-target", targets["http"], "--log-level", "warn")
	command.Env, command.Dir = []string{"HOME=" + folder, "CADDYHUB_PROXY_STORE=memory"}, folder
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait() // how it ends is another test's
	})
	b := &broken{t: t, pid: command.Process.Pid, address: "127.0.0.1:" + ports[0], metrics: "http://127.0.0.1:" + ports[2] + "/metrics"}
	hubtest.Eventually(t, "the proxy answers", func() bool {
		_, err := b.goroutines()
		return err == nil
	})
	b.requests = map[string]string{
		"plain":                   "GET /gone HTTP/1.1\r\nHost: h\r\n",
		"events":                  "GET /events HTTP/1.1\r\nHost: h\r\n",
		"upload":                  "POST /gone HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n",
		"WebSocket":               "GET /ws HTTP/1.1\r\nHost: h\r\n" + handshake,
		"refused by the upstream": "GET /ws-refused HTTP/1.1\r\nHost: h\r\n" + handshake,
		"refused by the proxy":    "GET /x/../y HTTP/1.1\r\nHost: h\r\n" + handshake,
	}
	// What the upstream tells is not looked at.
	go func() {
		for range behaviour.told {
		}
	}()
	b.run()
}

// TestAbortedHub: … and nothing in a hub.
func TestAbortedHub(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t, hubtest.Options{Admins: []string{"ada"}, Spawner: upstream.Spawner(t), Global: "metrics", Site: "handle /go-metrics {\n\t\tmetrics\n\t}"})
	token := hub.Token("ada")
	hub.API(token).StartServer("ada", "")
	head := "Host: " + strings.TrimPrefix(hub.URL, "http://") + "\r\nAuthorization: token " + token + "\r\n"
	b := &broken{t: t, pid: hub.PID(), address: hub.Address(), metrics: hub.URL + "/go-metrics"}
	b.requests = map[string]string{
		"plain":                   "GET /user/ada/x?slow=1m HTTP/1.1\r\n" + head,
		"upload":                  "POST /user/ada/x HTTP/1.1\r\nContent-Length: 100000\r\n" + head,
		"WebSocket":               "GET /user/ada/ws HTTP/1.1\r\n" + head + handshake,
		"refused by the upstream": "GET /user/ada/x HTTP/1.1\r\n" + head + handshake,
		"refused by the gate":     "GET /user/bob/ws HTTP/1.1\r\n" + head + handshake,
		"refused as a path":       "GET /user/ada/../x HTTP/1.1\r\n" + head + handshake,
	}
	b.run()
}

// run breaks off connections of each kind, and waits for what they have held.
func (b *broken) run() {
	n := aborted(b.t)
	descriptors, err := b.descriptors()
	if err != nil {
		b.t.Skip("descriptors are counted on Linux only")
	}
	goroutines, err := b.goroutines()
	if err != nil {
		b.t.Fatal(err)
	}
	const atOnce = 50
	for name, request := range b.requests {
		var clients sync.WaitGroup
		for client := range atOnce {
			clients.Go(func() {
				for i := client; i < n; i += atOnce {
					b.breakOff(request, i)
				}
			})
		}
		clients.Wait()
		// A connection or two to the upstream are kept for later requests, and a
		// goroutine or two of the runtime come and go.
		var open, running int
		hubtest.Eventually(b.t, name+": nothing is left", func() bool {
			open, _ = b.descriptors()
			running, err = b.goroutines()
			return err == nil && open <= descriptors+12 && running <= goroutines+12
		})
		b.t.Logf("%s: %d broken off; descriptors %d before and %d now, goroutines %d and %d", name, n, descriptors, open, goroutines, running)
	}
}

// breakOff ends a connection: right behind the head, behind some of what follows,
// or when an answer has come; with a reset or without.
func (b *broken) breakOff(request string, i int) {
	conn, err := net.Dial("tcp", b.address)
	if err != nil {
		b.t.Error(err)
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(conn, request+"\r\n") // it may be refused already
	switch i % 4 {
	case 0:
		_, _ = io.WriteString(conn, "hello")
	case 1:
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, _ = bufio.NewReader(conn).ReadString(10)
	case 2:
		_ = conn.(*net.TCPConn).CloseWrite()
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, _ = conn.Read(make([]byte, 1))
	}
	if i%2 == 0 {
		_ = conn.(*net.TCPConn).SetLinger(0)
	}
}

func (b *broken) descriptors() (int, error) {
	list, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(b.pid), "fd"))
	return len(list), err
}

var goroutinesLine = regexp.MustCompile(`(?m)^go_goroutines (\d+)$`)

func (b *broken) goroutines() (int, error) {
	response, err := http.Get(b.metrics)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	found := goroutinesLine.FindSubmatch(text)
	if err != nil || found == nil {
		return 0, fmt.Errorf("no go_goroutines, %v", err)
	}
	return strconv.Atoi(string(found[1]))
}
