package userlist

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	// maxMarked is how many records are read again one by one; when more have
	// changed, everything is loaded anew.
	maxMarked = 20_000
	// settle is how long Run lets changes gather before it reads them.
	settle = 50 * time.Millisecond
	// retry is how long Run waits after it could not read the store.
	retry = time.Second
)

// Options are what a List needs. Log may be nil.
type Options struct {
	// Store should be store.Watched; over any other the List never answers.
	Store    store.Store
	Activity *identity.Activity
	Log      *slog.Logger
}

// List is all users. All methods may be called from any goroutine.
type List struct {
	store    store.Store
	watched  store.Watched
	activity *identity.Activity
	log      *slog.Logger

	// marks guards what has to be read again: single records, or everything.
	marks      sync.Mutex
	marked     map[store.Key]struct{}
	everything bool
	wake       chan struct{}
	// current is true while nothing is marked and nothing being read. It is set
	// under marks.
	current atomic.Bool

	// reading lets one read and change users at a time.
	reading sync.Mutex
	// mu guards users: readers of the list share it.
	mu    sync.RWMutex
	users *users
}

// New makes a List, which is empty and gives no answers until Run has loaded it.
func New(options Options) *List {
	l := &List{
		store: options.Store, activity: options.Activity,
		log:    cmp.Or(options.Log, slog.New(slog.DiscardHandler)),
		marked: make(map[store.Key]struct{}), everything: true, wake: make(chan struct{}, 1),
		users: newUsers(),
	}
	l.watched, _ = options.Store.(store.Watched)
	return l
}

// Run loads the list and keeps it up to date until ctx ends, whose error it
// returns, or the store is closed. Call it once.
func (l *List) Run(ctx context.Context) error {
	if l.watched == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	defer l.watched.Watch(l.mark)()
	for {
		err := l.load(ctx)
		if err == nil {
			err = l.catchUp(ctx)
		}
		pause := settle
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, store.ErrClosed):
			return err
		case errors.Is(err, errNotLoaded): // marked while it was being loaded
		case err != nil:
			l.log.WarnContext(ctx, "users could not be read into memory", "error", err)
			pause = retry
		default:
			if err := l.awaitMark(ctx); err != nil {
				return err
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *List) awaitMark(ctx context.Context) error {
	for l.current.Load() {
		select {
		case <-l.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// mark notes what may have changed.
func (l *List) mark(keys []store.Key) {
	l.marks.Lock()
	defer l.marks.Unlock()
	l.everything = l.everything || len(keys) == 0
	for _, key := range keys {
		if concerns(key) {
			l.marked[key] = struct{}{}
		}
	}
	if len(l.marked) > maxMarked {
		l.everything = true
	}
	if l.everything {
		clear(l.marked)
	} else if len(l.marked) == 0 {
		return
	}
	l.current.Store(false)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// concerns says whether a record is part of the list.
func concerns(key store.Key) bool {
	switch key.Kind {
	case identity.KindUser, server.KindServer:
		return true
	case identity.KindActivity:
		return strings.HasPrefix(key.ID, "user/") || strings.HasPrefix(key.ID, "server/")
	}
	return false
}

// take takes over what is marked. What is marked from now on is for the next.
func (l *List) take() (keys []store.Key, everything bool) {
	l.marks.Lock()
	defer l.marks.Unlock()
	for key := range l.marked {
		keys = append(keys, key)
	}
	clear(l.marked)
	everything, l.everything = l.everything, false
	return keys, everything
}

// putBack marks again what could not be read.
func (l *List) putBack(keys []store.Key) { l.mark(keys) }

// settled notes that the list is up to date, unless something was marked since.
func (l *List) settled() {
	l.marks.Lock()
	defer l.marks.Unlock()
	if len(l.marked) == 0 && !l.everything {
		l.current.Store(true)
	}
}

func (l *List) mustLoad() bool {
	l.marks.Lock()
	defer l.marks.Unlock()
	return l.everything
}

// load reads everything, if that is marked.
func (l *List) load(ctx context.Context) error {
	l.reading.Lock()
	defer l.reading.Unlock()
	if !l.mustLoad() {
		return nil
	}
	l.take()
	var fresh *users
	err := l.store.View(ctx, func(r store.Reader) (err error) {
		fresh, err = loadUsers(r)
		return err
	})
	if err != nil {
		l.putBack(nil)
		return err
	}
	l.mu.Lock()
	l.users = fresh
	l.mu.Unlock()
	l.settled()
	return nil
}

// errNotLoaded says that everything has to be loaded first.
var errNotLoaded = errors.New("userlist: not loaded")

// catchUp reads what is marked.
func (l *List) catchUp(ctx context.Context) error {
	if l.current.Load() {
		return nil
	}
	if l.mustLoad() {
		return errNotLoaded
	}
	l.reading.Lock()
	defer l.reading.Unlock()
	keys, everything := l.take()
	if everything {
		l.putBack(nil)
		return errNotLoaded
	}
	var records []store.Record
	err := l.store.View(ctx, func(r store.Reader) (err error) {
		records, err = store.GetSeveral(r, keys)
		return err
	})
	if err == nil {
		l.mu.Lock()
		err = l.users.apply(keys, records)
		l.mu.Unlock()
	}
	if err != nil {
		l.putBack(keys)
		return err
	}
	l.settled()
	return nil
}
