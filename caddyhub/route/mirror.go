package route

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// retryPause is how long a Mirror waits before it tries a failed store again: it
// bounds what a dead store costs this node and how late the node recovers.
const retryPause = 200 * time.Millisecond

// maxApplied bounds how many routes a Mirror remembers that the feed need not tell
// it of.
const maxApplied = 10_000

// Mirror keeps a Table equal to the routes of a store. Make one with NewMirror
// and give it a goroutine with Run.
type Mirror struct {
	store  store.Store
	table  *Table
	logger *slog.Logger
	now    func() time.Time
	loaded chan struct{}
	// activities of a Registry; nil if the routes are those of a hub, which notes
	// the activity of servers and not of routes.
	activities *activities
	// reading holds one token: whoever reads the store in order to change the
	// table has it, so that a later read never loses to an earlier one.
	reading chan struct{}
	// applied are the versions of routes that Apply has read and the feed has not
	// told of yet. Whoever has the token uses it.
	applied map[string]uint64

	mu      sync.Mutex
	fresh   bool
	since   time.Time
	touched time.Time
}

// MirrorOptions are what NewMirror may be told.
type MirrorOptions struct {
	// Logger for records that cannot be read and for losing the store. Nil discards.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// NewMirror returns a mirror of the routes in s, with an empty table that is not
// fresh until Run has loaded it.
func NewMirror(s store.Store, options MirrorOptions) *Mirror {
	m := &Mirror{
		store:   s,
		table:   NewTable(),
		logger:  cmp.Or(options.Logger, slog.New(slog.DiscardHandler)),
		now:     options.Now,
		loaded:  make(chan struct{}),
		reading: make(chan struct{}, 1),
		applied: make(map[string]uint64),
	}
	if m.now == nil {
		m.now = time.Now
	}
	m.since = m.now()
	m.touched = m.since
	return m
}

// Table is what the mirror keeps; it is the same for the mirror's whole life.
func (m *Mirror) Table() *Table { return m.table }

// Loaded is closed when the table has been loaded for the first time.
func (m *Mirror) Loaded() <-chan struct{} { return m.loaded }

// Fresh reports whether the mirror is in touch with the store, and since when it
// is or is not. Not fresh since t means: changes after t may be missing here.
func (m *Mirror) Fresh() (fresh bool, since time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fresh, m.since
}

// Apply reads the routes with these specs and shows them, or their absence, in
// the table before it returns. Call it after an own Update has committed, to read
// on this node what it wrote; without it the change feed brings the same shortly.
func (m *Mirror) Apply(ctx context.Context, specs ...Spec) error {
	ids := make([]string, len(specs))
	for i, spec := range specs {
		ids[i] = spec.String()
	}
	return m.locked(ctx, func() error {
		versions, err := m.refresh(ctx, ids)
		if len(m.applied)+len(versions) > maxApplied {
			clear(m.applied) // the feed is late, and reads them once more
		}
		maps.Copy(m.applied, versions)
		return err
	})
}

// catchUp makes the table equal to the store where a batch of the feed says that it
// has changed, and not yet known.
func (m *Mirror) catchUp(ctx context.Context, batch store.Batch) error {
	return m.locked(ctx, func() error {
		var ids []string
		for _, change := range batch.Changes {
			if change.Key.Kind == Kind && !m.isApplied(change) {
				ids = append(ids, change.Key.ID)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		slices.Sort(ids)
		_, err := m.refresh(ctx, slices.Compact(ids))
		return err
	})
}

// isApplied says whether Apply has read what a change says, or something later.
func (m *Mirror) isApplied(change store.Change) bool {
	version, ok := m.applied[change.Key.ID]
	if ok && version <= change.Version {
		delete(m.applied, change.Key.ID)
	}
	return ok && version >= change.Version
}

// Run follows the store until the context ends, whose error it returns, or the
// store is closed (store.ErrClosed). It outlives every other trouble.
func (m *Mirror) Run(ctx context.Context) error {
	defer m.lost("the mirror has stopped", nil)
	for {
		err := m.follow(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, store.ErrClosed) {
			return err
		}
		m.lost("routes may be outdated", err)
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// follow opens a feed, loads, and applies what the feed tells. It returns when
// the feed has to be opened anew.
func (m *Mirror) follow(ctx context.Context) error {
	feed, err := m.store.Follow(ctx)
	if err != nil {
		return err
	}
	defer feed.Close()
	if err := m.load(ctx); err != nil {
		return err
	}
	m.inTouch()
	for {
		batch, err := feed.Next(ctx)
		switch {
		case errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil:
			// The feed reconnects by itself and then says what it missed.
			m.lost("routes may be outdated", err)
			if err := pause(ctx); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		case batch.Missed:
			err = m.load(ctx)
		default:
			err = m.catchUp(ctx, batch)
			if m.activities != nil {
				m.activities.note(batch) // now that their routes are there
			}
		}
		if err != nil {
			// What the batch told is lost with it: only a new load helps.
			return err
		}
		m.inTouch()
	}
}

// load makes the table equal to the store.
func (m *Mirror) load(ctx context.Context) error {
	if err := m.loadRoutes(ctx); err != nil || m.activities == nil {
		return err
	}
	return m.activities.load(ctx)
}

// loadRoutes makes the table equal to the routes of the store. Each page is a
// transaction of its own: what changes meanwhile the feed tells.
func (m *Mirror) loadRoutes(ctx context.Context) error {
	return m.locked(ctx, func() error {
		clear(m.applied)
		return m.table.rebuild(func(add func(*Route)) error {
			for page := (store.Page{}); ; {
				var found []store.Record
				err := m.store.View(ctx, func(r store.Reader) (err error) {
					found, err = r.List(Kind, page)
					return err
				})
				if err != nil {
					return fmt.Errorf("load routes: %w", err)
				}
				for _, record := range found {
					if route, ok := m.decode(record); ok {
						add(&route)
					}
				}
				if len(found) < store.MaxPage {
					return nil
				}
				page.After = found[len(found)-1].Key.ID
			}
		})
	})
}

// refresh makes the table equal to the store at these ids. It returns the versions
// of the records that are there now.
func (m *Mirror) refresh(ctx context.Context, ids []string) (versions map[string]uint64, err error) {
	keys := make([]store.Key, len(ids))
	for i, id := range ids {
		keys[i] = records.Key(id)
	}
	var found []store.Record
	err = m.store.View(ctx, func(r store.Reader) (err error) {
		found, err = store.GetSeveral(r, keys)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read changed routes: %w", err)
	}
	versions = make(map[string]uint64, len(ids))
	for i, id := range ids {
		if found[i].Key != (store.Key{}) {
			versions[id] = found[i].Version
		}
		if route, ok := m.decode(found[i]); ok {
			m.table.Set(route)
		} else if spec, err := ParseSpec(id); err == nil {
			m.table.Remove(spec)
		}
	}
	return versions, nil
}

// decode reads one record, which may be none. A record that is no valid route, or
// stands under another's id, is left out: its path is not served, and all others
// are.
func (m *Mirror) decode(record store.Record) (Route, bool) {
	item, found, err := records.Open(record)
	switch id := record.Key.ID; {
	case err != nil:
		m.logger.Error("route cannot be read", "id", id, "error", err)
	case found && (!item.Value.valid() || item.Value.Spec.String() != id):
		m.logger.Error("route is incomplete or stands under a wrong id", "id", id)
	default:
		return item.Value, found
	}
	return Route{}, false
}

func (m *Mirror) locked(ctx context.Context, work func() error) error {
	select {
	case m.reading <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-m.reading }()
	return work()
}

func (m *Mirror) inTouch() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.touched = m.now()
	if m.fresh {
		return
	}
	m.fresh, m.since = true, m.touched
	select {
	case <-m.loaded:
		m.logger.Info("routes are up to date again")
	default:
		close(m.loaded)
	}
}

// lost notes that the table may be outdated, from the last time on that it
// certainly was not.
func (m *Mirror) lost(message string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.fresh {
		return
	}
	m.fresh, m.since = false, m.touched
	if err != nil {
		m.logger.Warn(message, "error", err)
	}
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(retryPause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
