package chp_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// token of the API, for both programs.
const token = "0123456789abcdef"

const (
	startTimeout = 20 * time.Second
	stopTimeout  = 20 * time.Second
)

// proxies are those of one program, one for each set of options.
type proxies struct {
	t       *testing.T
	program []string
	// path comes first in PATH.
	path    string
	running map[string]*proxy
	// patience is how long an answer may take.
	patience time.Duration
}

// check runs one check and returns what it found wrong.
func (p *proxies) check(c check) []string {
	p.t.Helper()
	name := strings.Join(c.options, "\x00")
	running := p.running[name]
	if running == nil || c.fresh {
		running = start(p.t, launch{program: p.program, path: p.path, options: c.options})
		if !c.fresh {
			p.running[name] = running
		}
	}
	a := newAsk(p.t, running, p.patience)
	defer a.close()
	c.run(a)
	if c.fresh {
		running.stop()
	}
	return a.failures
}

// launch says how a proxy is started.
type launch struct {
	program []string
	path    string
	options []string
	// folder is where it keeps what it keeps; empty for a new one.
	folder string
	// environment beside what it always gets.
	environment []string
	// ports of the proxy and of its API; 0 for free ones.
	port, apiPort int
	// noAddresses leaves it to the options to say where to listen.
	noAddresses bool
}

// proxy is a running one.
type proxy struct {
	t       testing.TB
	command *exec.Cmd
	// address of the proxy and of its API, as host:port.
	address, api  string
	port, apiPort int
	folder        string
	log           *log
	ended         chan struct{}
}

// start starts a proxy and waits until both its addresses answer. It is stopped
// with the test.
func start(t testing.TB, l launch) *proxy {
	t.Helper()
	p := begin(t, l)
	deadline := time.Now().Add(startTimeout)
	for _, address := range []string{p.address, p.api} {
		for !listens(address) {
			select {
			case <-p.ended:
				t.Fatalf("%s ended:\n%s", strings.Join(l.program, " "), p.log)
			case <-time.After(20 * time.Millisecond):
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s does not listen on %s:\n%s", strings.Join(l.program, " "), address, p.log)
			}
		}
	}
	return p
}

// begin is start without waiting.
func begin(t testing.TB, l launch) *proxy {
	t.Helper()
	if l.folder == "" {
		l.folder = t.TempDir()
	}
	if l.port == 0 {
		l.port, l.apiPort = hubtest.FreePort(t), hubtest.FreePort(t)
	}
	port, apiPort := strconv.Itoa(l.port), strconv.Itoa(l.apiPort)
	p := &proxy{
		t: t, port: l.port, apiPort: l.apiPort, folder: l.folder, log: new(log), ended: make(chan struct{}),
		address: net.JoinHostPort("127.0.0.1", port), api: net.JoinHostPort("127.0.0.1", apiPort),
	}
	options := append([]string{"--ip", "127.0.0.1", "--port", port, "--api-ip", "127.0.0.1", "--api-port", apiPort}, l.options...)
	if l.noAddresses {
		options = l.options
	}
	p.command = exec.Command(l.program[0], append(l.program[1:len(l.program):len(l.program)], options...)...)
	p.command.Dir = l.folder
	p.command.Env = append([]string{
		"HOME=" + l.folder, "PATH=" + strings.Join([]string{l.path, os.Getenv("PATH")}, string(filepath.ListSeparator)),
		"CONFIGPROXY_AUTH_TOKEN=" + token,
	}, l.environment...)
	p.command.Stdout, p.command.Stderr = p.log, p.log
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.command.Wait() // how it ended is in ProcessState
		close(p.ended)
	}()
	t.Cleanup(p.stop)
	return p
}

// stop asks the proxy to end, and makes it.
func (p *proxy) stop() {
	p.end(syscall.SIGTERM)
}

// end sends a signal and waits for the end.
func (p *proxy) end(signal syscall.Signal) {
	select {
	case <-p.ended:
		return
	default:
	}
	_ = p.command.Process.Signal(signal) // it may have ended meanwhile
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		_ = p.command.Process.Kill()
		<-p.ended
		p.t.Errorf("the proxy did not end after %v:\n%s", signal, p.log)
	}
}

// waitFor waits until the log has a text.
func (p *proxy) waitFor(text string) {
	p.t.Helper()
	hubtest.Eventually(p.t, "a line "+text, func() bool { return strings.Contains(p.log.String(), text) })
}

func listens(address string) bool {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}

// log is what a program prints, without colours.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	for _, colour := range []string{"31", "32", "33", "34", "39"} {
		text = strings.ReplaceAll(text, "\x1b["+colour+"m", "")
	}
	return text
}
