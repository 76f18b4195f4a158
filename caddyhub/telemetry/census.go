package telemetry

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Census counts the records of some kinds in the store, and keeps the numbers
// true by the store's feed. While the store is out of reach the numbers are
// those of before. It holds the ids in memory, since a record that is written
// may be new or not.
type Census struct {
	// blind, unless nil, is called when and while the feed is lost.
	blind func()

	mu      sync.Mutex
	ids     map[string]map[string]struct{} // by kind
	inTouch bool
}

// NewCensus makes a Census of these kinds. blind is called about every second
// while the store is out of reach; it may be nil.
func NewCensus(blind func(), kinds ...string) *Census {
	c := &Census{blind: blind, ids: make(map[string]map[string]struct{}, len(kinds))}
	for _, kind := range kinds {
		c.ids[kind] = nil
	}
	return c
}

// Count is how many records of a kind there are.
func (c *Census) Count(kind string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.ids[kind])
}

// InTouch says whether the numbers are those of now.
func (c *Census) InTouch() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inTouch
}

// censusPause is between attempts to open a feed.
const censusPause = 500 * time.Millisecond

// Run counts and follows until the context ends or the store is closed. Call it
// once, in a goroutine of its own.
func (c *Census) Run(ctx context.Context, from store.Store) error {
	for ctx.Err() == nil {
		err := c.follow(ctx, from)
		if errors.Is(err, store.ErrClosed) {
			return err
		}
		if ctx.Err() == nil {
			c.lost()
			pause(ctx)
		}
	}
	return ctx.Err()
}

func (c *Census) follow(ctx context.Context, from store.Store) error {
	feed, err := from.Follow(ctx)
	if err != nil {
		return err
	}
	defer feed.Close()
	if err := c.load(ctx, from); err != nil {
		return err
	}
	for {
		batch, err := feed.Next(ctx)
		switch {
		case errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil:
			c.lost()
			pause(ctx)
			continue
		case err != nil:
			return err
		case batch.Missed:
			if err := c.load(ctx, from); err != nil {
				return err
			}
		}
		c.apply(batch.Changes)
	}
}

// load counts everything anew.
func (c *Census) load(ctx context.Context, from store.Store) error {
	found := make(map[string]map[string]struct{}, len(c.ids))
	err := from.View(ctx, func(r store.Reader) error {
		for kind := range c.ids {
			ids, err := list(r, kind)
			if err != nil {
				return err
			}
			found[kind] = ids
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids, c.inTouch = found, true
	return nil
}

func list(r store.Reader, kind string) (map[string]struct{}, error) {
	ids := make(map[string]struct{})
	page := store.Page{Limit: store.MaxPage}
	for {
		records, err := r.List(kind, page)
		if err != nil {
			return nil, err
		}
		for _, record := range records {
			ids[record.Key.ID] = struct{}{}
		}
		if len(records) < page.Limit {
			return ids, nil
		}
		page.After = records[len(records)-1].Key.ID
	}
}

func (c *Census) apply(changes []store.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inTouch = true
	for _, change := range changes {
		ids, counted := c.ids[change.Key.Kind]
		switch {
		case !counted:
		case change.Deleted:
			delete(ids, change.Key.ID)
		default:
			ids[change.Key.ID] = struct{}{}
		}
	}
}

func (c *Census) lost() {
	c.mu.Lock()
	c.inTouch = false
	c.mu.Unlock()
	if c.blind != nil {
		c.blind()
	}
}

func pause(ctx context.Context) {
	timer := time.NewTimer(censusPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
