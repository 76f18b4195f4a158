package edge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/refresh"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	// reviewTimeout bounds the decisions about all that one batch of news brings up.
	reviewTimeout = 5 * time.Second
	// reviewAgain is when to decide again about a socket of which it could not be
	// said whether it may stay.
	reviewAgain = time.Second
	// reviewPause is the least time until a socket is decided about again because of
	// the clock.
	reviewPause = 50 * time.Millisecond
	// reviewInterval is how often all sockets are decided about without any news, in
	// case there is something that no change in the store tells of. minReviewInterval
	// is how often at most, whatever ReviewEvery asks for.
	reviewInterval    = time.Minute
	minReviewInterval = time.Second
	// followPause is how long to wait before a lost feed is opened again.
	followPause = 200 * time.Millisecond
)

// Sockets are the open WebSockets of this node. A socket is decided about when it
// is opened, when its credential ends by the clock unless it was prolonged, and
// whenever something changes that the decision hangs on: a session, a token, a
// user, a group, a role, a service. What the gate would refuse now is closed with
// code 1008 (RFC 6455, 7.4.1), on every node within the second that the store's
// feed needs. While the store is away sockets stay open.
//
// A change costs what the sockets cost that it may concern, however many others
// are open; only a role may concern all.
//
// Sockets outlive configurations: one that a reload has left behind is decided
// about as before. The zero value is not usable; see NewSockets.
type Sockets struct {
	log *slog.Logger
	// closed is told of each that was closed; may be nil.
	closed func(code int)

	mu sync.Mutex
	// open are all, and by are those that a change with a name may concern.
	open map[watched]*entry
	by   map[string]map[*entry]struct{}
	due  deadlines
	// interval is between two looks at all.
	interval atomic.Int64
	// sooner is sent to when the first deadline has changed, and all when everything
	// is to be decided about. Both have room for one.
	sooner, all chan struct{}
}

// watched is an open WebSocket.
type watched interface {
	// whose is the user whose credentials opened it; empty if they are no user's.
	whose() string
	// review decides anew, whether it would be let in now, and why.
	review(ctx context.Context) (gate.Decision, grounds)
	// close ends it with a code (RFC 6455, 7.4.1).
	close(code int)
}

// NewSockets makes an empty list. The logger may be nil.
func NewSockets(log *slog.Logger) *Sockets {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Sockets{
		log: log, open: make(map[watched]*entry), by: make(map[string]map[*entry]struct{}),
		sooner: make(chan struct{}, 1), all: make(chan struct{}, 1),
	}
	s.ReviewEvery(0)
	return s
}

// ReviewEvery has sockets decided about at least that often, though not more often
// than each second: logins behind them are to be confirmed then. Zero or less, and
// whatever is longer than usual, means as often as usual.
func (s *Sockets) ReviewEvery(interval time.Duration) {
	if interval <= 0 || interval > reviewInterval {
		interval = reviewInterval
	}
	s.interval.Store(int64(max(interval, minReviewInterval)))
}

// Len is how many sockets are open.
func (s *Sockets) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Closed has every WebSocket told that is closed, with the code. Call it before
// Run.
func (s *Sockets) Closed(tell func(code int)) { s.closed = tell }

// Review has all sockets decided about soon, after a change that the store does not
// know of: other limits of sessions, say. It does not wait.
func (s *Sockets) Review() { signal(s.all) }

// Run follows the store and closes what may not stay open, until the context
// ends. Call it once, in a goroutine of its own.
func (s *Sockets) Run(ctx context.Context, from store.Store) error {
	var clock sync.WaitGroup
	defer clock.Wait()
	clock.Go(func() { s.watchTheClock(ctx) })
	for ctx.Err() == nil {
		err := s.follow(ctx, from)
		if errors.Is(err, store.ErrClosed) {
			return err
		}
		wait(ctx, followPause)
	}
	return ctx.Err()
}

func (s *Sockets) follow(ctx context.Context, from store.Store) error {
	feed, err := from.Follow(ctx)
	if err != nil {
		return err
	}
	defer feed.Close()
	// What happened before the feed began may have ended sockets too.
	s.review(ctx, s.everybody())
	for {
		batch, err := feed.Next(ctx)
		switch {
		case errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil:
			wait(ctx, followPause)
			continue
		case err != nil:
			return err
		case batch.Missed:
			s.review(ctx, s.everybody())
		default:
			s.review(ctx, s.concerned(batch.Changes))
		}
	}
}

// watchTheClock decides about sockets whose time has come.
func (s *Sockets) watchTheClock(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	ticker := time.NewTicker(minReviewInterval)
	defer ticker.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-s.all:
			s.review(ctx, s.everybody())
		case now := <-ticker.C:
			if now.Sub(last) < time.Duration(s.interval.Load()) {
				continue
			}
			s.review(ctx, s.everybody())
			last = now
		case <-s.sooner:
		case <-timer.C:
			s.review(ctx, s.overdue())
		}
		timer.Reset(s.untilDue())
	}
}

// review decides about sockets and closes what is refused.
func (s *Sockets) review(ctx context.Context, sockets []*entry) {
	if len(sockets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	for _, open := range sockets {
		s.decide(ctx, open)
	}
}

func (s *Sockets) decide(ctx context.Context, open *entry) {
	ctx = refresh.InBackground(ctx)
	decision, why := open.review(ctx)
	code, refused := decision.CloseCode()
	if !refused {
		if moved := s.keep(open, decision, why); moved {
			// A change of what it was not found by yet may have come in between.
			decision, why = open.review(ctx)
			if code, refused = decision.CloseCode(); !refused {
				s.keep(open, decision, why)
			}
		}
	}
	if !refused || !s.refuse(open) {
		return
	}
	s.log.Info("WebSocket closed: it is not allowed any more", "user", open.whose(), "code", code, "reason", decision.Message)
	open.close(code)
	if s.closed != nil {
		s.closed(code)
	}
}

// wait pauses; false if the context has ended.
func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// signal sends to a channel with room for one, unless something is in it.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}
