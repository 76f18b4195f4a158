package identity

import (
	"context"
	"errors"
	"iter"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Activity is when users, tokens and servers were last active. Times move
// forward only. Touch costs no I/O: it is remembered and written in batches, so
// that a busy hub writes once per interval and not once per request. Readers on
// this node see it at once and from then on, whatever state of the store they
// read. What a node has not yet written it loses when it dies; readers on other
// nodes see it one interval late. What was touched and then deleted does not
// come back.
type Activity struct {
	store store.Store
	now   func() time.Time

	mu sync.Mutex
	// pending is what is not known to be written, so also what is being written.
	pending map[string]time.Time
	// written is what was written since a time, and before what was written in
	// the interval before that: whoever reads a state of the store from before
	// the writing finds it here.
	written, before map[string]time.Time
	since           time.Time
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

// InteractionWithServer names what people do with a user's server: when they last
// did something there, and not only their pages. It is there as long as
// ActivityOfServer is, and never of its own accord.
func InteractionWithServer(user, server string) string {
	return store.Join("interaction", user, server)
}

// NewActivity makes an Activity over a store.
func NewActivity(s store.Store, now func() time.Time) *Activity {
	return &Activity{
		store: s, now: now, since: now(),
		pending: make(map[string]time.Time), written: make(map[string]time.Time), recent: make(map[string]time.Time),
	}
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
	last := a.latest(name, stored.At)
	a.know(name, last)
	return last, nil
}

// latest is the latest of a stored time and those of this node. The caller has
// mu.
func (a *Activity) latest(name string, stored time.Time) time.Time {
	last := stored
	for _, at := range [...]time.Time{a.pending[name], a.written[name], a.before[name]} {
		if at.After(last) {
			last = at.UTC()
		}
	}
	return last
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

// subjectKey is the record that is there as long as what an activity names is.
// Users and services have one of their own; tokens and servers get that of their
// activity when they are made.
func subjectKey(name string) store.Key {
	switch kind, id, _ := strings.Cut(name, "/"); kind {
	case "user":
		return users.Key(id)
	case "service":
		return services.Key(id)
	case "interaction":
		return activities.Key("server/" + id)
	}
	return activities.Key(name)
}

// exists says whether what an activity names is there.
func exists(r store.Reader, name string) (found bool, err error) {
	_, err = r.Get(subjectKey(name))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Flush writes what was touched. What could not be written stays for later.
func (a *Activity) Flush(ctx context.Context) error {
	for batch := range a.batches() {
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
			return err
		}
		a.wrote(batch)
	}
	return nil
}

// prefetch reads at once what the writing of a batch will ask for one by one.
func prefetch(w store.Writer, batch map[string]time.Time) error {
	keys := make([]store.Key, 0, 2*len(batch))
	for name := range batch {
		keys = append(keys, activities.Key(name))
		if subject := subjectKey(name); subject != activities.Key(name) {
			keys = append(keys, subject)
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

// batches are what is pending now, in parts of flushBatch.
func (a *Activity) batches() iter.Seq[map[string]time.Time] {
	a.mu.Lock()
	todo := maps.Clone(a.pending)
	if now := a.now(); now.Sub(a.since) >= FlushInterval {
		a.written, a.before, a.since = make(map[string]time.Time), a.written, now
	}
	a.mu.Unlock()
	return func(yield func(map[string]time.Time) bool) {
		batch := make(map[string]time.Time, min(len(todo), flushBatch))
		for name, at := range todo {
			batch[name] = at
			if len(batch) == flushBatch {
				if !yield(batch) {
					return
				}
				clear(batch)
			}
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}

// wrote notes that a batch is written, but for what was deleted or touched once
// more meanwhile.
func (a *Activity) wrote(batch map[string]time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, at := range batch {
		if a.pending[name].Equal(at) {
			delete(a.pending, name)
			a.written[name] = at
		}
	}
}

// Delete forgets an activity, inside a transaction.
func (a *Activity) Delete(w store.Writer, name string) error {
	a.mu.Lock()
	for _, noted := range [...]map[string]time.Time{a.pending, a.written, a.before, a.recent, a.older} {
		delete(noted, name)
	}
	a.mu.Unlock()
	return activities.Delete(w, name)
}
