package osprocess

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// running is a process that is collected when it ends.
type running struct {
	pid   int
	ended chan struct{}
}

// started runs a line of shell as the leader of a session, with a mark, and
// waits until it has said something.
func started(t *testing.T, line, mark string) running {
	t.Helper()
	command := exec.Command("/bin/sh", "-c", line)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), mark}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	r := running{command.Process.Pid, make(chan struct{})}
	t.Cleanup(func() {
		_ = syscall.Kill(-r.pid, syscall.SIGKILL) // the test may have done it
		<-r.ended
	})
	_, err = bufio.NewReader(output).ReadString('\n')
	go func() {
		_ = command.Wait() // it is killed
		close(r.ended)
	}()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mine says that a group is ours, whatever has happened to it.
func mine() (bool, error) { return true, nil }

func TestStopGroup(t *testing.T) {
	gentle := Step{syscall.SIGINT, 300 * time.Millisecond}
	kill := Step{syscall.SIGKILL, 10 * time.Second}
	for name, test := range map[string]struct {
		line  string
		owned func() (bool, error)
		steps []Step
		want  error
		gone  bool
	}{
		"obedient":         {"echo x; exec sleep 300", mine, []Step{{syscall.SIGINT, 10 * time.Second}}, nil, true},
		"stubborn":         {`trap "" INT; echo x; while :; do sleep 1; done`, mine, []Step{gentle, kill}, nil, true},
		"not helped":       {`trap "" INT; echo x; while :; do sleep 1; done`, mine, []Step{gentle}, context.DeadlineExceeded, false},
		"somebody else's":  {"echo x; exec sleep 300", func() (bool, error) { return false, nil }, []Step{kill}, nil, false},
		"ownership broken": {"echo x; exec sleep 300", func() (bool, error) { return false, os.ErrPermission }, []Step{kill}, os.ErrPermission, false},
	} {
		command := started(t, test.line, "A=B")
		err := StopGroup(t.Context(), command.pid, test.owned, test.steps...)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if alive, err := GroupAlive(command.pid); err != nil || alive == test.gone {
			t.Errorf("%s: alive %v, %v", name, alive, err)
		}
	}
}

// A process is found by its mark, and a group by the mark of its members.
func TestMarks(t *testing.T) {
	mark := "CADDYHUB_TEST_MARK=" + strings.ReplaceAll(t.Name(), "/", "") + time.Now().Format(".000000")
	command := started(t, "sleep 300 & echo x; wait", mark)
	found, err := FindMarked(mark)
	if err != nil || found.PID != command.pid {
		t.Fatalf("found %+v, %v, want %d", found, err, command.pid)
	}
	for ticks, want := range map[uint64]bool{found.Ticks: true, found.Ticks + 1: false} {
		if alive, err := Alive(found.PID, ticks); err != nil || alive != want {
			t.Errorf("alive with start time %d: %v, %v", ticks, alive, err)
		}
	}
	if err := syscall.Kill(command.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-command.ended
	for text, want := range map[string]bool{mark: true, mark + "x": false} {
		if marked, err := GroupMarked(found.PID, text); err != nil || marked != want {
			t.Errorf("group with %s: %v, %v", text, marked, err)
		}
	}
	if _, err := FindMarked(mark + "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("found by another mark: %v", err)
	}
}

func TestPlainLine(t *testing.T) {
	for line, want := range map[string]string{
		"\x1b[31mred\x1b[0m\r": "red", "a\tb\x07": "a\tb", "\x1b]0;title\x07text\xff": "text\uFFFD",
		strings.Repeat("é", MaxLine): strings.Repeat("é", MaxLine/2) + "…",
	} {
		if got := PlainLine(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestAccounts(t *testing.T) {
	for _, name := range []string{"", "-x", "a:b", "../root", "nobody\x00", "no-such-account", "0"} {
		if found, err := FindAccount(name); err == nil {
			t.Errorf("%q is %+v", name, found)
		}
	}
	own, err := OwnAccount()
	if err != nil || int(own.UID) != os.Geteuid() || own.Home == "" || own.Shell == "" {
		t.Fatalf("own account: %+v, %v", own, err)
	}
	if same, err := own.Become(); err != nil || same.Credential != nil {
		t.Errorf("becoming oneself: %+v, %v", same, err)
	}
	nobody, err := FindAccount("nobody")
	if err != nil {
		t.Skip("there is no account nobody")
	}
	other, err := nobody.Become()
	if os.Geteuid() != 0 {
		if !errors.Is(err, ErrRoot) {
			t.Errorf("becoming another without rights: %v", err)
		}
		return
	}
	if err != nil || other.Credential == nil || other.Credential.Uid != nobody.UID || len(other.Credential.Groups) == 0 {
		t.Errorf("another account: %+v, %v", other.Credential, err)
	}
}
