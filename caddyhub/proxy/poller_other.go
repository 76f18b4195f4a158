//go:build !linux

package proxy

import "syscall"

// canPark says that there is a poller. Here every direction has a goroutine.
const canPark = false

type poller struct{}

func newPoller() *poller { return nil }

func (*poller) close() {}

func (*poller) watch(syscall.RawConn, *direction) bool { return false }

func (*poller) forget(syscall.RawConn) {}
