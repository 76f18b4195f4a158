package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	// feedBlock is how long the server waits for changes before it says that
	// there are none: how often a quiet feed checks that it is in touch.
	feedBlock = 400 * time.Millisecond
	// feedTimeout bounds one try to read the feed, network included.
	feedTimeout = 900 * time.Millisecond
	// feedPause is the pause before another try after one that failed.
	feedPause = 100 * time.Millisecond
	// feedBatch is how many commits one read takes.
	feedBatch = 256
)

// place is where in the history of the store a feed stands.
type place struct {
	epoch   string
	version uint64
	id      string // of the commit with this version
}

// feed implements store.Feed over the stream of changes.
type feed struct {
	store  *Store
	at     place
	failed bool // the last try did

	once sync.Once
	done chan struct{}
}

// Follow implements store.Store.
func (s *Store) Follow(ctx context.Context) (store.Feed, error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	at, err := s.present(ctx)
	if err != nil {
		return nil, err
	}
	return &feed{store: s, at: at, done: make(chan struct{})}, nil
}

// present is the place of the last commit.
func (s *Store) present(ctx context.Context) (place, error) {
	answer, err := s.call(ctx, positionScript)
	if err != nil {
		return place{}, err
	}
	return parsePlace(answer)
}

func parsePlace(answer []any) (place, error) {
	epoch, errEpoch := text(answer, 0)
	number, errNumber := text(answer, 1)
	id, errID := text(answer, 2)
	version, errVersion := strconv.ParseUint(number, 10, 64)
	if errors.Join(errEpoch, errNumber, errID, errVersion) != nil {
		return place{}, fmt.Errorf("%w: %w", store.ErrUnavailable, errAnswer)
	}
	return place{epoch: epoch, version: version, id: id}, nil
}

// Close implements store.Feed.
func (f *feed) Close() error {
	f.once.Do(func() { close(f.done) })
	return nil
}

// Next implements store.Feed.
func (f *feed) Next(ctx context.Context) (store.Batch, error) {
	if err := f.wait(ctx); err != nil {
		return store.Batch{}, err
	}
	batch, err := f.read(ctx)
	f.failed = err != nil
	if err == nil {
		return batch, nil
	}
	if ended := f.ended(ctx); ended != nil {
		return store.Batch{}, ended
	}
	return store.Batch{}, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}

// wait pauses after a failure, and says whether the feed goes on.
func (f *feed) wait(ctx context.Context) error {
	if f.failed {
		timer := time.NewTimer(feedPause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-f.done:
		case <-f.store.ctx.Done():
		case <-ctx.Done():
		}
	}
	return f.ended(ctx)
}

func (f *feed) ended(ctx context.Context) error {
	select {
	case <-f.done:
		return store.ErrClosed
	case <-f.store.ctx.Done():
		return store.ErrClosed
	default:
		return ctx.Err()
	}
}

// read asks for what comes after the place of the feed, and then, on the same
// connection, where the history stands: a flushed or replaced server shows.
func (f *feed) read(ctx context.Context) (store.Batch, error) {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	pipeline := f.store.client.Pipeline()
	entries := pipeline.XRead(ctx, &redis.XReadArgs{
		Streams: []string{f.store.base + ":changes", strconv.FormatUint(f.at.version, 10) + "-0"},
		Count:   feedBatch,
		Block:   feedBlock,
	})
	state := pipeline.HMGet(ctx, f.store.base+":state", "epoch", "version", "last")
	begin := time.Now()
	_, err := pipeline.Exec(ctx)
	if errors.Is(err, redis.Nil) {
		err = nil // no changes within the time
	}
	// Not kept away by the breaker: it is a feed that finds out first.
	f.store.breaker.note(err, time.Since(begin))
	if err != nil {
		return store.Batch{}, err
	}
	if err := f.ended(context.Background()); err != nil {
		return store.Batch{}, err
	}
	var messages []redis.XMessage
	for _, stream := range entries.Val() {
		messages = stream.Messages
	}
	present, err := parsePlace(state.Val())
	if err != nil || present.epoch != f.at.epoch {
		return f.missed(ctx)
	}
	batch, at, whole := follow(f.at, messages)
	lost := at.version > present.version || at.version == present.version && at.id != present.id ||
		len(messages) == 0 && at.version < present.version && f.trimmed(ctx)
	if !whole || lost {
		return f.missed(ctx)
	}
	f.at = at
	return batch, nil
}

// trimmed reports whether the stream holds nothing after the place of the feed
// although commits have been made: somebody has removed the stream.
func (f *feed) trimmed(ctx context.Context) bool {
	from := "(" + strconv.FormatUint(f.at.version, 10) + "-0"
	entries, err := f.store.client.XRangeN(ctx, f.store.base+":changes", from, "+", 1).Result()
	return err == nil && len(entries) == 0
}

// missed puts the feed at the present.
func (f *feed) missed(ctx context.Context) (store.Batch, error) {
	answer, err := positionScript.Run(ctx, f.store.client, []string{f.store.base}).Slice()
	if err != nil {
		return store.Batch{}, err
	}
	if f.at, err = parsePlace(answer); err != nil {
		return store.Batch{}, err
	}
	return store.Batch{Missed: true}, nil
}

// follow walks along the chain of commits from a place. whole is false when the
// chain is broken: a commit is missing, or has been replaced by another.
func follow(at place, messages []redis.XMessage) (batch store.Batch, end place, whole bool) {
	for _, message := range messages {
		number, _, _ := strings.Cut(message.ID, "-")
		version, err := strconv.ParseUint(number, 10, 64)
		before, _ := message.Values["before"].(string)
		id, _ := message.Values["id"].(string)
		encoded, _ := message.Values["changes"].(string)
		if err != nil || version != at.version+1 || before != at.id {
			return store.Batch{}, at, false
		}
		changes, ok := decodeChanges(encoded, version)
		if !ok {
			return store.Batch{}, at, false
		}
		batch.Changes = append(batch.Changes, changes...)
		at.version, at.id = version, id
	}
	return batch, at, true
}

// decodeChanges reads "w" or "d", a length, a colon and KIND:ID, repeated.
func decodeChanges(encoded string, version uint64) ([]store.Change, bool) {
	var changes []store.Change
	for encoded != "" {
		length, rest, found := strings.Cut(encoded[1:], ":")
		n, err := strconv.Atoi(length)
		if !found || err != nil || n < 0 || n > len(rest) {
			return nil, false
		}
		kind, id, found := strings.Cut(rest[:n], ":")
		if !found {
			return nil, false
		}
		changes = append(changes, store.Change{
			Key: store.Key{Kind: kind, ID: id}, Deleted: encoded[0] == 'd', Version: version,
		})
		encoded = rest[n:]
	}
	return changes, true
}
