//go:build unix

package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// Spawner runs servers as local processes; New makes one.
type Spawner struct {
	options  Options
	command  []spawner.Template
	args     []spawner.Template
	user     spawner.Template
	home     spawner.Template
	node     string
	machine  osprocess.Machine
	children children
	ports    ports
	log      *slog.Logger
}

var (
	_ spawner.Spawner   = (*Spawner)(nil)
	_ spawner.Recoverer = (*Spawner)(nil)
	_ spawner.LogTailer = (*Spawner)(nil)
	_ spawner.Overrider = (*Spawner)(nil)
)

// New checks the options and returns a spawner. It starts nothing and writes
// nothing.
func New(options Options) (*Spawner, error) {
	options = options.withDefaults()
	if err := options.validate(); err != nil {
		return nil, err
	}
	s := &Spawner{options: options, log: options.Logger}
	var err error
	if s.command, err = templates(options.Command); err != nil {
		return nil, fmt.Errorf("process spawner: command: %w", err)
	}
	if s.args, err = templates(options.Args); err != nil {
		return nil, fmt.Errorf("process spawner: args: %w", err)
	}
	if s.user, err = spawner.ParseTemplate(options.User); err != nil {
		return nil, fmt.Errorf("process spawner: user: %w", err)
	}
	if s.home, err = spawner.ParseTemplate(options.Home); err != nil {
		return nil, fmt.Errorf("process spawner: home: %w", err)
	}
	if s.node, err = options.nodeName(); err != nil {
		return nil, err
	}
	if s.machine, err = osprocess.ThisMachine(); err != nil {
		return nil, fmt.Errorf("process spawner: %w", err)
	}
	return s, nil
}

// Poll says whether the server's own process runs. It also keeps the log within
// its limit.
func (s *Spawner) Poll(ctx context.Context, server spawner.Ref) (spawner.Status, error) {
	known, err := s.locate(server)
	if err != nil {
		return spawner.Status{}, err
	}
	alive, err := s.alive(known)
	if err != nil {
		return spawner.Status{}, err
	}
	if alive {
		s.limitLog(server)
		return spawner.Status{Running: true}, nil
	}
	if known.Machine == s.machine {
		ended, found, err := s.children.status(ctx, serverName{server.User, server.Server}, known)
		if found || err != nil {
			return ended, err
		}
	}
	return spawner.Status{ExitCode: spawner.UnknownExit, Message: "The server's process is gone."}, nil
}

// Recover finds the process of a start that its hub did not live to finish.
func (s *Spawner) Recover(_ context.Context, server spawner.Ref) (spawner.Started, error) {
	known, err := s.locate(server)
	if err != nil {
		return spawner.Started{}, err
	}
	alive, err := s.alive(known)
	if err != nil {
		return spawner.Started{}, err
	}
	if !alive {
		return spawner.Started{}, spawner.ErrNotFound
	}
	return s.started(known)
}

// locate reads the state and, where no process id was saved, looks for a
// process that carries the spawn's id. A state without a process id is one of
// which nothing runs. ErrElsewhere if it was begun on another node.
func (s *Spawner) locate(server spawner.Ref) (state, error) {
	known, err := readState(server.State)
	if err != nil {
		return state{}, err
	}
	if known.Node != "" && !s.here(known) {
		return state{}, spawner.ErrElsewhere
	}
	if known.PID != 0 || !spawner.ValidSpawnID(server.SpawnID) {
		return known, nil
	}
	found, err := osprocess.FindMarked(mark(server.SpawnID))
	if errors.Is(err, osprocess.ErrNotFound) {
		return known, nil
	}
	if err != nil {
		return state{}, err
	}
	known.PID, known.Ticks = found.PID, found.Ticks
	known.SpawnID, known.Node, known.Machine = server.SpawnID, s.node, s.machine
	return known, nil
}

// here reports whether a server's machine is this one. A host name may change
// while the machine runs on.
func (s *Spawner) here(known state) bool {
	return known.Node == s.node || known.Machine == s.machine && s.machine.Boot != ""
}

// alive reports whether exactly this process runs: same boot, same process
// namespace, same start time, not a zombie.
func (s *Spawner) alive(known state) (bool, error) {
	if known.PID <= 1 || known.Machine != s.machine {
		return false, nil
	}
	return osprocess.Alive(known.PID, known.Ticks)
}

// mark is how the processes of a spawn are known by their environment.
func mark(spawnID string) string { return spawner.SpawnIDVariable + "=" + spawnID }

func (s *Spawner) started(known state) (spawner.Started, error) {
	data, err := json.Marshal(known)
	if err != nil {
		return spawner.Started{}, fmt.Errorf("process spawner: encode state: %w", err)
	}
	started := spawner.Started{State: data}
	if known.Port != 0 {
		started.URL = "http://" + net.JoinHostPort(known.IP, strconv.Itoa(known.Port))
	}
	return started, nil
}
