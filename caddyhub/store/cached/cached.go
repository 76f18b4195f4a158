// Package cached keeps hot records of another store in memory, so that reading
// them does no I/O.
//
// The feed of the store below throws out what has changed; an Update made here
// throws out what it wrote before it returns. Every View still reads one
// consistent state: it is answered from memory as a whole, when all records it
// asks for are there and belong together, or else runs again over the store
// below. That state may be as old as the feed is late, but never older than an
// Update that this Store has finished, for the records that it wrote. Lists and
// Updates always read the store below.
//
// When the feed is out of touch, memory goes on answering for a grace; after
// it, every View asks the store below. When the feed missed changes, all
// records are dropped.
package cached

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/internal/broadcast"
	"github.com/caddyhub/caddyhub/caddyhub/store/internal/overlay"
)

// Options of a Store.
type Options struct {
	// MaxRecords bounds how many records memory holds, absent ones that were
	// asked for included. Default 100 000.
	MaxRecords int
	// MaxBytes bounds the length of all values held. Default 64 MiB.
	MaxBytes int
	// Grace is how long memory answers without touch to the store below.
	// Default 30 seconds; negative means not at all.
	Grace time.Duration
	// Backlog is how many changes a follower may fall behind before it is told
	// that it missed some. Default 65536.
	Backlog int
	// Now is the clock by which records expire and the grace is measured.
	// Default time.Now.
	Now func() time.Time
	// Logger hears when touch is lost and found. Default: nobody does.
	Logger *slog.Logger
}

// Health says how far a Store can be trusted at the moment.
type Health struct {
	// InTouch is true while changes arrive as they are made.
	InTouch bool
	// Since is when touch was lost; zero while InTouch.
	Since time.Time
	// Records in memory.
	Records int
}

// Store implements store.Store over another one.
type Store struct {
	under  store.Store
	now    func() time.Time
	grace  time.Duration
	logger *slog.Logger
	feeds  *broadcast.Broadcast

	mu       sync.Mutex
	records  *records
	fills    map[*fill]struct{}
	position uint64 // version of the last commit that the feed has told
	followed bool   // a feed of the store below has been opened
	watchers map[*func([]store.Key)]struct{}
	// lost is when touch was lost, nil while in touch. Both are written under
	// mu and read anywhere.
	lost   atomic.Pointer[time.Time]
	closed atomic.Bool

	stop      context.CancelFunc
	following sync.WaitGroup
	closing   sync.Once
	ready     chan struct{} // closed once followed or closed
}

// New returns a Store over under, which it owns: Close closes both. Until the
// feed of under is open, memory stays empty.
func New(under store.Store, options Options) *Store {
	options = options.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{
		under:    under,
		now:      options.Now,
		grace:    options.Grace,
		logger:   options.Logger,
		feeds:    broadcast.New(options.Backlog),
		records:  newRecords(options.MaxRecords, options.MaxBytes),
		fills:    make(map[*fill]struct{}),
		watchers: make(map[*func([]store.Key)]struct{}),
		stop:     stop,
		ready:    make(chan struct{}),
	}
	lost := options.Now()
	s.lost.Store(&lost)
	s.following.Go(func() { s.followAlways(ctx) })
	return s
}

func (o Options) withDefaults() Options {
	if o.MaxRecords <= 0 {
		o.MaxRecords = 100_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 64 << 20
	}
	if o.Grace == 0 {
		o.Grace = 30 * time.Second
	}
	if o.Backlog <= 0 {
		o.Backlog = 65536
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Unwrap is the store below.
func (s *Store) Unwrap() store.Store { return s.under }

// Health says how far the Store can be trusted at the moment.
func (s *Store) Health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	health := Health{InTouch: true, Records: s.records.len()}
	if lost := s.lost.Load(); lost != nil {
		health.InTouch, health.Since = false, *lost
	}
	return health
}

// Stale reports whether touch with the store below is lost, and since when.
func (s *Store) Stale() (since time.Time, stale bool) {
	health := s.Health()
	return health.Since, !health.InTouch
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, read func(store.Reader) error) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	_, err := s.view(ctx, read, &memoryReader{store: s, now: s.now()})
	return err
}

// view runs a View over memory or, where that cannot answer, over the store
// below. fromMemory says which.
func (s *Store) view(ctx context.Context, read func(store.Reader) error, memory *memoryReader) (fromMemory bool, err error) {
	err = read(memory)
	if !memory.failed {
		return true, err
	}
	return false, s.viewUnder(ctx, read)
}

// viewUnder runs a View over the store below and keeps what it read.
func (s *Store) viewUnder(ctx context.Context, read func(store.Reader) error) error {
	f := s.beginFill()
	defer s.dropFill(f)
	err := s.under.View(ctx, func(r store.Reader) error {
		f.restart()
		if err := read(&fillingReader{under: r, fill: f}); err != nil {
			return &answer{err}
		}
		return nil
	})
	// Only a run that the store below has accepted has read one state.
	var own *answer
	accepted := err == nil || errors.As(err, &own) && !errors.Is(err, store.ErrUnavailable)
	if accepted {
		s.finishFill(f)
	}
	if own != nil {
		return own.error
	}
	return err
}

// answer marks an error as the closure's, not one of the store below.
type answer struct{ error }

// Unwrap lets the store below look at the error.
func (a *answer) Unwrap() error { return a.error }

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, write func(store.Writer) error) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	written := make(map[store.Key]struct{})
	// Whatever the outcome, even unknown: what may have changed is thrown out.
	defer func() { s.forget(written) }()
	return s.under.Update(ctx, func(w store.Writer) error {
		return write(&notingWriter{Writer: w, written: written})
	})
}

// Follow implements store.Store. All feeds live on one feed of the store below.
func (s *Store) Follow(ctx context.Context) (store.Feed, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	select {
	case <-s.ready:
	case <-ctx.Done():
		return nil, overlay.ContextError(ctx)
	}
	feed, err := s.feeds.Follow()
	if err != nil {
		return nil, err
	}
	return feed, nil
}

// Close implements store.Store. It closes the store below too.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		s.closed.Store(true)
		s.stop()
		s.following.Wait()
		s.feeds.Close()
		err = s.under.Close()
	})
	return err
}

func (s *Store) open(ctx context.Context) error {
	if s.closed.Load() {
		return store.ErrClosed
	}
	return overlay.ContextError(ctx)
}
