//go:build unix

package process

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// step is one signal of a stop and how long it gets.
type step struct {
	signal  syscall.Signal
	timeout time.Duration
}

// Stop interrupts, then terminates, then kills the server's process group, and
// returns as soon as no member is left.
func (s *Spawner) Stop(ctx context.Context, server spawner.Ref, now bool) error {
	known, err := s.locate(server)
	if err != nil {
		return err
	}
	steps := []step{
		{syscall.SIGINT, s.options.InterruptTimeout},
		{syscall.SIGTERM, s.options.TermTimeout},
		{syscall.SIGKILL, s.options.KillTimeout},
	}
	if now {
		steps = steps[2:]
	}
	for _, step := range steps {
		gone, err := s.signal(ctx, known, step)
		if err != nil {
			return err
		}
		if gone {
			s.children.forget(serverName{server.User, server.Server}, known)
			return nil
		}
	}
	return fmt.Errorf("process spawner: process %d does not end: %w", known.PID, context.DeadlineExceeded)
}

// signal sends one signal to the group, if it still is the server's, and waits.
func (s *Spawner) signal(ctx context.Context, known state, step step) (gone bool, err error) {
	ours, err := s.owns(known)
	if err != nil || !ours {
		return !ours, err
	}
	if err := syscall.Kill(-known.PID, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return false, fmt.Errorf("process spawner: signal process group %d: %w", known.PID, err)
	}
	return s.wait(ctx, known.PID, step.timeout)
}

// owns reports whether the process group is the server's: its leader is, or the
// leader is gone and a member was started by the same spawn. In both cases the
// system cannot have given the number to anybody else.
func (s *Spawner) owns(known state) (bool, error) {
	if known.PID <= 1 || known.machine != s.machine {
		return false, nil
	}
	alive, err := s.alive(known)
	if err != nil || alive {
		return alive, err
	}
	return groupCarries(known.PID, known.SpawnID)
}

// wait looks for the end of a group, often at first. It may belong to another
// parent, so there is nothing to be told by.
func (s *Spawner) wait(ctx context.Context, group int, timeout time.Duration) (gone bool, err error) {
	const first, most = 5 * time.Millisecond, 200 * time.Millisecond
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for pause := first; ; pause = min(2*pause, most) {
		alive, err := groupAlive(group)
		if err != nil || !alive {
			return !alive && err == nil, err
		}
		select {
		case <-time.After(pause):
		case <-deadline.C:
			return false, nil
		case <-ctx.Done():
			return false, fmt.Errorf("process spawner: stop: %w", ctx.Err())
		}
	}
}
