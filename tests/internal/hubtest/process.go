package hubtest

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/binary"
)

// Main builds the binary once for all tests of a package, unless it is built
// already, runs them and exits.
func Main(m *testing.M) {
	path, remove, err := binary.Build()
	if err == nil {
		err = os.Setenv(binary.Variable, path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	remove()
	os.Exit(code)
}

func builtBinary(t testing.TB) string {
	t.Helper()
	path := os.Getenv(binary.Variable)
	if path == "" {
		t.Fatal("hubtest: call hubtest.Main in TestMain")
	}
	return path
}

// process is one run of the binary.
type process struct {
	*exec.Cmd
	ended chan struct{}
	err   error // of the end; read it after ended is closed
}

// run starts the binary and waits until it is healthy.
func (h *Hub) run() {
	h.t.Helper()
	log, err := os.OpenFile(h.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		h.t.Fatal(err)
	}
	defer log.Close()
	p := &process{Cmd: h.command("run", "--config", h.caddyfilePath()), ended: make(chan struct{})}
	p.Stdout, p.Stderr = log, log
	if err := p.Start(); err != nil {
		h.t.Fatalf("hubtest: %v", err)
	}
	go func() {
		p.err = p.Wait()
		close(p.ended)
	}()
	h.process = p
	h.waitHealthy()
}

// command is the binary with arguments, in the folder of the hub and in an
// environment in which nothing of the machine is left but the PATH.
func (h *Hub) command(arguments ...string) *exec.Cmd {
	command := exec.Command(h.binary, arguments...)
	command.Dir = h.folder
	command.Env = append([]string{
		"PATH=" + filepath.Join(h.venv, "bin") + string(filepath.ListSeparator) + os.Getenv("PATH"),
		"HOME=" + h.folder,
		"XDG_DATA_HOME=" + filepath.Join(h.folder, "data"),
		"XDG_CONFIG_HOME=" + filepath.Join(h.folder, "config"),
		"LANG=C.UTF-8",
		// The same for all nodes of all tests.
		"CADDYHUB_SECRET=0123456789abcdef0123456789abcdef",
	}, h.options.Environment...)
	return command
}

func (h *Hub) waitHealthy() {
	h.t.Helper()
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(pause) {
		select {
		case <-h.process.ended:
			h.t.Fatalf("hubtest: the hub ended: %v", h.process.err)
		default:
		}
		// A new client each time: the first run makes the certificate it trusts.
		response, err := h.Anonymous().attempt(http.MethodGet, "/hub/health", nil)
		if err == nil && response.Status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("hubtest: the hub is not healthy: %v, %v", response, err)
		}
	}
}

// PID is the process of the hub.
func (h *Hub) PID() int { return h.process.Process.Pid }

// Stop asks the hub to stop (SIGTERM) and waits for it. Servers go on.
func (h *Hub) Stop() {
	h.t.Helper()
	h.signal(syscall.SIGTERM)
	select {
	case <-h.process.ended:
	case <-time.After(stopTimeout):
		h.t.Errorf("hubtest: the hub did not stop within %v", stopTimeout)
		h.signal(syscall.SIGQUIT) // its log then says what it was doing
		<-h.process.ended
	}
	h.process = nil
}

// Kill ends the hub at once (SIGKILL), as a crash does. Servers go on.
func (h *Hub) Kill() {
	h.t.Helper()
	h.signal(syscall.SIGKILL)
	<-h.process.ended
	h.process = nil
}

// WaitEnd waits for a hub that ends by itself, which must be as after Stop.
func (h *Hub) WaitEnd() {
	h.t.Helper()
	select {
	case <-h.process.ended:
	case <-time.After(stopTimeout):
		h.t.Fatalf("hubtest: the hub did not end within %v", stopTimeout)
	}
	if h.process.err != nil {
		h.t.Errorf("hubtest: the hub ended with %v", h.process.err)
	}
	h.process = nil
}

// Restart starts a hub again that was stopped or killed, with what it has kept
// and in the same place, and waits until it is healthy.
func (h *Hub) Restart() {
	h.t.Helper()
	if h.process != nil {
		h.t.Fatal("hubtest: Restart of a running hub")
	}
	h.run()
}

func (h *Hub) signal(signal syscall.Signal) {
	h.t.Helper()
	if err := h.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		h.t.Fatalf("hubtest: %v", err)
	}
}

// Reload puts another Caddyfile into force through the admin endpoint, without
// a restart, and returns what the command said if it was refused.
func (h *Hub) Reload(caddyfile string) error {
	h.t.Helper()
	h.writeCaddyfile(caddyfile)
	output, err := h.command("reload", "--config", h.caddyfilePath()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("reload: %w\n%s", err, output)
	}
	return nil
}

// Token asks the running hub for an API token of a user, on the command line.
// arguments follow the name.
func (h *Hub) Token(user string, arguments ...string) string {
	h.t.Helper()
	command := h.command(append([]string{"token", user, "--config", h.caddyfilePath()}, arguments...)...)
	var trouble strings.Builder
	command.Stderr = &trouble
	output, err := command.Output()
	if err != nil {
		h.t.Fatalf("caddyhub token %s: %v\n%s", user, err, trouble.String())
	}
	return strings.TrimSpace(string(output))
}
