package jupyterhub

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// startTimeout is how long a hub and its proxy may take to answer.
	startTimeout = time.Minute
	// stopTimeout is how long they may take to stop when asked to.
	stopTimeout = 20 * time.Second
	// pause is how long to wait before a condition is looked at again.
	pause = 50 * time.Millisecond
	// shownLines is how much of the log is shown when a test fails.
	shownLines = 60
)

// process is the run of the hub.
type process struct {
	*exec.Cmd
	ended chan struct{}
	err   error // of the end; read it after ended is closed
}

func (h *Hub) run(ports ports, environment []string) {
	h.t.Helper()
	log, err := os.Create(h.logPath())
	if err != nil {
		h.t.Fatal(err)
	}
	defer log.Close()
	command := exec.Command(h.command, "--config", h.configPath())
	command.Dir = h.folder
	command.Env = append([]string{
		"PATH=" + strings.Join([]string{h.node, filepath.Dir(h.command), os.Getenv("PATH")}, string(filepath.ListSeparator)),
		"HOME=" + h.folder,
		"LANG=C.UTF-8",
	}, environment...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &process{Cmd: command, ended: make(chan struct{})}
	if err := p.Start(); err != nil {
		h.t.Fatalf("jupyterhub: %v", err)
	}
	go func() {
		p.err = p.Wait()
		close(p.ended)
	}()
	h.process = p
	h.waitHealthy(ports.Hub)
}

// waitHealthy asks the hub itself first: its proxy would log each time that
// there is no hub yet.
func (h *Hub) waitHealthy(hub int) {
	h.t.Helper()
	waiting := []string{"http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(hub)), h.URL}
	client := http.Client{Timeout: time.Second}
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(pause) {
		select {
		case <-h.process.ended:
			h.t.Fatalf("jupyterhub: it ended: %v", h.process.err)
		default:
		}
		response, err := client.Get(waiting[0] + "/hub/health")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				waiting = waiting[1:]
			}
		}
		if len(waiting) == 0 {
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("jupyterhub: %s does not answer: %v", waiting[0], err)
		}
	}
}

// cleanup asks the hub to stop, which stops its proxy and servers, and kills
// what is left.
func (h *Hub) cleanup() {
	if h.process != nil && h.process.Process != nil {
		_ = h.process.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-h.process.ended:
		case <-time.After(stopTimeout):
			h.t.Errorf("jupyterhub: it did not stop within %v", stopTimeout)
		}
	}
	for deadline := time.Now().Add(stopTimeout); ; time.Sleep(pause) {
		left := h.processes()
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			h.t.Errorf("jupyterhub: processes %v do not end", left)
			break
		}
		for _, id := range left {
			_ = syscall.Kill(id, syscall.SIGKILL) // it may have ended by itself
		}
	}
	if h.t.Failed() {
		lines := strings.Split(strings.TrimSpace(h.Log()), "\n")
		h.t.Logf("last lines of JupyterHub's log:\n%s", strings.Join(lines[max(0, len(lines)-shownLines):], "\n"))
	}
}

// processes are the ids of the hub's processes that run, on Linux: those whose
// home is in its folder.
func (h *Hub) processes() []int {
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		h.t.Fatal(err)
	}
	var found []int
	for _, folder := range folders {
		// What cannot be read has ended, or belongs to somebody else.
		variables, err := os.ReadFile(filepath.Join(folder, "environ"))
		if err != nil || !bytes.Contains(variables, []byte("HOME="+h.folder)) {
			continue
		}
		if id, err := strconv.Atoi(filepath.Base(folder)); err == nil {
			found = append(found, id)
		}
	}
	return found
}
