//go:build !unix

package proxy

import (
	"errors"
	"syscall"
)

// canWait says that one can wait for a socket without a buffer to read into.
const canWait = false

func (d *direction) moveSocket(syscall.RawConn) error { return errors.ErrUnsupported }
