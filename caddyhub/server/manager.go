package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	keeper "github.com/caddyhub/caddyhub/caddyhub/lease"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Manager runs the operations of this node and takes over those of others. All
// methods may be called from any goroutine.
type Manager struct {
	store     store.Store
	directory *identity.Directory
	routes    RouteApplier
	now       func() time.Time
	log       *slog.Logger
	settings  atomic.Pointer[Settings]
	addresses atomic.Uint64 // counts changes of settings

	// self is who this Manager is in the leases of the store.
	self holder
	// dead says whether a holder of leases has certainly died.
	dead func(holder) bool
	// watch wakes those who wait for a server.
	watch *watch
	// admission has room for one: starts of one node are admitted one after the
	// other, so that they do not conflict with each other in the store.
	admission chan struct{}

	// quiet ends when Close begins: nothing new then, and what can go on
	// elsewhere is let go. done ends when Close ends: nothing is written then.
	quiet, done     context.Context
	beQuiet, beDone context.CancelCauseFunc
	mu              sync.Mutex
	running         map[string]*operation
	workers         sync.WaitGroup
	closed          bool
}

// New makes a Manager. It does nothing in the background until Run.
func New(options Options) (*Manager, error) {
	if options.Store == nil || options.Directory == nil {
		return nil, errors.New("server: a Manager needs a store and a directory")
	}
	node := options.Node
	if node == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("server: host name: %w", err)
		}
		node = name
	}
	m := &Manager{
		store:     options.Store,
		directory: options.Directory,
		routes:    options.Routes,
		now:       options.Now,
		log:       cmp.Or(options.Log, slog.New(slog.DiscardHandler)),
		self:      keeper.NewHolder(node),
		watch:     newWatch(),
		admission: make(chan struct{}, 1),
		running:   make(map[string]*operation),
	}
	if m.now == nil {
		m.now = time.Now
	}
	m.dead = m.self.Outlived
	m.quiet, m.beQuiet = context.WithCancelCause(context.Background())
	m.done, m.beDone = context.WithCancelCause(context.Background())
	return m, m.Reconfigure(options.Settings)
}

// Reconfigure replaces the settings. Operations that run go on as they began.
func (m *Manager) Reconfigure(settings Settings) error {
	if settings.Spawner == nil {
		return errors.New("server: settings without a spawner")
	}
	if _, err := settings.publicOrigin(); err != nil {
		return err
	}
	if err := settings.checkOverrides(); err != nil {
		return err
	}
	settings = settings.withDefaults()
	m.settings.Store(&settings)
	m.addresses.Add(1)
	return nil
}

// Run takes over what was left unfinished, looks after the running servers,
// follows the store and polls, until Close or the end of ctx. Call it once, in
// a goroutine of its own; requests can be served from the first moment. It
// returns nil after Close, else the error of ctx.
func (m *Manager) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(m.quiet, func() { cancel(ErrClosed) })()

	var loops sync.WaitGroup
	for _, loop := range []func(context.Context){m.follow, m.scanAlways, m.announceAlways, m.pollAlways} {
		loops.Go(func() { loop(ctx) })
	}
	// Leases are renewed until Close has ended: a start that Close waits for
	// must not be taken over meanwhile.
	loops.Go(func() { m.renewAlways(ctx) })
	loops.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, ErrClosed) {
		return cause
	}
	return nil
}

// Close ends the work of this node and leaves all servers running. It waits
// for starts that the spawner is busy with until ctx ends; what is unfinished
// then is taken over by another node, or by this one after its restart.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.beQuiet(ErrClosed)

	ended := make(chan struct{})
	go func() {
		m.workers.Wait()
		close(ended)
	}()
	var err error
	select {
	case <-ended:
	case <-ctx.Done():
		err = fmt.Errorf("server: closed with starts unfinished: %w", context.Cause(ctx))
	}
	if gone := m.withdraw(context.WithoutCancel(ctx)); gone != nil {
		// The record expires by itself.
		m.log.Debug("node could not be signed off", "error", gone)
	}
	m.beDone(ErrClosed)
	return err
}

// begin runs an operation that this node has just acquired.
func (m *Manager) begin(op *operation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		go m.release(op)
		return
	}
	m.running[op.id()] = op
	m.workers.Go(func() {
		m.work(op)
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.running[op.id()] == op {
			delete(m.running, op.id())
		}
	})
}

// background runs something that Close waits for, unless it has begun.
func (m *Manager) background(run func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.workers.Go(run)
	}
}

func (m *Manager) runs(id string) *operation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running[id]
}

func (m *Manager) operations() []*operation {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]*operation, 0, len(m.running))
	for _, op := range m.running {
		list = append(list, op)
	}
	return list
}
