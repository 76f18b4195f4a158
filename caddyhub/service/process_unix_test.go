//go:build unix

package service

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

// supervisor runs real processes, impatiently.
func supervisor(t *testing.T, s store.Store, log *logged) *Supervisor {
	t.Helper()
	made, err := New(Options{
		Store: s, Node: "here", Log: slog.New(slog.NewTextHandler(log, nil)),
		Issue:            func(context.Context, string) (string, error) { return "issued-token", nil },
		InterruptTimeout: 300 * time.Millisecond, TermTimeout: 300 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := made.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return made
}

func openStore(t *testing.T) store.Store {
	t.Helper()
	s, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "store")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func shell(name, line string) Spec {
	return Spec{Name: name, Command: []string{"/bin/sh", "-c", line}}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (l *logged) await(t *testing.T, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%q in the log, which is\n%s", text, l), func() bool { return strings.Contains(l.String(), text) })
}

// noted waits until a service runs and returns its process.
func noted(t *testing.T, s store.Store, name string) (process Process) {
	t.Helper()
	eventually(t, "the process of "+name, func() bool {
		known := false
		err := s.View(t.Context(), func(r store.Reader) (err error) {
			process, known, err = Find(r, name)
			return err
		})
		return err == nil && known && process.PID != 0
	})
	return process
}

// A service gets its variables and none of the hub's but a few, and what it
// writes is in the log, without secrets.
func TestEnvironmentAndOutput(t *testing.T) {
	t.Setenv("REDIS_PASSWORD", "of-the-hub")
	t.Setenv("TZ", "Europe/Oslo")
	log := new(logged)
	s := supervisor(t, openStore(t), log)
	spec := shell("a", `env | sort; pwd; echo "token is $JUPYTERHUB_API_TOKEN, so is $MINE" >&2; printf '\033[31mred\033[0m\n'; printf last; exec sleep 300`)
	spec.Dir = t.TempDir()
	spec.Environment = map[string]string{"MINE": "my-secret", "JUPYTERHUB_SERVICE_NAME": "a"}
	spec.Secrets = []string{"my-secret"}
	s.Apply(Plan{Run: []Spec{spec}})
	log.await(t, "line=red")
	for _, want := range []string{
		`line="JUPYTERHUB_API_TOKEN=[secret]"`, `line="MINE=[secret]"`, `line="TZ=Europe/Oslo"`, `line="JUPYTERHUB_SERVICE_NAME=a"`,
		`line="token is [secret], so is [secret]"`, "line=" + spec.Dir, "service=a", "HOME=",
	} {
		log.await(t, want)
	}
	for _, secret := range []string{"issued-token", "my-secret", "of-the-hub"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
	s.Apply(Plan{})
	log.await(t, "line=last")
}

// Stopping a service ends what it has started, however stubborn.
func TestStop(t *testing.T) {
	for name, line := range map[string]string{
		"obedient":         "echo ready; exec sleep 300",
		"on interrupt":     `trap "echo bye; exit 0" INT; echo ready; while :; do sleep 0.05; done`,
		"stubborn":         `trap "" INT TERM; echo ready; while :; do sleep 1; done`,
		"with children":    `trap "" INT; (trap "" INT TERM; sleep 300) & echo ready; wait; sleep 300`,
		"orphans its kin":  `(trap "" INT TERM; sleep 300) & echo ready; exec sleep 300`,
		"output kept open": `setsid sh -c "sleep 3" & echo ready; exec sleep 300`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, kept := new(logged), openStore(t)
			s := supervisor(t, kept, log)
			s.Apply(Plan{Run: []Spec{shell("a", line)}})
			process := noted(t, kept, "a")
			log.await(t, "line=ready")
			s.Apply(Plan{})
			eventually(t, "the end", func() bool {
				alive, err := osprocess.GroupAlive(process.PID)
				return err == nil && !alive
			})
			if name == "on interrupt" {
				log.await(t, "line=bye")
			}
		})
	}
}

// A service that crashes is started again, and what its last run has left in
// its group is gone by then.
func TestCrash(t *testing.T) {
	log, kept := new(logged), openStore(t)
	s := supervisor(t, kept, log)
	s.Apply(Plan{Run: []Spec{shell("a", "sleep 300 & echo ready; wait")}})
	first := noted(t, kept, "a")
	log.await(t, "line=ready")
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another process", func() bool { return noted(t, kept, "a").PID != first.PID })
	if alive, err := osprocess.GroupAlive(first.PID); err != nil || alive {
		t.Errorf("what the first has left lives: %v, %v", alive, err)
	}
	log.await(t, "signal: killed")
}

func TestCannotRun(t *testing.T) {
	for name, spec := range map[string]Spec{
		"no program":    {Command: []string{"/nowhere/program"}},
		"not in PATH":   {Command: []string{"no-such-program-anywhere"}},
		"relative":      {Command: []string{"./program"}},
		"no folder":     {Command: []string{"/bin/sh"}, Dir: "/nowhere"},
		"no account":    {Command: []string{"/bin/sh"}, User: "no-such-account"},
		"account by id": {Command: []string{"/bin/sh"}, User: "0"},
		"NUL":           {Command: []string{"/bin/sh"}, Environment: map[string]string{"A": "\x00"}},
	} {
		s := supervisor(t, openStore(t), new(logged))
		if p, err := s.startProgram(spec, launch{id: "x", token: "t"}); err == nil {
			t.Errorf("%s: it runs: %+v", name, p.process)
		}
	}
}

// A program with a slash is found in the folder of the service.
func TestRelativeProgram(t *testing.T) {
	log := new(logged)
	s := supervisor(t, openStore(t), log)
	spec := Spec{Name: "a", Command: []string{"./program", "x y"}, Dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(spec.Dir, "program"), []byte("#!/bin/sh\necho \"$1\"; exec sleep 300\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Apply(Plan{Run: []Spec{spec}})
	log.await(t, `line="x y"`)
}

func TestAnotherAccount(t *testing.T) {
	nobody, err := user.Lookup("nobody")
	if os.Geteuid() != 0 || err != nil {
		t.Skip("needs root and the account nobody")
	}
	log := new(logged)
	s := supervisor(t, openStore(t), log)
	spec := shell("a", `echo "$(id -u) $(id -G) $USER"; exec sleep 300`)
	spec.User, spec.Dir = "nobody", "/"
	s.Apply(Plan{Run: []Spec{spec}})
	log.await(t, fmt.Sprintf("line=\"%s %s nobody\"", nobody.Uid, nobody.Gid))
}

// The log tells when a service answers, is gone, and is back.
func TestChecks(t *testing.T) {
	log := new(logged)
	s := supervisor(t, openStore(t), log)
	there := httptest.NewServer(http.NotFoundHandler())
	defer there.Close()
	spec := shell("a", "exec sleep 300")
	spec.URL = there.URL
	s.Apply(Plan{Run: []Spec{spec}})
	log.await(t, "service answers")

	address := there.Listener.Addr().String()
	s.Apply(Plan{Check: []Target{{Name: "b", URL: there.URL}}, CheckInterval: 10 * time.Millisecond})
	there.Close()
	log.await(t, "service cannot be reached")
	again := exec.Command("python3", "-m", "http.server", "--bind", "127.0.0.1", strings.Split(address, ":")[1])
	if err := again.Start(); err != nil {
		t.Skip(err)
	}
	defer func() {
		_ = again.Process.Kill()
		_ = again.Wait()
	}()
	log.await(t, "service can be reached again")
	if count := strings.Count(log.String(), "service cannot be reached"); count != 1 {
		t.Errorf("told %d times", count)
	}
}

// The hub of TestHubKilled: it runs a service until it is killed.
func TestMain(m *testing.M) {
	path := os.Getenv("CADDYHUB_TEST_HUB")
	if path == "" {
		os.Exit(m.Run())
	}
	s, err := embedded.Open(embedded.Options{Path: path})
	if err != nil {
		panic(err)
	}
	made, err := New(Options{
		Store: s, Node: "here", Log: slog.New(slog.NewTextHandler(os.Stdout, nil)),
		Issue: func(context.Context, string) (string, error) { return "issued-token", nil },
	})
	if err != nil {
		panic(err)
	}
	made.Apply(Plan{Run: []Spec{shell("a", `(trap "" TERM; exec sleep 300) & trap "" TERM; echo ready; wait; sleep 300`)}})
	select {}
}

// A hub that is killed leaves a service behind that ignores its end; the next
// hub ends it before it starts another, at once.
func TestHubKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	hub := exec.Command(os.Args[0])
	hub.Env = append(os.Environ(), "CADDYHUB_TEST_HUB="+path)
	output, err := hub.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := hub.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if _, text, found := strings.Cut(lines.Text(), "pid="); found {
			pid, _ = strconv.Atoi(text)
		}
		if strings.Contains(lines.Text(), "line=ready") {
			break
		}
	}
	if pid == 0 {
		t.Fatal("the service of the other hub has no process")
	}
	if err := hub.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = hub.Wait()
	kept, err := embedded.Open(embedded.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	s := supervisor(t, kept, new(logged))
	s.Apply(Plan{Run: []Spec{shell("a", "exec sleep 300")}})
	eventually(t, "another process", func() bool { return noted(t, kept, "a").PID != pid })
	if alive, err := osprocess.GroupAlive(pid); err != nil || alive {
		t.Errorf("the service of the killed hub lives: %v, %v", alive, err)
	}
}
