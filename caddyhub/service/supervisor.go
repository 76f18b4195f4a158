package service

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/lease"
	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Options are what a Supervisor needs. Store, Node and Issue are required.
type Options struct {
	Store store.Store
	// Node names this machine among the nodes, the same after every restart.
	Node string
	// Issue makes a new API token for a service in place of the one it made
	// before, and returns the secret.
	Issue func(ctx context.Context, service string) (secret string, err error)
	// Ready waits until the hub answers requests, at most for as long as a
	// service may be kept waiting: services ask the hub when they begin. Nil
	// means that it does.
	Ready func(ctx context.Context)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log is where the output of services goes, and what happens to them.
	Log *slog.Logger
	// Probe asks services whether they are there; nil means plain HTTP.
	Probe http.RoundTripper
	// InterruptTimeout, TermTimeout and KillTimeout are how long a stop waits
	// after SIGINT, SIGTERM and SIGKILL; 0 means 10, 5 and 5 seconds, as in
	// JupyterHub.
	InterruptTimeout time.Duration
	TermTimeout      time.Duration
	KillTimeout      time.Duration
}

// Supervisor runs services on this node. All methods may be called from any
// goroutine.
type Supervisor struct {
	options Options
	log     *slog.Logger
	keeper  *lease.Keeper
	machine osprocess.Machine
	// start starts the program of a service.
	start func(spec Spec, start launch) (*program, error)

	mu       sync.Mutex
	tasks    map[string]*task
	checking context.CancelFunc
	running  sync.WaitGroup
	closed   bool
}

// New makes a Supervisor, which does nothing until Apply.
func New(options Options) (*Supervisor, error) {
	if options.Store == nil || options.Node == "" || options.Issue == nil {
		return nil, errors.New("service: a Supervisor needs a store, a node and tokens")
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Ready == nil {
		options.Ready = func(context.Context) {}
	}
	options.Log = cmp.Or(options.Log, slog.New(slog.DiscardHandler))
	if options.Probe == nil {
		options.Probe = defaultProbe()
	}
	options.InterruptTimeout = cmp.Or(options.InterruptTimeout, 10*time.Second)
	options.TermTimeout = cmp.Or(options.TermTimeout, 5*time.Second)
	options.KillTimeout = cmp.Or(options.KillTimeout, 5*time.Second)
	s := &Supervisor{
		options: options, log: options.Log, tasks: make(map[string]*task),
		keeper: lease.New(options.Store, options.Node, options.Now, options.Log),
	}
	s.start = s.startProgram
	var err error
	s.machine, err = thisMachine()
	return s, err
}

// Apply puts a plan into force and returns at once: services that are new are
// started, those that are no longer wanted stopped, those that have changed
// stopped and started anew.
func (s *Supervisor) Apply(plan Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	wanted := make(map[string]bool, len(plan.Run))
	for _, spec := range plan.Run {
		wanted[spec.Name] = true
		if known := s.tasks[spec.Name]; known != nil {
			known.change(spec)
			continue
		}
		s.begin(spec)
	}
	for name, known := range s.tasks {
		if !wanted[name] {
			known.cancel()
			delete(s.tasks, name)
		}
	}
	s.check(plan)
}

// begin runs a service in the background. If an earlier task of its name still
// stops, it has the lease for that long.
func (s *Supervisor) begin(spec Spec) {
	t := &task{supervisor: s, spec: spec, log: s.log.With("service", spec.Name)}
	var ctx context.Context
	ctx, t.cancel = context.WithCancel(context.Background())
	s.tasks[spec.Name] = t
	s.running.Go(func() { s.keeper.Hold(ctx, "service/"+spec.Name, t.keepRunning) })
}

// Close stops all services of this node. It waits for them until ctx ends, and
// returns its error then; they go on to be stopped.
func (s *Supervisor) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for _, t := range s.tasks {
		t.cancel()
	}
	if s.checking != nil {
		s.checking()
	}
	s.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return errors.Join(errors.New("service: services still run"), context.Cause(ctx))
	}
}
