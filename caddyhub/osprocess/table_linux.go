package osprocess

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Info is what the system knows of a process.
type Info struct {
	PID     int
	Group   int
	Session int
	Ticks   uint64
	Zombie  bool
}

// ThisMachine reads what tells this run of the system from any other.
func ThisMachine() (Machine, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Machine{}, fmt.Errorf("boot id: %w", err)
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return Machine{}, fmt.Errorf("process namespace: %w", err)
	}
	if _, err := Inspect(os.Getpid()); err != nil {
		return Machine{}, fmt.Errorf("process table: %w", err)
	}
	return Machine{Boot: strings.TrimSpace(string(boot)), Namespace: namespace}, nil
}

// Inspect looks a process up; ErrNotFound if there is none.
func Inspect(pid int) (Info, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return Info{}, ErrNotFound
	}
	if err != nil {
		return Info{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return parseStat(pid, data)
}

// parseStat reads /proc/PID/stat, proc_pid_stat(5). The program's name, in
// parentheses, may hold anything, also spaces and parentheses.
func parseStat(pid int, data []byte) (Info, error) {
	end := bytes.LastIndexByte(data, ')')
	fields := bytes.Fields(data[end+1:])
	if end < 0 || len(fields) < 20 {
		return Info{}, fmt.Errorf("process %d: unreadable stat", pid)
	}
	group, err1 := strconv.Atoi(string(fields[2]))
	session, err2 := strconv.Atoi(string(fields[3]))
	ticks, err3 := strconv.ParseUint(string(fields[19]), 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return Info{}, fmt.Errorf("process %d: unreadable stat: %w", pid, err)
	}
	gone := fields[0][0] == 'Z' || fields[0][0] == 'X'
	return Info{PID: pid, Group: group, Session: session, Ticks: ticks, Zombie: gone}, nil
}

// allProcesses lists the process table. A process that ends meanwhile is left out.
func allProcesses() ([]Info, error) {
	directory, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer directory.Close()
	names, err := directory.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var list []Info
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		process, err := Inspect(pid)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, process)
	}
	return list, nil
}

// FindMarked finds the process that was started with a mark, NAME=VALUE, in its
// environment: the oldest session leader that has it. Its descendants inherit
// the variable, and some lead sessions of their own, but they are younger.
// ErrNotFound if there is none.
func FindMarked(mark string) (Info, error) {
	list, err := allProcesses()
	if err != nil {
		return Info{}, err
	}
	var oldest Info
	for _, process := range list {
		leads := process.Session == process.PID && !process.Zombie
		older := oldest.PID == 0 || process.Ticks < oldest.Ticks ||
			process.Ticks == oldest.Ticks && process.PID < oldest.PID
		if leads && older && carries(process.PID, mark) {
			oldest = process
		}
	}
	if oldest.PID == 0 {
		return Info{}, ErrNotFound
	}
	return oldest, nil
}

// environment is what a process was given when it began. Processes that we may
// not read belong to others: they seem to have none.
func environment(pid int) []byte {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return nil
	}
	return data
}

// carries reports whether a process was given a variable.
func carries(pid int, mark string) bool { return has(environment(pid), mark) }

func has(environment []byte, mark string) bool {
	for variable := range bytes.SplitSeq(environment, []byte{0}) {
		if bytes.Equal(variable, []byte(mark)) {
			return true
		}
	}
	return false
}

// GroupAlive reports whether a process group has members that are not zombies.
func GroupAlive(group int) (bool, error) {
	if syscall.Kill(-group, 0) == syscall.ESRCH {
		return false, nil
	}
	list, err := allProcesses()
	if err != nil {
		return false, err
	}
	for _, process := range list {
		if process.Group == group && !process.Zombie {
			return true, nil
		}
	}
	return false, nil
}

// A process that is becoming another program has no environment for a moment:
// so often, so long apart, a group is looked at again then.
const (
	looks     = 20
	lookAgain = 5 * time.Millisecond
)

// GroupMarked reports whether a group whose leader is gone still is that of a
// start: one of its members has the mark of it, NAME=VALUE, in its environment.
func GroupMarked(group int, mark string) (bool, error) {
	for range looks {
		if syscall.Kill(-group, 0) == syscall.ESRCH {
			return false, nil
		}
		marked, unclear, err := lookAtGroup(group, mark)
		if err != nil || marked || !unclear {
			return marked, err
		}
		time.Sleep(lookAgain)
	}
	return false, nil
}

func lookAtGroup(group int, mark string) (marked, unclear bool, err error) {
	list, err := allProcesses()
	if err != nil {
		return false, false, err
	}
	for _, process := range list {
		if process.Group != group || process.Session != group || process.Zombie {
			continue
		}
		given := environment(process.PID)
		if has(given, mark) {
			return true, false, nil
		}
		unclear = unclear || len(given) == 0
	}
	return false, unclear, nil
}

// descriptorDir lists this process's open descriptors.
const descriptorDir = "/proc/self/fd"
