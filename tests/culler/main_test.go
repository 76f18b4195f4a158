// Package culler_test stops servers that nobody uses: with the program
// jupyterhub-idle-culler from PyPI, as it is, and with what the hub has built in.
package culler_test

import (
	"bufio"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

func TestMain(m *testing.M) { hubtest.Main(m) }

// idle is after how long a server is idle in these tests.
const idle = 20 * time.Second

// busy keeps a server in use until the test ends, as an open page does.
func busy(t *testing.T, h *hubtest.Hub, user string) {
	t.Helper()
	client := h.LogIn(user)
	ticker := time.NewTicker(time.Second)
	var working sync.WaitGroup
	done := make(chan struct{})
	t.Cleanup(func() {
		close(done)
		working.Wait()
	})
	working.Go(func() {
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				if answer, err := client.HTTP.Get(h.URL + "/user/" + user + "/api/status"); err == nil {
					_ = answer.Body.Close() // of which nothing was read
				}
			}
		}
	})
}

// servers tells of the servers of a user: "lab ready", by name; nil if there is
// no such user.
func servers(t *testing.T, client *hubtest.Client, user string) map[string]bool {
	t.Helper()
	answer := client.Do(http.MethodGet, "/hub/api/users/"+url.PathEscape(user)+"?include_stopped_servers", nil)
	if answer.Status == http.StatusNotFound {
		return nil
	}
	var model struct {
		Servers map[string]struct{ Ready bool }
	}
	answer.JSON(t, &model)
	ready := make(map[string]bool)
	for name, server := range model.Servers {
		ready[name] = server.Ready
	}
	return ready
}

// culler runs the program against a hub until the test ends. The hub writes
// activity down every ten seconds, so that shorter times would stop anybody.
func culler(t *testing.T, h *hubtest.Hub, token string, arguments ...string) (log func() string) {
	t.Helper()
	program := filepath.Join(hubtest.VirtualEnvironment(t), "bin", "jupyterhub-idle-culler")
	command := exec.CommandContext(t.Context(), program, append([]string{
		"--timeout=25", "--cull-every=2",
	}, arguments...)...)
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PYTHONUNBUFFERED=1",
		"JUPYTERHUB_API_URL=" + h.APIURL() + "/hub/api", "JUPYTERHUB_API_TOKEN=" + token,
	}
	command.Dir = t.TempDir()
	output, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var lines []string
	var reading sync.WaitGroup
	reading.Go(func() {
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			mu.Lock()
			lines = append(lines, scanner.Text())
			mu.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended
		reading.Wait()
		_ = command.Wait() // killed
		if t.Failed() {
			t.Logf("jupyterhub-idle-culler says:\n%s", strings.Join(lines, "\n"))
		}
	})
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(lines, "\n")
	}
}
