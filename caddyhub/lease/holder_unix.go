//go:build unix

package lease

import (
	"errors"
	"syscall"
)

// processExists says whether there is a process of this number; in doubt yes.
func processExists(pid int) bool {
	return pid <= 0 || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
