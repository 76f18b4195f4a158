package measure

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	for _, test := range []struct {
		line string
		want time.Duration
	}{
		{"7 (caddyhub) S 1 7 7 0 -1 4194560 99 0 0 0 123 45 0 0 20 0 9 0 100 0", 1680 * time.Millisecond},
		{"7 (a) b) (c 1 2) R 1 7 7 0 -1 4194560 99 0 0 0 1 2 0 0 20 0 9 0 100 0", 30 * time.Millisecond},
		{"7 (short) S 1 7", 0},
		{"", 0},
	} {
		if got := parseStat(test.line); got != test.want {
			t.Errorf("%q: %v, want %v", test.line, got, test.want)
		}
	}
}

func TestParseBusy(t *testing.T) {
	text := "cpu  1 2 4 1000 2000 8 16 32 64 128\ncpu0 1 2 4 1000 2000 8 16 32 64 128\n"
	if got, want := parseBusy(text), 630*time.Millisecond; got != want {
		t.Errorf("busy %v, want %v", got, want)
	}
}

func TestOwnProcess(t *testing.T) {
	before := CPU(os.Getpid())
	for CPU(os.Getpid()) == before { // work until the clock of the kernel has moved
	}
	if RSS(os.Getpid()) < 1<<20 {
		t.Errorf("this test has %d bytes", RSS(os.Getpid()))
	}
	if files := RSSOfFiles(os.Getpid()); files <= 0 || files >= RSS(os.Getpid()) {
		t.Errorf("this test has %d bytes of files", files)
	}
}

func TestPinnedTree(t *testing.T) {
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip(err)
	}
	command := Pinned(t.Context(), 0, "sh", "-c", `grep Cpus_allowed_list /proc/self/status; echo $GOMAXPROCS; sleep 60 & echo ready; wait`)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	buffer := make([]byte, 256)
	for !strings.Contains(text.String(), "ready") {
		n, err := out.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(buffer[:n])
	}
	if got := strings.Fields(text.String()); !slices.Equal(got, []string{"Cpus_allowed_list:", "0", "1", "ready"}) {
		t.Errorf("the child says %q", got)
	}
	tree := Tree(command.Process.Pid)
	if len(tree) != 2 || tree[0] != command.Process.Pid {
		t.Errorf("processes %v", tree)
	}
	if without := Tree(tree[0], tree[1:]...); !slices.Equal(without, tree[:1]) {
		t.Errorf("without the child: %v", without)
	}
	for _, pid := range tree {
		child, _ := os.FindProcess(pid) // always finds on Unix
		_ = child.Kill()                // may have ended with its parent
	}
	_ = command.Wait() // it was killed
}
