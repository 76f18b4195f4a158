// Package embedded keeps all records in one file (bbolt), for a hub of one node
// that wants no other server beside it.
//
// An Update is on disk before it returns. Updates that wait for each other
// share one write to the disk; one that is alone does not wait for company.
// Closures run one after the other, so an Update never conflicts, and one that
// fails or panics leaves nothing behind. One process at a time has the file.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sync/semaphore"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/internal/broadcast"
	"github.com/caddyhub/caddyhub/caddyhub/store/internal/overlay"
)

// ErrInUse says that another process has the file.
var ErrInUse = errors.New("store: file is in use by another process")

// lockTimeout is how long Open waits for another process to let go of the file,
// as one that is being replaced does.
const lockTimeout = time.Second

// Options of a Store.
type Options struct {
	// Path of the file. Required. It and the folders above are created when
	// missing, readable by this user only.
	Path string
	// Now is the clock by which records expire. Default time.Now.
	Now func() time.Time
	// Sweep is how often expired records are looked for. Default one second.
	Sweep time.Duration
	// Backlog is how many changes a feed may fall behind before it is told
	// that it missed some. Default 65536.
	Backlog int
	// Logger hears of trouble. Default: nobody does.
	Logger *slog.Logger
}

// Store implements store.Store in one file.
type Store struct {
	db     *bbolt.DB
	now    func() time.Time
	logger *slog.Logger
	feeds  *broadcast.Broadcast

	// turn lets one Update at a time run its closure, first come first served.
	turn    *semaphore.Weighted
	waiting atomic.Int64
	// group is the transaction that Updates in a row share; turn guards it.
	group *group

	closed   atomic.Bool
	stop     context.CancelFunc
	sweeping sync.WaitGroup
	closing  sync.Once
}

// Open opens the file or creates it. When another process has it, the error is
// ErrInUse.
func Open(options Options) (*Store, error) {
	if options.Path == "" {
		return nil, fmt.Errorf("%w: embedded store without a path", store.ErrInvalid)
	}
	options = options.withDefaults()
	db, err := open(options.Path)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{
		db:     db,
		now:    options.Now,
		logger: options.Logger,
		feeds:  broadcast.New(options.Backlog),
		turn:   semaphore.NewWeighted(1),
		stop:   stop,
	}
	s.sweeping.Go(func() { s.sweepAlways(ctx, options.Sweep) })
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sweep <= 0 {
		o.Sweep = time.Second
	}
	if o.Backlog <= 0 {
		o.Backlog = 65536
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func open(path string) (*bbolt.DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("store: create folder: %w", err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:      lockTimeout,
		FreelistType: bbolt.FreelistMapType,
	})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("%w: %s", ErrInUse, path)
	}
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	if err := prepare(db, path); err != nil {
		return nil, errors.Join(fmt.Errorf("store: prepare %s: %w", path, err), db.Close())
	}
	return db, nil
}

// prepare narrows the rights of a file that was there already, and creates what
// is missing in it.
func prepare(db *bbolt.DB, path string) error {
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{recordBucket, expiryBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, read func(store.Reader) error) error {
	if err := overlay.ContextError(ctx); err != nil {
		return err
	}
	tx, err := s.begin(false)
	if err != nil {
		return err
	}
	r := newReader(ctx, tx, s.now())
	defer func() {
		r.end()
		_ = tx.Rollback() // of a read transaction: gives back its pages, cannot fail
	}()
	return read(r)
}

// Follow implements store.Store.
func (s *Store) Follow(ctx context.Context) (store.Feed, error) {
	if err := overlay.ContextError(ctx); err != nil {
		return nil, err
	}
	feed, err := s.feeds.Follow()
	if err != nil {
		return nil, err
	}
	return feed, nil
}

// Close implements store.Store. It waits for closures that are running.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		s.closed.Store(true)
		s.stop()
		s.sweeping.Wait()
		s.feeds.Close()
		s.drain()
		defer s.turn.Release(1)
		err = s.db.Close()
	})
	return err
}

// drain takes the turn when no group is open any more.
func (s *Store) drain() {
	for {
		_ = s.turn.Acquire(context.Background(), 1) // cannot fail without a deadline
		if s.group == nil {
			return
		}
		s.turn.Release(1)
	}
}

func (s *Store) begin(writable bool) (*bbolt.Tx, error) {
	if s.closed.Load() {
		return nil, store.ErrClosed
	}
	tx, err := s.db.Begin(writable)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return nil, store.ErrClosed
	}
	if err != nil {
		return nil, fmt.Errorf("%w: begin: %w", store.ErrUnavailable, err)
	}
	return tx, nil
}
