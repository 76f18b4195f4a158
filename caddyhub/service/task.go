package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/lease"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// The pauses before a service that has ended is started again grow from the
// first to the longest, by doubling. One that ran steadily begins anew.
const (
	firstPause   = time.Second
	longestPause = time.Minute
	steady       = time.Minute
)

// task keeps one service running.
type task struct {
	supervisor *Supervisor
	log        *slog.Logger
	cancel     context.CancelFunc

	mu   sync.Mutex
	spec Spec
	// again ends the run under way because the description has changed.
	again context.CancelCauseFunc
}

var (
	// errChanged is the cause with which a run ends that is to begin anew.
	errChanged = errors.New("service: its configuration has changed")
	// errEnded says that a program ended by itself, with success.
	errEnded = errors.New("service: the program ended")
)

// change replaces the description and ends the run under way if it has another.
func (t *task) change(spec Spec) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.spec.same(spec) {
		return
	}
	t.spec = spec
	if t.again != nil {
		t.again(errChanged)
	}
}

// run is the description of the moment and a context that ends when it changes.
func (t *task) run(ctx context.Context) (Spec, context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.again = cancel
	return t.spec, ctx, cancel
}

// keepRunning runs the service, again and again, until ctx ends.
func (t *task) keepRunning(ctx context.Context) {
	for pause := firstPause; ctx.Err() == nil; {
		begun := t.supervisor.options.Now()
		spec, running, cancel := t.run(ctx)
		err := t.runOnce(running, spec)
		if running.Err() == nil {
			if t.supervisor.options.Now().Sub(begun) >= steady {
				pause = firstPause
			}
			t.log.Error("service ended and will be started again", "pause", pause, "error", err)
			sleep(running, pause)
			pause = min(2*pause, longestPause)
		}
		if errors.Is(context.Cause(running), errChanged) {
			t.log.Info("service has another configuration and is started anew")
			pause = firstPause
		}
		cancel(nil)
	}
}

// runOnce starts the service and waits until it has ended, by itself or because
// ctx has. Nothing of it is left then.
func (t *task) runOnce(ctx context.Context, spec Spec) error {
	s := t.supervisor
	s.options.Ready(ctx)
	if err := s.clear(ctx, spec.Name); err != nil {
		return fmt.Errorf("service: remains of an earlier run: %w", err)
	}
	start := launch{id: spawner.NewSpawnID(), token: spec.Token}
	if start.token == "" {
		var err error
		if start.token, err = s.options.Issue(ctx, spec.Name); err != nil {
			return fmt.Errorf("service: token: %w", err)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.remember(ctx, spec.Name, s.beginning(start))
	start.output = t.output(append([]string{start.token}, spec.Secrets...))
	running, err := s.start(spec, start)
	if err != nil {
		return fmt.Errorf("service: %w", err)
	}
	t.log.Info("service started", "pid", running.process.PID)
	s.remember(ctx, spec.Name, running.process)
	probing, found := context.WithCancel(ctx)
	go func() {
		t.awaitAnswer(probing, spec.URL)
		found()
	}()
	defer found()
	select {
	case <-running.ended:
	case <-ctx.Done():
		t.log.Info("service is stopped", "pid", running.process.PID)
	}
	// Members of its group may outlive a program that has ended by itself.
	if err := running.stop(context.WithoutCancel(ctx), s.patience(ctx)); err != nil {
		t.log.Error("service cannot be stopped", "pid", running.process.PID, "error", err)
		return err
	}
	<-running.ended
	s.forget(ctx, spec.Name, running.process)
	if running.err == nil {
		return errEnded
	}
	return fmt.Errorf("service: %w", running.err)
}

// beginning is the process of a start before there is one.
func (s *Supervisor) beginning(start launch) Process {
	return Process{Node: s.options.Node, Machine: s.machine, StartID: start.id, Started: s.options.Now().UTC()}
}

// patience says how a run is to be stopped: less gently when another node may
// soon start the service.
func (s *Supervisor) patience(ctx context.Context) patience {
	p := patience{s.options.InterruptTimeout, s.options.TermTimeout, s.options.KillTimeout}
	if errors.Is(context.Cause(ctx), lease.ErrLost) {
		const hurried = 2 * time.Second
		p.interrupt, p.term = min(p.interrupt, hurried), min(p.term, hurried)
	}
	return p
}

// sleep waits; it is false if ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
