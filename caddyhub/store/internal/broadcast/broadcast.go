// Package broadcast tells one sequence of changes to any number of feeds inside
// a process. It keeps what a feed has still to tell, and of that a bounded number
// of changes; a feed that falls behind them is told that it missed some.
package broadcast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// batchSize bounds what one Next returns: about so many changes, whole commits.
const batchSize = 1024

// pause is how long Next waits for better news when it has already said that
// the feed is out of touch. It must stay under the second that Feed promises.
const pause = 500 * time.Millisecond

// Broadcast is where the changes are published. Use New.
type Broadcast struct {
	capacity int

	mu      sync.Mutex
	commits [][]store.Change // the last ones, commits[0] has number first
	first   uint64
	held    int           // changes in commits
	trouble error         // why there is no touch; nil when there is
	news    chan struct{} // closed and replaced when anything changes
	closed  bool
	feeds   map[*Feed]struct{} // that are open
}

// New returns a Broadcast that keeps about capacity changes.
func New(capacity int) *Broadcast {
	return &Broadcast{capacity: capacity, news: make(chan struct{}), feeds: make(map[*Feed]struct{})}
}

// Publish tells the changes of one commit, which the caller then leaves alone.
func (b *Broadcast) Publish(changes []store.Change) {
	if len(changes) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commits = append(b.commits, changes)
	b.held += len(changes)
	drop, left := 0, b.held
	for left > b.capacity && drop < len(b.commits)-1 {
		left -= len(b.commits[drop])
		drop++
	}
	b.drop(drop)
	b.forget()
	b.wake()
}

// forget drops what all feeds have told.
func (b *Broadcast) forget() {
	told := len(b.commits)
	for f := range b.feeds {
		// A feed that stands before the first commit has missed some, and goes on at
		// the present.
		if f.next >= b.first {
			told = min(told, int(f.next-b.first))
		}
	}
	b.drop(told)
}

// drop drops the first of the commits.
func (b *Broadcast) drop(count int) {
	for _, commit := range b.commits[:count] {
		b.held -= len(commit)
	}
	b.commits = slices.Delete(b.commits, 0, count)
	b.first += uint64(count)
	if len(b.commits) == 0 && cap(b.commits) > batchSize {
		b.commits = nil // room for a burst is not kept
	}
}

// Miss tells every feed that it missed changes at this point.
func (b *Broadcast) Miss() {
	b.mu.Lock()
	defer b.mu.Unlock()
	// Taking up a number makes feeds that are up to date stand before it.
	b.first += uint64(len(b.commits)) + 1
	b.commits, b.held = nil, 0
	b.wake()
}

// Touch tells every feed whether there is touch with the source of the changes:
// nil when there is, else why not.
func (b *Broadcast) Touch(trouble error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if trouble != nil && !errors.Is(trouble, store.ErrUnavailable) {
		trouble = fmt.Errorf("%w: %w", store.ErrUnavailable, trouble)
	}
	if (b.trouble == nil) != (trouble == nil) {
		b.wake()
	}
	b.trouble = trouble
}

// Close ends all feeds with ErrClosed.
func (b *Broadcast) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		b.wake()
	}
}

func (b *Broadcast) wake() {
	close(b.news)
	b.news = make(chan struct{})
}

// Follow returns a feed that begins at the present.
func (b *Broadcast) Follow() (*Feed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, store.ErrClosed
	}
	f := &Feed{source: b, next: b.first + uint64(len(b.commits)), done: make(chan struct{})}
	b.feeds[f] = struct{}{}
	return f, nil
}

// Feed implements store.Feed.
type Feed struct {
	source  *Broadcast
	next    uint64 // number of the commit to tell next
	outside bool   // the last Next said that there is no touch

	once sync.Once
	done chan struct{}
}

// Close implements store.Feed.
func (f *Feed) Close() error {
	f.once.Do(func() {
		close(f.done)
		f.source.mu.Lock()
		defer f.source.mu.Unlock()
		delete(f.source.feeds, f)
		f.source.forget()
	})
	return nil
}

// Next implements store.Feed.
func (f *Feed) Next(ctx context.Context) (store.Batch, error) {
	var patience <-chan time.Time
	if f.outside {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		patience = timer.C
	}
	for {
		select {
		case <-f.done:
			return store.Batch{}, store.ErrClosed
		default:
		}
		if err := ctx.Err(); err != nil {
			return store.Batch{}, err
		}
		batch, ready, news, err := f.look()
		if ready || err != nil && patience == nil {
			return batch, err
		}
		select {
		case <-news:
		case <-f.done:
		case <-ctx.Done():
		case <-patience:
			patience = nil
		}
	}
}

// look says what there is to tell now. Without anything, news is closed when
// there may be. An error that is not ready may pass by waiting.
func (f *Feed) look() (batch store.Batch, ready bool, news <-chan struct{}, err error) {
	b := f.source
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return batch, true, nil, store.ErrClosed
	case f.next < b.first:
		f.outside = false
		f.next = b.first + uint64(len(b.commits))
		return store.Batch{Missed: true}, true, nil, nil
	case b.trouble != nil && f.next == b.first+uint64(len(b.commits)):
		// Only now that everything known is told.
		again := f.outside
		f.outside = true
		return batch, !again, b.news, b.trouble
	}
	for _, commit := range b.commits[f.next-b.first:] {
		if len(batch.Changes) > 0 && len(batch.Changes)+len(commit) > batchSize {
			break
		}
		batch.Changes = append(batch.Changes, commit...)
		f.next++
	}
	b.forget()
	ready = len(batch.Changes) > 0 || f.outside
	f.outside = false
	return batch, ready, b.news, nil
}
