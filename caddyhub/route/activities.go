package route

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// KindActivity is the kind of the records that say when a route was last used,
// under its routespec.
const KindActivity = "route_activity"

// ActivityInterval is how often a Registry writes what was used since: it bounds
// what a proxy that is killed forgets, and with the change feed how late the
// others know.
const ActivityInterval = 5 * time.Second

// activityBatch is how many activities one transaction reads or writes. A batch
// costs a store over the network one round trip to read, and blocks it for about
// a millisecond.
const activityBatch = 250

// moment is the record of one activity.
type moment struct {
	// At is in milliseconds since 1970.
	At int64 `json:"at"`
}

var (
	moments    = store.Collection[moment]{Kind: KindActivity}
	rawMoments = store.Collection[json.RawMessage]{Kind: KindActivity}
)

// activities keeps the activity of the routes in a table and that in a store
// equal: both have the latest of what all proxies have seen. Who uses a route has
// nothing to do with it.
type activities struct {
	store  store.Store
	table  *Table
	logger *slog.Logger
	// wake holds one token when changed has something.
	wake    chan struct{}
	failing bool // of run alone

	mu sync.Mutex
	// changed are the ids of what others, or this node, have written and run has
	// not read yet.
	changed map[string]struct{}
}

func newActivities(s store.Store, table *Table, logger *slog.Logger) *activities {
	return &activities{store: s, table: table, logger: logger, wake: make(chan struct{}, 1), changed: map[string]struct{}{}}
}

// note remembers what a batch of the change feed says was written. It reads
// nothing: the routes in the next batch must not wait.
func (a *activities) note(batch store.Batch) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, change := range batch.Changes {
		if change.Key.Kind == KindActivity && !change.Deleted {
			a.changed[change.Key.ID] = struct{}{}
		}
	}
	if len(a.changed) == 0 {
		return
	}
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// load takes over what the store knows of all routes. Each page is a transaction
// of its own: what changes meanwhile the feed tells.
func (a *activities) load(ctx context.Context) error {
	for page := (store.Page{}); ; {
		var items []store.Item[json.RawMessage]
		err := a.store.View(ctx, func(r store.Reader) (err error) {
			items, err = rawMoments.List(r, page)
			return err
		})
		if err != nil {
			return fmt.Errorf("load the activity of routes: %w", err)
		}
		for _, item := range items {
			var read moment
			if json.Unmarshal(item.Value, &read) == nil {
				a.learn(item.ID, read)
			}
		}
		if len(items) < store.MaxPage {
			return nil
		}
		page.After = items[len(items)-1].ID
	}
}

// learn notes what the store says of a route.
func (a *activities) learn(id string, read moment) {
	spec, err := ParseSpec(id)
	if err != nil {
		return
	}
	if found, ok := a.table.Get(spec); ok {
		found.Activity().learn(read.At)
	}
}

// run writes and reads until the context ends, and writes once more then.
func (a *activities) run(ctx context.Context) {
	ticker := time.NewTicker(ActivityInterval)
	defer ticker.Stop()
	for {
		select {
		case <-a.wake:
			a.report(ctx, a.read(ctx))
		case <-ticker.C:
			a.report(ctx, errors.Join(a.write(ctx), a.read(ctx)))
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			a.report(last, a.write(last))
			return
		}
	}
}

// report logs the first of a row of failures.
func (a *activities) report(ctx context.Context, err error) {
	if err != nil && !a.failing && ctx.Err() == nil {
		a.logger.Warn("the activity of routes is not shared", "error", err)
	}
	a.failing = err != nil
}

// read takes over what was noted. What cannot be read stays noted for the next
// time.
func (a *activities) read(ctx context.Context) error {
	a.mu.Lock()
	changed := a.changed
	a.changed = make(map[string]struct{})
	a.mu.Unlock()
	keys := make([]store.Key, 0, min(len(changed), activityBatch))
	for len(changed) > 0 {
		keys = keys[:0]
		for id := range changed {
			if keys = append(keys, moments.Key(id)); len(keys) == activityBatch {
				break
			}
		}
		if err := a.readBatch(ctx, keys); err != nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			for id := range changed {
				a.changed[id] = struct{}{}
			}
			return err
		}
		for _, key := range keys {
			delete(changed, key.ID)
		}
	}
	return nil
}

func (a *activities) readBatch(ctx context.Context, keys []store.Key) error {
	var records []store.Record
	err := a.store.View(ctx, func(r store.Reader) (err error) {
		records, err = store.GetSeveral(r, keys)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the activity of routes: %w", err)
	}
	for _, record := range records {
		if item, found, err := moments.Open(record); found && err == nil {
			a.learn(item.ID, item.Value)
		}
	}
	return nil
}

// use is a route that was used later than the store knows.
type use struct {
	id       string
	activity *Activity
	at       int64
}

// lookPiece is how many routes are looked at at once, and lookPause the time between:
// requests that wait for the only processor get it then. Go looks for what came over
// the network when there is nothing else to run.
const (
	lookPiece = 1000
	lookPause = 50 * time.Microsecond
)

// uses are the routes that the store is to be told of.
func (a *activities) uses() []use {
	var uses []use
	looked := 0
	for route := range a.table.All() {
		if at, ok := route.activity.unsaved(); ok {
			uses = append(uses, use{route.Spec().String(), route.activity, at})
		}
		if looked++; looked%lookPiece == 0 {
			time.Sleep(lookPause)
		}
	}
	return uses
}

// write tells the store what was used since the last time.
func (a *activities) write(ctx context.Context) error {
	var failed error
	for batch := range slices.Chunk(a.uses(), activityBatch) {
		err := a.store.Update(ctx, func(w store.Writer) error { return writeBatch(w, batch) })
		switch {
		case err == nil:
			for _, used := range batch {
				used.activity.learn(used.at)
			}
		case errors.Is(err, store.ErrConflict):
			failed = err // the next batch has other routes
		default:
			return fmt.Errorf("write the activity of routes: %w", err)
		}
	}
	return failed
}

// writeBatch writes what is later than what stands there. A route that is gone
// gets no record again.
func writeBatch(w store.Writer, batch []use) error {
	keys := make([]store.Key, 0, 2*len(batch))
	for _, used := range batch {
		keys = append(keys, records.Key(used.id), moments.Key(used.id))
	}
	known, err := store.GetSeveral(w, keys)
	if err != nil {
		return err
	}
	for i, used := range batch {
		if known[2*i].Key == (store.Key{}) {
			continue
		}
		// A record that cannot be read is replaced.
		if item, found, err := moments.Open(known[2*i+1]); found && err == nil && item.Value.At >= used.at {
			continue
		}
		if err := moments.Put(w, used.id, moment{used.at}, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}
