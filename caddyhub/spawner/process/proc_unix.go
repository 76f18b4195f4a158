//go:build unix && !linux

package process

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// processInfo is what the system knows of a process.
type processInfo struct {
	PID    int
	Ticks  uint64
	Zombie bool
}

// thisMachine has no boot id here: start times are dates, which do not repeat.
func thisMachine() (machine, error) { return machine{}, nil }

// inspect asks ps(1); ErrNotFound if there is no such process. Ticks are
// seconds since 1970.
func inspect(pid int) (processInfo, error) {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return processInfo{}, spawner.ErrNotFound
	}
	command := exec.Command("/bin/ps", "-o", "stat=,lstart=", "-p", strconv.Itoa(pid))
	command.Env = []string{"LC_ALL=C", "TZ=UTC"}
	out, err := command.Output()
	fields := strings.Fields(string(out))
	if len(fields) == 0 {
		return processInfo{}, spawner.ErrNotFound
	}
	if err != nil || len(fields) != 6 {
		return processInfo{}, fmt.Errorf("process %d: unreadable answer of ps: %w", pid, err)
	}
	started, err := time.Parse("Mon Jan 2 15:04:05 2006", strings.Join(fields[1:], " "))
	if err != nil {
		return processInfo{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return processInfo{PID: pid, Ticks: uint64(started.Unix()), Zombie: fields[0][0] == 'Z'}, nil
}

// findSpawn cannot read the environment of processes here.
func findSpawn(string) (processInfo, error) { return processInfo{}, spawner.ErrNotFound }

// groupAlive reports whether a process group has members.
func groupAlive(group int) (bool, error) {
	return !errors.Is(syscall.Kill(-group, 0), syscall.ESRCH), nil
}

// groupCarries cannot be told here: a group without its leader is left alone.
func groupCarries(int, string) (bool, error) { return false, nil }

// descriptorDir lists this process's open descriptors.
const descriptorDir = "/dev/fd"
