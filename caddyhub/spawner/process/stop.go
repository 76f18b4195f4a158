//go:build unix

package process

import (
	"context"
	"fmt"
	"syscall"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// Stop interrupts, then terminates, then kills the server's process group, and
// returns as soon as no member is left.
func (s *Spawner) Stop(ctx context.Context, server spawner.Ref, now bool) error {
	known, err := s.locate(server)
	if err != nil {
		return err
	}
	steps := []osprocess.Step{
		{Signal: syscall.SIGINT, Timeout: s.options.InterruptTimeout},
		{Signal: syscall.SIGTERM, Timeout: s.options.TermTimeout},
		{Signal: syscall.SIGKILL, Timeout: s.options.KillTimeout},
	}
	if now {
		steps = steps[2:]
	}
	err = osprocess.StopGroup(ctx, known.PID, func() (bool, error) { return s.owns(known) }, steps...)
	if err != nil {
		return fmt.Errorf("process spawner: %w", err)
	}
	s.children.forget(serverName{server.User, server.Server}, known)
	return nil
}

// owns reports whether the process group is the server's: its leader is, or the
// leader is gone and a member was started by the same spawn. In both cases the
// system cannot have given the number to anybody else.
func (s *Spawner) owns(known state) (bool, error) {
	if known.PID <= 1 || known.Machine != s.machine {
		return false, nil
	}
	alive, err := s.alive(known)
	if err != nil || alive {
		return alive, err
	}
	return osprocess.GroupMarked(known.PID, mark(known.SpawnID))
}
