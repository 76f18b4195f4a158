//go:build unix

package process

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/spawnertest"
)

func TestMain(m *testing.M) {
	spawnertest.Serve()
	hubThatDies()
	os.Exit(m.Run())
}

// options run this test's own binary as the server, with short timeouts.
func options(t *testing.T) Options {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Command: []string{program}, AllowRoot: true, LogDir: filepath.Join(t.TempDir(), "logs"),
		InterruptTimeout: 300 * time.Millisecond, TermTimeout: 100 * time.Millisecond,
	}
}

func newSpawner(t *testing.T, options Options) *Spawner {
	t.Helper()
	s, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSuite(t *testing.T) {
	spawnertest.Run(t, spawnertest.Config{
		New: func(t *testing.T) spawner.Spawner { return newSpawner(t, options(t)) },
		Kill: func(t *testing.T, server spawner.Ref) {
			known, err := readState(server.State)
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(known.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		},
	})
}
