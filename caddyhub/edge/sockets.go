package edge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/refresh"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	// reviewInterval is how often open sockets are decided about without any
	// news: sessions and tokens also end by the clock. minReviewInterval is how
	// often at most, whatever ReviewEvery asks for.
	reviewInterval    = 15 * time.Second
	minReviewInterval = time.Second
	// reviewTimeout bounds one decision.
	reviewTimeout = 5 * time.Second
	// followPause is how long to wait before a lost feed is opened again.
	followPause = 200 * time.Millisecond
)

// Sockets are the open WebSockets of this node. A socket is decided about when
// it is opened, and again whenever something changes that the decision may hang
// on: a logout, a token or a user that goes, a role, a group. What the gate would
// refuse now is closed with code 1008 (RFC 6455, 7.4.1), on every
// node within the second that the store's feed needs. While the store is away
// sockets stay open.
//
// Sockets outlive configurations: one that a reload has left behind is decided
// about as before. The zero value is not usable; see NewSockets.
type Sockets struct {
	log *slog.Logger
	// closed is told of each that was closed; may be nil.
	closed func(code int)
	mu     sync.Mutex
	open   map[watched]struct{}
	// interval is between two looks by the clock.
	interval atomic.Int64
}

// watched is an open WebSocket.
type watched interface {
	// whose are the user whose credentials opened it and the one whose server it
	// leads to; empty if there is none.
	whose() (user, owner string)
	// review decides anew, whether it would be let in now.
	review(ctx context.Context) gate.Decision
	// close ends it with a code (RFC 6455, 7.4.1).
	close(code int)
}

// NewSockets makes an empty list. The logger may be nil.
func NewSockets(log *slog.Logger) *Sockets {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Sockets{log: log, open: make(map[watched]struct{})}
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

// Run follows the store and closes what may not stay open, until the context
// ends. Call it once, in a goroutine of its own.
func (s *Sockets) Run(ctx context.Context, from store.Store) error {
	go s.reviewByTheClock(ctx)
	for ctx.Err() == nil {
		err := s.follow(ctx, from)
		if errors.Is(err, store.ErrClosed) {
			return err
		}
		wait(ctx, followPause)
	}
	return ctx.Err()
}

func (s *Sockets) reviewByTheClock(ctx context.Context) {
	for last := time.Now(); wait(ctx, minReviewInterval); {
		if time.Since(last) >= time.Duration(s.interval.Load()) {
			s.review(ctx, nil)
			last = time.Now()
		}
	}
}

func (s *Sockets) follow(ctx context.Context, from store.Store) error {
	feed, err := from.Follow(ctx)
	if err != nil {
		return err
	}
	defer feed.Close()
	// What happened before the feed began may have ended sockets too.
	s.review(ctx, nil)
	for {
		batch, err := feed.Next(ctx)
		switch {
		case errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil:
			wait(ctx, followPause)
			continue
		case err != nil:
			return err
		case batch.Missed:
			s.review(ctx, nil)
		default:
			s.reviewAfter(ctx, batch.Changes)
		}
	}
}

// reviewAfter decides about the sockets that changes may concern: those of a
// user, and those to a user's servers. What concerns nobody in particular
// concerns everybody.
func (s *Sockets) reviewAfter(ctx context.Context, changes []store.Change) {
	users := make(map[string]bool)
	for _, change := range changes {
		switch change.Key.Kind {
		case identity.KindSessionOfUser, identity.KindTokenOfOwner:
			if !change.Deleted {
				continue // renewed, or new
			}
			if owner, ok := ownerOf(change.Key); ok {
				users[owner] = true
			}
		case identity.KindUser:
			if parts, err := store.Split(change.Key.ID); err == nil {
				users[parts[0]] = true
			}
		case identity.KindRole, identity.KindGroup:
			s.review(ctx, nil)
			return
		}
	}
	if len(users) > 0 {
		s.review(ctx, users)
	}
}

// ownerOf is the user that a record of the index of sessions or tokens is about.
func ownerOf(key store.Key) (string, bool) {
	parts, err := store.Split(key.ID)
	switch {
	case err != nil:
		return "", false
	case key.Kind == identity.KindSessionOfUser:
		return parts[0], true
	case len(parts) > 1 && parts[0] == "user":
		return parts[1], true
	}
	// A service's token: its sockets have no user.
	return "", len(parts) > 1
}

// review decides about the sockets of and to these users, or about all if nil,
// and closes what is refused.
func (s *Sockets) review(ctx context.Context, users map[string]bool) {
	for _, open := range s.of(users) {
		s.decide(ctx, open)
	}
}

func (s *Sockets) of(users map[string]bool) []watched {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []watched
	for open := range s.open {
		user, owner := open.whose()
		if users == nil || users[user] || users[owner] {
			list = append(list, open)
		}
	}
	return list
}

func (s *Sockets) decide(ctx context.Context, open watched) {
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	decision := open.review(refresh.InBackground(ctx))
	if code, refused := decision.CloseCode(); refused {
		user, _ := open.whose()
		s.log.Info("WebSocket closed: it is not allowed any more", "user", user, "code", code, "reason", decision.Message)
		open.close(code)
		if s.closed != nil {
			s.closed(code)
		}
	}
}

func (s *Sockets) add(open watched) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[open] = struct{}{}
}

func (s *Sockets) remove(open watched) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, open)
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
