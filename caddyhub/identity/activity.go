package identity

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Activity is when users, tokens and servers were last active. Times move
// forward only. Touch costs no I/O: it is remembered and written in batches, so
// that a busy hub writes once per interval and not once per request. What a
// node has not yet written it loses when it dies; readers on other nodes see it
// one interval late. What was touched and then deleted does not come back.
type Activity struct {
	store store.Store
	now   func() time.Time

	mu      sync.Mutex
	pending map[string]time.Time
	// recent and older are the last times that are known to be noted, so that
	// whoever wants to know no more than that need not read the store. When
	// recent is full it becomes older, and what was that is forgotten.
	recent, older map[string]time.Time
}

// maxRecent bounds recent and older, each.
const maxRecent = 16384

// FlushInterval is how often Run writes what was touched.
const FlushInterval = 10 * time.Second

// flushBatch bounds one transaction of Flush.
const flushBatch = 256

// moment is the record of one activity.
type moment struct {
	At time.Time `json:"at"`
}

var activities = store.Collection[moment]{Kind: KindActivity}

// ActivityOfUser names the activity of a user.
func ActivityOfUser(name string) string { return store.Join("user", name) }

// ActivityOfService names the activity of a service.
func ActivityOfService(name string) string { return store.Join("service", name) }

// ActivityOfToken names the activity of a token.
func ActivityOfToken(id string) string { return store.Join("token", id) }

// ActivityOfServer names the activity of a user's server.
func ActivityOfServer(user, server string) string { return store.Join("server", user, server) }

// NewActivity makes an Activity over a store.
func NewActivity(s store.Store, now func() time.Time) *Activity {
	return &Activity{store: s, now: now, pending: make(map[string]time.Time), recent: make(map[string]time.Time)}
}

// Touch notes that something was active at a time.
func (a *Activity) Touch(name string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at.After(a.pending[name]) {
		a.pending[name] = at
		a.know(name, at)
	}
}

// know notes that something was active at a time or later. The caller has mu.
func (a *Activity) know(name string, at time.Time) {
	if !at.After(a.recent[name]) {
		return
	}
	if len(a.recent) >= maxRecent {
		a.recent, a.older = make(map[string]time.Time), a.recent
	}
	a.recent[name] = at
}

// Since says whether it is known without reading the store that something was
// active at a time or later. That it is not known means nothing.
func (a *Activity) Since(name string, at time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.recent[name].Before(at) || !a.older[name].Before(at)
}

// Last says when something was last active; zero if never.
func (a *Activity) Last(r store.Reader, name string) (time.Time, error) {
	stored, _, err := activities.Find(r, name)
	if err != nil {
		return time.Time{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	last := stored.At
	if pending := a.pending[name]; pending.After(last) {
		last = pending.UTC()
	}
	a.know(name, last)
	return last, nil
}

// Set writes a time at once, inside a transaction, if it is later than the
// stored one.
func (a *Activity) Set(w store.Writer, name string, at time.Time) error {
	stored, err := activities.Item(w, name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err == nil && !at.After(stored.Value.At) {
		return nil
	}
	return activities.Put(w, name, moment{at.UTC()}, stored.Expires)
}

// begin makes the record of something that has never been active and ends at a
// time, inside a transaction.
func (a *Activity) begin(w store.Writer, name string, expires time.Time) error {
	return activities.Put(w, name, moment{}, expires)
}

// setExisting is Set for what exists.
func (a *Activity) setExisting(w store.Writer, name string, at time.Time) error {
	exists, err := exists(w, name)
	if err != nil || !exists {
		return err
	}
	return a.Set(w, name, at)
}

// exists says whether what an activity names is there. Users and services have
// a record of their own; tokens and servers get that of their activity when
// they are made.
func exists(r store.Reader, name string) (found bool, err error) {
	key := activities.Key(name)
	switch kind, id, _ := strings.Cut(name, "/"); kind {
	case "user":
		key = users.Key(id)
	case "service":
		key = services.Key(id)
	}
	_, err = r.Get(key)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Flush writes what was touched. What could not be written stays for later.
func (a *Activity) Flush(ctx context.Context) error {
	for {
		batch := a.take()
		if len(batch) == 0 {
			return nil
		}
		err := a.store.Update(ctx, func(w store.Writer) error {
			if err := prefetch(w, batch); err != nil {
				return err
			}
			for name, at := range batch {
				if err := a.setExisting(w, name, at); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			for name, at := range batch {
				a.Touch(name, at)
			}
			return err
		}
	}
}

// prefetch reads at once what the writing of a batch will ask for one by one.
func prefetch(w store.Writer, batch map[string]time.Time) error {
	keys := make([]store.Key, 0, 2*len(batch))
	for name := range batch {
		keys = append(keys, activities.Key(name))
		switch kind, id, _ := strings.Cut(name, "/"); kind {
		case "user":
			keys = append(keys, users.Key(id))
		case "service":
			keys = append(keys, services.Key(id))
		}
	}
	_, err := store.GetSeveral(w, keys)
	return err
}

// Run flushes every FlushInterval until the context ends, and once more then.
func (a *Activity) Run(ctx context.Context, failed func(error)) {
	ticker := time.NewTicker(FlushInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := a.Flush(ctx); err != nil {
				failed(err)
			}
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			if err := a.Flush(last); err != nil {
				failed(err)
			}
			return
		}
	}
}

// take removes a batch from what is pending.
func (a *Activity) take() map[string]time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	batch := make(map[string]time.Time, min(len(a.pending), flushBatch))
	for name, at := range a.pending {
		batch[name] = at
		delete(a.pending, name)
		if len(batch) == flushBatch {
			break
		}
	}
	return batch
}

// Delete forgets an activity, inside a transaction.
func (a *Activity) Delete(w store.Writer, name string) error {
	a.mu.Lock()
	delete(a.pending, name)
	delete(a.recent, name)
	delete(a.older, name)
	a.mu.Unlock()
	return activities.Delete(w, name)
}
