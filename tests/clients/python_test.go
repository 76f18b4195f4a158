package clients_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// python runs a script of testdata in the environment that has JupyterHub, with
// these variables, and returns what it printed. A script that fails fails the
// test.
func python(t *testing.T, script string, environment ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(),
		filepath.Join(hubtest.VirtualEnvironment(t), "bin", "python"), filepath.Join("testdata", script))
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PYTHONUNBUFFERED=1"}, environment...)
	var printed, complaints bytes.Buffer
	command.Stdout, command.Stderr = &printed, &complaints
	if err := command.Run(); err != nil {
		t.Fatalf("%s: %v\n%s\n%s", script, err, printed.String(), complaints.String())
	}
	return printed.String()
}
