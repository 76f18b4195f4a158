package hubtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// endServers kills every process that the hub has started and that is left: a
// hub leaves its servers running when it stops.
func (h *Hub) endServers() {
	for deadline := time.Now().Add(stopTimeout); ; time.Sleep(pause) {
		left := h.Processes()
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			h.t.Errorf("hubtest: processes %v do not end", left)
			return
		}
		for _, id := range left {
			_ = syscall.Kill(id, syscall.SIGKILL) // it may have ended by itself
		}
	}
}

// Processes are the ids of the running processes of servers, on any node, and of
// their kernels: those below a spawn, at home where this hub's users are. They
// are found on Linux only.
func (h *Hub) Processes() []int {
	h.t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		h.t.Fatal(err)
	}
	var found []int
	for _, folder := range folders {
		// What cannot be read has ended, or belongs to somebody else.
		variables, err := os.ReadFile(filepath.Join(folder, "environ"))
		if err != nil || !bytes.Contains(variables, []byte("CADDYHUB_SPAWN_ID=")) || !bytes.Contains(variables, []byte("="+h.options.Homes+"/")) {
			continue
		}
		if id, err := strconv.Atoi(filepath.Base(folder)); err == nil {
			found = append(found, id)
		}
	}
	return found
}

// VirtualEnvironment is the Python environment with JupyterHub and JupyterLab:
// the folder CADDYHUB_TEST_VENV, else tests/.venv. If there is none, the test is
// skipped, or fails when CADDYHUB_TEST_REQUIRE is 1.
func VirtualEnvironment(t testing.TB) string {
	t.Helper()
	candidates := []string{os.Getenv("CADDYHUB_TEST_VENV")}
	for folder, err := os.Getwd(); err == nil && folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			candidates = append(candidates, filepath.Join(folder, "tests", ".venv"))
			break
		}
	}
	for _, candidate := range candidates {
		if _, err := os.Stat(filepath.Join(candidate, "bin", "jupyterhub-singleuser")); candidate != "" && err == nil {
			return candidate
		}
	}
	const missing = "jupyterhub-singleuser is missing: run tests/setup/venv, or set CADDYHUB_TEST_VENV"
	if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}
