// Package redis keeps all records in Redis or Valkey 7 or newer, for a hub of
// several nodes: standalone, with Sentinel, or a Cluster, where all keys share
// one slot.
//
// A transaction reads optimistically and notes the version of all it reads. One
// script then checks that nothing of it has changed, writes, and appends to a
// stream of changes; when something has changed the closure runs again. A
// commit whose answer was lost on the way is recognised when it is sent again.
// The stream is a chain, so a feed knows exactly whether it has seen everything,
// also when Redis was emptied or replaced by a replica that knew less.
//
// How much survives a crash is Redis' own setting: with "appendfsync always" an
// Update is on disk before it returns; with the default, "everysec", a crash of
// the machine may cost a second; replicas follow without being waited for. Set
// maxmemory-policy to noeviction, or Redis throws records away.
package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/semaphore"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Options of a Store.
type Options struct {
	// URL of the server. Required; one of
	//
	//	redis://USER:PASSWORD@HOST:PORT/DB     (rediss:// with TLS)
	//	unix://USER:PASSWORD@/PATH?db=DB
	//	redis://HOST:PORT?master_name=NAME&addr=HOST:PORT&…   Sentinels
	//	redis://HOST:PORT?cluster=true&addr=HOST:PORT&…       Cluster
	//
	// Other parameters are those of go-redis, such as dial_timeout or pool_size.
	URL string
	// Prefix of all keys, so that several hubs can share a server: letters,
	// digits, hyphen, underscore. Default "caddyhub".
	Prefix string
	// Timeout of a call whose context has no deadline. Default 5 seconds.
	Timeout time.Duration
	// Now is the clock by which records expire. Default time.Now. Nodes should
	// agree on the time to within a fraction of a second.
	Now func() time.Time
	// Sweep is how often this node looks for expired records. Default one second.
	Sweep time.Duration
	// Backlog is how many commits the stream of changes keeps at least: how far
	// a feed may fall behind before it is told that it missed some. Default 65536.
	Backlog int
	// Logger hears of trouble. Default: nobody does.
	Logger *slog.Logger
}

// Store implements store.Store in Redis.
type Store struct {
	client  redis.UniversalClient
	base    string // {prefix}
	timeout time.Duration
	now     func() time.Time
	backlog int
	logger  *slog.Logger
	breaker breaker

	// again lets one transaction at a time be run again, so that those of one
	// node do not defeat each other over and over.
	again *semaphore.Weighted

	closed   atomic.Bool
	ctx      context.Context // ends with the store
	stop     context.CancelFunc
	sweeping sync.WaitGroup
	closing  sync.Once
}

var prefixPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Open returns a Store. It does not connect: a server that is away, wrong or
// too old shows in the first call, as ErrUnavailable.
func Open(options Options) (*Store, error) {
	options = options.withDefaults()
	if !prefixPattern.MatchString(options.Prefix) {
		return nil, fmt.Errorf("%w: redis prefix %q: only letters, digits, hyphen and underscore", store.ErrInvalid, options.Prefix)
	}
	client, err := newClient(options.URL)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{
		client:  client,
		base:    "{" + options.Prefix + "}",
		timeout: options.Timeout,
		now:     options.Now,
		backlog: options.Backlog,
		logger:  options.Logger,
		again:   semaphore.NewWeighted(1),
		ctx:     ctx,
		stop:    stop,
	}
	s.sweeping.Go(func() { s.sweepAlways(options.Sweep) })
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Prefix == "" {
		o.Prefix = "caddyhub"
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
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

// Close implements store.Store.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		s.closed.Store(true)
		s.stop()
		s.sweeping.Wait()
		if err = s.client.Close(); errors.Is(err, redis.ErrClosed) {
			err = nil
		}
	})
	return err
}
