package service

import "syscall"

// attributes make a program the leader of a session of its own, and end it when
// the thread ends that has started it, as with a hub that is killed.
func attributes(credential *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: credential, Pdeathsig: syscall.SIGTERM}
}
