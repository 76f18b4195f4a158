//go:build unix && !linux

package service

import "syscall"

// attributes make a program the leader of a session of its own. Here it outlives
// a hub that is killed, until the service is started again.
func attributes(credential *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: credential}
}
