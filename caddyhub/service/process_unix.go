//go:build unix

package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/process"
)

// defaultPath is for a hub that has no PATH.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

// mark is how the processes of a start are known by their environment.
func mark(id string) string { return spawner.SpawnIDVariable + "=" + id }

// startProgram starts the program of a service as a process of this machine.
func (s *Supervisor) startProgram(spec Spec, start launch) (*program, error) {
	command, err := commandOf(spec, start)
	if err != nil {
		return nil, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = writer, writer
	if err := osprocess.SealDescriptors(); err != nil {
		return nil, errors.Join(err, reader.Close(), writer.Close())
	}
	p := &program{process: s.beginning(start), ended: make(chan struct{})}
	err = p.begin(command)
	_ = writer.Close() // nothing was written here
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		eachLine(reader, start.output)
	}()
	p.stop = func(ctx context.Context, how patience) error {
		err := p.end(ctx, how)
		// Who has left the group may still hold the pipe.
		_ = reader.SetReadDeadline(time.Now().Add(lastWords))
		<-read
		return errors.Join(err, reader.Close())
	}
	return p, nil
}

// lastWords is how long the output of a program is read after its end.
const lastWords = time.Second

// commandOf is the command of a service, ready to run.
func commandOf(spec Spec, start launch) (*exec.Cmd, error) {
	account, err := accountOf(spec.User)
	if err != nil {
		return nil, err
	}
	env := environmentOf(spec, start, account)
	if err := spawner.ValidateEnvironment(env); err != nil {
		return nil, err
	}
	name := spec.Command[0]
	if strings.Contains(name, "/") && !filepath.IsAbs(name) && filepath.IsAbs(spec.Dir) {
		name = filepath.Join(spec.Dir, name)
	}
	path, err := osprocess.LookUp(name, env["PATH"])
	if err != nil {
		return nil, err
	}
	return &exec.Cmd{
		Path: path, Args: spec.Command, Env: osprocess.Variables(env), Dir: spec.Dir,
		SysProcAttr: attributes(account.Credential),
	}, nil
}

// accountOf is the system account for a service; the hub's own without a name.
func accountOf(name string) (osprocess.Account, error) {
	if name == "" {
		return osprocess.OwnAccount()
	}
	account, err := osprocess.FindAccount(name)
	if err != nil {
		return account, err
	}
	return account.Become()
}

// environmentOf is what the process gets: kept variables, then the account's,
// then those of the description, then what only the start knows.
func environmentOf(spec Spec, start launch, account osprocess.Account) map[string]string {
	env := map[string]string{"PATH": defaultPath}
	for _, name := range process.DefaultEnvKeep() {
		if value, ok := os.LookupEnv(name); ok {
			env[name] = value
		}
	}
	env["HOME"], env["USER"], env["LOGNAME"], env["SHELL"] = account.Home, account.Name, account.Name, account.Shell
	env[tokenVariable], env[oldTokenVariable] = start.token, start.token
	maps.Copy(env, spec.Environment)
	env["PATH"] = cmp.Or(env["PATH"], defaultPath)
	env[spawner.SpawnIDVariable] = start.id
	return env
}

// begin starts the command and waits for its end in the background. It stays on
// one thread of the system meanwhile: Linux ends the program with the thread
// that has started it (see attributes).
func (p *program) begin(command *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		if err == nil {
			// Nobody has waited for the process yet, so its id still is its own.
			err = p.name(command)
		}
		started <- err
		if err == nil {
			p.err = command.Wait()
			close(p.ended)
		}
	}()
	return <-started
}

// name notes what names a process that has just been started.
func (p *program) name(command *exec.Cmd) error {
	p.process.PID = command.Process.Pid
	found, err := osprocess.Inspect(p.process.PID)
	if err != nil {
		_ = syscall.Kill(-p.process.PID, syscall.SIGKILL) // the process is ours
		_ = command.Wait()
		return fmt.Errorf("start time: %w", err)
	}
	p.process.Ticks = found.Ticks
	return nil
}

// end stops the group of the program.
func (p *program) end(ctx context.Context, how patience) error {
	return p.process.end(ctx,
		osprocess.Step{Signal: syscall.SIGINT, Timeout: how.interrupt},
		osprocess.Step{Signal: syscall.SIGTERM, Timeout: how.term},
		osprocess.Step{Signal: syscall.SIGKILL, Timeout: how.kill})
}

func (p Process) end(ctx context.Context, steps ...osprocess.Step) error {
	return osprocess.StopGroup(ctx, p.PID, p.owned, steps...)
}

// owned reports whether the process group is still that of the service: its
// leader is, or the leader is gone and a member has its mark.
func (p Process) owned() (bool, error) {
	if p.PID <= 1 {
		return false, nil
	}
	alive, err := osprocess.Alive(p.PID, p.Ticks)
	if err != nil || alive {
		return alive, err
	}
	return osprocess.GroupMarked(p.PID, mark(p.StartID))
}

// clear ends what an earlier run of a service has left on this machine.
func (s *Supervisor) clear(ctx context.Context, name string) error {
	found, known, err := s.left(ctx, name)
	if err != nil || !known {
		return err
	}
	// Where machines have no name of their own, the node tells.
	if found.Machine != s.machine || s.machine.Boot == "" && found.Node != s.options.Node {
		return nil
	}
	if found.PID == 0 {
		begun, err := osprocess.FindMarked(mark(found.StartID))
		if errors.Is(err, osprocess.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		found.PID, found.Ticks = begun.PID, begun.Ticks
	}
	return found.end(ctx,
		osprocess.Step{Signal: syscall.SIGTERM, Timeout: s.options.TermTimeout},
		osprocess.Step{Signal: syscall.SIGKILL, Timeout: s.options.KillTimeout})
}

// thisMachine tells this run of the system from others.
func thisMachine() (osprocess.Machine, error) { return osprocess.ThisMachine() }
