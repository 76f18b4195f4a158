package process

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// A process id that the system gave to somebody else is not the server: Poll
// says so and Stop does not touch it.
func TestReusedProcessID(t *testing.T) {
	s := newSpawner(t, options(t))
	ref, known := begin(t, s, request("ada", ""))
	for name, change := range map[string]func(*state){
		"another start time": func(k *state) { k.Ticks++ },
		"another boot":       func(k *state) { k.Boot = "0d7b1c86" },
		"another namespace":  func(k *state) { k.Namespace = "pid:[1]" },
	} {
		other := known
		change(&other)
		other.SpawnID = spawner.NewSpawnID()
		stale := with(t, ref, other)
		stale.SpawnID = other.SpawnID
		if running(t, s, stale) {
			t.Errorf("%s: Poll takes the process for the server", name)
		}
		if err := s.Stop(t.Context(), stale, true); err != nil {
			t.Errorf("%s: Stop: %v", name, err)
		}
		if _, err := s.Recover(t.Context(), stale); !errors.Is(err, spawner.ErrNotFound) {
			t.Errorf("%s: Recover: %v", name, err)
		}
		if !running(t, s, ref) {
			t.Fatalf("%s: Stop ended somebody else's process", name)
		}
	}
}

// A server on another machine is nobody's here; one whose host merely has a new
// name is.
func TestElsewhere(t *testing.T) {
	s := newSpawner(t, options(t))
	ref, known := begin(t, s, request("ada", ""))
	renamed := known
	renamed.Node = "old-name"
	if !running(t, s, with(t, ref, renamed)) {
		t.Error("a server is lost because the host has a new name")
	}
	renamed.Boot = "0d7b1c86"
	far := with(t, ref, renamed)
	_, pollErr := s.Poll(t.Context(), far)
	_, recoverErr := s.Recover(t.Context(), far)
	_, tailErr := s.Tail(t.Context(), far, 5)
	for name, err := range map[string]error{
		"Poll": pollErr, "Recover": recoverErr, "Tail": tailErr, "Stop": s.Stop(t.Context(), far, true),
	} {
		if !errors.Is(err, spawner.ErrElsewhere) {
			t.Errorf("%s: %v, want ErrElsewhere", name, err)
		}
	}
	if !running(t, s, ref) {
		t.Error("the server here was stopped")
	}
}

// The server leads a session and a group of its own, and has none of the hub's
// descriptors, not even those that the hub inherited itself.
func TestSessionAndDescriptors(t *testing.T) {
	secret, err := os.Create(filepath.Join(t.TempDir(), "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	inherited, err := syscall.Dup(int(secret.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)

	// The shell stays: a program that it became would open its libraries first.
	o := shell(t, "echo ready; sleep 300; echo over")
	_, known := begin(t, newSpawner(t, o), request("ada", ""))
	logged(t, known, "ready")
	process, err := osprocess.Inspect(known.PID)
	if err != nil || process.Session != known.PID || process.Group != known.PID {
		t.Errorf("process %+v, %v, want session and group %d", process, err, known.PID)
	}
	open := "/proc/" + strconv.Itoa(known.PID) + "/fd"
	entries, err := os.ReadDir(open)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"0": "/dev/null", "1": known.Log, "2": known.Log}
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join(open, entry.Name()))
		if err != nil || target != want[entry.Name()] {
			t.Errorf("descriptor %s is %q, %v, want %q", entry.Name(), target, err, want[entry.Name()])
		}
	}
}

// A server whose own process was killed may leave others in its group: it has
// ended, and Stop removes what is left.
func TestGroupOutlivesLeader(t *testing.T) {
	s := newSpawner(t, shell(t, "sleep 300 & echo ready; wait"))
	ref, known := begin(t, s, request("ada", ""))
	logged(t, known, "ready")
	if err := syscall.Kill(known.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the leader", func() bool { return !running(t, s, ref) })
	if left, err := osprocess.GroupAlive(known.PID); err != nil || !left {
		t.Fatalf("the group has ended with its leader (%v): nothing to test", err)
	}
	foreign := known
	foreign.SpawnID = spawner.NewSpawnID()
	if err := s.Stop(t.Context(), with(t, ref, foreign), true); err != nil {
		t.Error(err)
	}
	if left, _ := osprocess.GroupAlive(known.PID); !left {
		t.Fatal("Stop of another spawn ended this one's group")
	}
	if err := newSpawner(t, options(t)).Stop(t.Context(), ref, false); err != nil {
		t.Error(err)
	}
	if left, err := osprocess.GroupAlive(known.PID); err != nil || left {
		t.Errorf("the group lives after Stop: %v, %v", left, err)
	}
}

func TestNoZombies(t *testing.T) {
	s := newSpawner(t, shell(t, "exit 3"))
	ref, known := begin(t, s, request("ada", ""))
	eventually(t, "collection", func() bool {
		_, err := osprocess.Inspect(known.PID)
		return errors.Is(err, osprocess.ErrNotFound)
	})
	status, err := s.Poll(t.Context(), ref)
	if err != nil || status.Running || status.ExitCode != 3 || !strings.Contains(status.Message, "3") {
		t.Errorf("Poll: %+v, %v", status, err)
	}
}
