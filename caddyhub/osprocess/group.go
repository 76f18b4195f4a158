//go:build unix

package osprocess

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// Alive reports whether exactly this process runs and is no zombie: the one of
// this number that began at this time, on this run of the system.
func Alive(pid int, ticks uint64) (bool, error) {
	found, err := Inspect(pid)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return found.Ticks == ticks && !found.Zombie, nil
}

// Step is one signal of a stop and how long it gets.
type Step struct {
	Signal  syscall.Signal
	Timeout time.Duration
}

// StopGroup sends the signals of the steps, one after the other, until no member
// of a group is left. Before each, owned must say that the group still is the
// caller's; if it is not, the group is gone. The error wraps
// context.DeadlineExceeded if the last step has not helped.
func StopGroup(ctx context.Context, group int, owned func() (bool, error), steps ...Step) error {
	for _, step := range steps {
		ours, err := owned()
		if err != nil || !ours {
			return err
		}
		if err := syscall.Kill(-group, step.Signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal process group %d: %w", group, err)
		}
		gone, err := waitGroup(ctx, group, step.Timeout)
		if err != nil || gone {
			return err
		}
	}
	return fmt.Errorf("process %d does not end: %w", group, context.DeadlineExceeded)
}

// waitGroup looks for the end of a group, often at first. It may belong to
// another parent, so there is nothing to be told by.
func waitGroup(ctx context.Context, group int, timeout time.Duration) (gone bool, err error) {
	const first, most = 5 * time.Millisecond, 200 * time.Millisecond
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for pause := first; ; pause = min(2*pause, most) {
		alive, err := GroupAlive(group)
		if err != nil || !alive {
			return !alive && err == nil, err
		}
		select {
		case <-time.After(pause):
		case <-deadline.C:
			return false, nil
		case <-ctx.Done():
			return false, fmt.Errorf("stop: %w", ctx.Err())
		}
	}
}
