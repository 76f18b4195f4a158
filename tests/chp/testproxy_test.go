package chp_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// TestJupyterHubsOwn runs the tests that JupyterHub has for its proxy, with our
// binary in the place of configurable-http-proxy. One of them wants a proxy to
// forget its routes when it is restarted, which is what "memory" is for.
func TestJupyterHubsOwn(t *testing.T) {
	venv := hubtest.VirtualEnvironment(t)
	found, err := filepath.Glob(filepath.Join(venv, "lib", "python3*", "site-packages", "jupyterhub", "tests", "test_proxy.py"))
	if err != nil || len(found) != 1 {
		t.Fatalf("test_proxy.py: %v, %v", found, err)
	}
	folder, programs := t.TempDir(), t.TempDir()
	link(t, programs)
	command := exec.CommandContext(t.Context(), filepath.Join(venv, "bin", "python"), "-m", "pytest", "-q",
		"-o", "asyncio_mode=auto", "-p", "no:cacheprovider", "-W", "ignore", found[0])
	command.Dir = folder
	command.Env = []string{
		"HOME=" + folder, "LANG=C.UTF-8", "CADDYHUB_PROXY_STORE=memory",
		"PATH=" + strings.Join([]string{programs, filepath.Join(venv, "bin"), os.Getenv("PATH")}, string(filepath.ListSeparator)),
	}
	// Its servers outlive it; they have the PATH with the folder of this test.
	defer func() {
		for _, id := range processes(t, programs, "") {
			_ = syscall.Kill(id, syscall.SIGKILL) // it may have ended
		}
	}()
	output, err := command.CombinedOutput()
	summary := regexp.MustCompile(`(?m)^31 passed, 2 skipped`).Find(output)
	if err != nil || summary == nil {
		t.Fatalf("%v\n%s", err, output)
	}
}
