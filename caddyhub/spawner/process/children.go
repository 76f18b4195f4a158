//go:build unix

package process

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// children collects the ends of processes whose parent is this hub, so that
// none stays a zombie, and remembers exit codes. It is only a memory: after a
// restart of the hub the exit code of a server is unknown.
type children struct {
	mu sync.Mutex
	// newest process by server, so that the memory grows with servers, not starts.
	newest map[serverName]*child
}

type serverName struct{ user, server string }

// child is a process of this hub. status may be read once done is closed.
type child struct {
	pid    int
	ticks  uint64
	done   chan struct{}
	status spawner.Status
}

// collect waits for a started command in the background and calls ended with
// how it ended.
func (c *children) collect(name serverName, command *exec.Cmd, ticks uint64, ended func(spawner.Status)) {
	started := &child{pid: command.Process.Pid, ticks: ticks, done: make(chan struct{})}
	c.mu.Lock()
	if c.newest == nil {
		c.newest = make(map[serverName]*child)
	}
	c.newest[name] = started
	c.mu.Unlock()
	go func() {
		started.status = statusOf(command.Wait())
		close(started.done)
		ended(started.status)
	}()
}

// status returns how a process ended that runs no more, if this hub is its
// parent. It waits for the moment between the end and its collection.
func (c *children) status(ctx context.Context, name serverName, known state) (status spawner.Status, found bool, err error) {
	c.mu.Lock()
	ours := c.newest[name]
	c.mu.Unlock()
	if ours == nil || ours.pid != known.PID || ours.ticks != known.Ticks {
		return spawner.Status{}, false, nil
	}
	select {
	case <-ours.done:
		return ours.status, true, nil
	case <-ctx.Done():
		return spawner.Status{}, true, ctx.Err()
	}
}

// forget drops what is remembered of a server, unless it was started anew.
func (c *children) forget(name serverName, known state) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found := c.newest[name]; found != nil && found.pid == known.PID && found.ticks == known.Ticks {
		delete(c.newest, name)
	}
}

func statusOf(err error) spawner.Status {
	var exit *exec.ExitError
	if err == nil {
		return spawner.Status{Message: "The server ended."}
	}
	if !errors.As(err, &exit) {
		return spawner.Status{ExitCode: spawner.UnknownExit, Message: "The server ended."}
	}
	if wait, ok := exit.Sys().(syscall.WaitStatus); ok && wait.Signaled() {
		return spawner.Status{
			ExitCode: 128 + int(wait.Signal()),
			Message:  fmt.Sprintf("The server was ended by a signal (%v).", wait.Signal()),
		}
	}
	return spawner.Status{
		ExitCode: exit.ExitCode(),
		Message:  fmt.Sprintf("The server ended with exit code %d.", exit.ExitCode()),
	}
}
