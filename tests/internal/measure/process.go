package measure

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc (USER_HZ), the same on every Linux.
const tick = 10 * time.Millisecond

// Pinned is a command that runs on one core only, with all its children.
// GOMAXPROCS says so to programs in Go; the environment is otherwise our own.
func Pinned(ctx context.Context, core int, program string, arguments ...string) *exec.Cmd {
	arguments = append([]string{"-c", strconv.Itoa(core), program}, arguments...)
	command := exec.CommandContext(ctx, "taskset", arguments...)
	command.Env = append(os.Environ(), "GOMAXPROCS=1")
	return command
}

// PinSelf moves this process, with all its threads, to one core, for good.
func PinSelf(core int) error {
	runtime.GOMAXPROCS(1)
	out, err := exec.Command("taskset", "-a", "-c", "-p", strconv.Itoa(core), strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return fmt.Errorf("taskset: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// Tree is a process with all its descendants, as they are now, except those that
// are named, and their descendants.
func Tree(pid int, except ...int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i])) // the pattern is well-formed
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				continue // it has ended
			}
			for field := range strings.FieldsSeq(string(data)) {
				if child, err := strconv.Atoi(field); err == nil && !slices.Contains(except, child) {
					all = append(all, child)
				}
			}
		}
	}
	return all
}

// CPU is the time that processes have used so far, in user and kernel mode, to
// ten milliseconds. One that has ended counts nothing.
func CPU(pids ...int) time.Duration {
	var sum time.Duration
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil {
			sum += parseStat(string(data))
		}
	}
	return sum
}

// parseStat reads utime and stime of /proc/PID/stat, fields 14 and 15. The name
// of the program, field 2, may contain anything.
func parseStat(line string) time.Duration {
	_, rest, _ := strings.Cut(line[strings.LastIndexByte(line, ')')+1:], " ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11]) // the kernel writes numbers
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}

// RSS is the memory that processes have resident, in bytes.
func RSS(pids ...int) int64 {
	var sum int64
	for _, pid := range pids {
		sum += status(pid, "VmRSS:")
	}
	return sum
}

// RSSOfFiles is the part of RSS that is pages of files, programs among them: the
// system takes them back when it needs memory. The rest is the processes' own.
func RSSOfFiles(pids ...int) int64 {
	var sum int64
	for _, pid := range pids {
		sum += status(pid, "RssFile:")
	}
	return sum
}

// status is a size in /proc/PID/status, in bytes; zero if the process has ended.
func status(pid int, name string) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "\n"+name)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(fields[0], 10, 64) // the kernel writes numbers
	return kilobytes << 10
}

// busy is the time that all cores together have worked so far, for anybody.
func busy() time.Duration {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	return parseBusy(string(data))
}

// parseBusy reads the first line of /proc/stat: user, nice, system, idle,
// iowait, irq, softirq and steal; the rest is part of the first two.
func parseBusy(text string) time.Duration {
	line, _, _ := strings.Cut(text, "\n")
	var sum int
	for i, field := range strings.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		ticks, _ := strconv.Atoi(field) // the kernel writes numbers
		sum += ticks
	}
	return time.Duration(sum) * tick
}
