package services_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// exists says whether a process runs; one that has ended and is waited for does
// not.
func exists(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || !strings.Contains(string(stat), ") Z ")
}
