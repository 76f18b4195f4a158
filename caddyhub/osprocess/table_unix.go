//go:build unix && !linux

package osprocess

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Info is what the system knows of a process.
type Info struct {
	PID    int
	Ticks  uint64
	Zombie bool
}

// ThisMachine has no boot id here: start times are dates, which do not repeat.
func ThisMachine() (Machine, error) { return Machine{}, nil }

// Inspect asks ps(1); ErrNotFound if there is no such process. Ticks are
// seconds since 1970.
func Inspect(pid int) (Info, error) {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return Info{}, ErrNotFound
	}
	command := exec.Command("/bin/ps", "-o", "stat=,lstart=", "-p", strconv.Itoa(pid))
	command.Env = []string{"LC_ALL=C", "TZ=UTC"}
	out, err := command.Output()
	fields := strings.Fields(string(out))
	if len(fields) == 0 {
		return Info{}, ErrNotFound
	}
	if err != nil || len(fields) != 6 {
		return Info{}, fmt.Errorf("process %d: unreadable answer of ps: %w", pid, err)
	}
	started, err := time.Parse("Mon Jan 2 15:04:05 2006", strings.Join(fields[1:], " "))
	if err != nil {
		return Info{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return Info{PID: pid, Ticks: uint64(started.Unix()), Zombie: fields[0][0] == 'Z'}, nil
}

// FindMarked cannot read the environment of processes here.
func FindMarked(string) (Info, error) { return Info{}, ErrNotFound }

// GroupAlive reports whether a process group has members.
func GroupAlive(group int) (bool, error) {
	return !errors.Is(syscall.Kill(-group, 0), syscall.ESRCH), nil
}

// GroupMarked cannot be told here: a group without its leader is left alone.
func GroupMarked(int, string) (bool, error) { return false, nil }

// descriptorDir lists this process's open descriptors.
const descriptorDir = "/dev/fd"
