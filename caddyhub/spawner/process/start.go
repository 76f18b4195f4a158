//go:build unix

package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// Start runs the command. It saves a state that names this node before the
// process exists, so that whoever finds the start unfinished knows where to
// look for it, and one with the process id right after.
func (s *Spawner) Start(ctx context.Context, request spawner.Request, events spawner.Events) (spawner.Started, error) {
	prepared, err := s.prepare(request)
	if err != nil {
		return spawner.Started{}, err
	}
	first, err := s.started(prepared.state)
	if err != nil {
		return spawner.Started{}, err
	}
	if err := events.Save(ctx, first.State); err != nil {
		return spawner.Started{}, fmt.Errorf("process spawner: save state: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return spawner.Started{}, fmt.Errorf("process spawner: start: %w", err)
	}
	events.Progress(spawner.Progress{Percent: 50, Message: "Starting the server's process"})
	if err := s.run(request, &prepared); err != nil {
		return spawner.Started{}, err
	}
	started, err := s.keep(ctx, prepared.state, events)
	if err != nil {
		return spawner.Started{}, errors.Join(err, s.undo(ctx, request, prepared.state))
	}
	return started, nil
}

// keep saves the state of a process that runs.
func (s *Spawner) keep(ctx context.Context, known state, events spawner.Events) (spawner.Started, error) {
	started, err := s.started(known)
	if err != nil {
		return spawner.Started{}, err
	}
	if err := events.Save(ctx, started.State); err != nil {
		return spawner.Started{}, fmt.Errorf("process spawner: save state: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return spawner.Started{}, fmt.Errorf("process spawner: start: %w", err)
	}
	return started, nil
}

// undo kills what a failed start began. It must not be hurried by the context
// whose end may be the reason.
func (s *Spawner) undo(ctx context.Context, request spawner.Request, known state) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.KillTimeout+time.Second)
	defer cancel()
	started, err := s.started(known)
	if err != nil {
		return err
	}
	return s.Stop(ctx, request.Ref(started.State), true)
}

// plan is a server that is ready to run.
type plan struct {
	state   state
	command *exec.Cmd
}

// prepare does everything that can fail before there is a process.
func (s *Spawner) prepare(request spawner.Request) (plan, error) {
	if !spawner.ValidSpawnID(request.SpawnID) {
		return plan{}, fmt.Errorf("%w: process spawner: spawn id %q", spawner.ErrInvalid, request.SpawnID)
	}
	if strings.ContainsRune(request.User+request.Server, 0) || request.User == "" {
		return plan{}, fmt.Errorf("%w: process spawner: user %q, server %q", spawner.ErrInvalid, request.User, request.Server)
	}
	owner, err := s.account(request)
	if err != nil {
		return plan{}, err
	}
	if err := s.prepareHome(request, &owner); err != nil {
		return plan{}, err
	}
	port, err := s.ports.choose(s.options.IP, s.options.FirstPort, s.options.LastPort)
	if err != nil {
		return plan{}, &spawner.Error{Message: "There is no free port for the server.", Err: err}
	}
	environment, err := s.environment(request, owner, port)
	if err != nil {
		return plan{}, err
	}
	arguments, program, err := s.commandLine(request, environment["PATH"])
	if err != nil {
		return plan{}, err
	}
	return plan{
		state: state{
			Version: stateVersion, SpawnID: request.SpawnID, Node: s.node, Machine: s.machine,
			IP: s.options.IP, Port: port, Log: s.logPath(request.User, request.Server),
		},
		command: &exec.Cmd{
			Path: program, Args: arguments, Env: osprocess.Variables(environment), Dir: owner.Home,
			SysProcAttr: &syscall.SysProcAttr{Setsid: true, Credential: owner.Credential},
		},
	}, nil
}

// run starts the process and notes in the state what names it.
func (s *Spawner) run(request spawner.Request, p *plan) error {
	output, err := s.openLog(request.User, request.Server)
	if err != nil {
		return &spawner.Error{Message: "The server's log cannot be written.", Err: err}
	}
	if output != nil {
		defer output.Close()
		p.command.Stdout, p.command.Stderr = output, output
	}
	if err := osprocess.SealDescriptors(); err != nil {
		return fmt.Errorf("process spawner: %w", err)
	}
	if err := p.command.Start(); err != nil {
		return &spawner.Error{Message: "The server's program cannot be started.", Err: err}
	}
	// Nobody has waited for the process yet, so its id still is its own.
	p.state.PID = p.command.Process.Pid
	process, err := osprocess.Inspect(p.state.PID)
	if err != nil {
		_ = syscall.Kill(-p.state.PID, syscall.SIGKILL)
		_ = p.command.Wait()
		return fmt.Errorf("process spawner: start time: %w", err)
	}
	p.state.Ticks = process.Ticks
	log := s.log.With("user", request.User, "server", request.Server, "pid", p.state.PID)
	log.Info("server process started", "port", p.state.Port)
	s.children.collect(serverName{request.User, request.Server}, p.command, p.state.Ticks, func(end spawner.Status) {
		log.Info("server process ended", slog.Int("exit_code", end.ExitCode))
	})
	return nil
}
