package route

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// memory is a store whose failures a test decides about.
type memory struct {
	mu      sync.Mutex
	records map[store.Key]store.Record
	version uint64
	feeds   []*memoryFeed
	down    bool
	views   int
}

func newMemory() *memory { return &memory{records: map[store.Key]store.Record{}} }

func (m *memory) setDown(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

// position counts the changes.
func (m *memory) position() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.version
}

// lose makes all feeds forget what they have not delivered.
func (m *memory) lose() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, feed := range m.feeds {
		feed.pending, feed.missed = nil, true
	}
}

func (m *memory) View(_ context.Context, read func(store.Reader) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return store.ErrUnavailable
	}
	m.views++
	return read(memoryTx{m})
}

func (m *memory) Update(_ context.Context, write func(store.Writer) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return store.ErrUnavailable
	}
	return write(memoryTx{m})
}

func (m *memory) Follow(context.Context) (store.Feed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return nil, store.ErrUnavailable
	}
	feed := &memoryFeed{store: m}
	m.feeds = append(m.feeds, feed)
	return feed, nil
}

func (m *memory) Close() error { return nil }

type memoryFeed struct {
	store   *memory
	pending []store.Change
	missed  bool
}

// Next polls; under synctest that costs nothing.
func (f *memoryFeed) Next(ctx context.Context) (store.Batch, error) {
	select {
	case <-time.After(10 * time.Millisecond):
	case <-ctx.Done():
		return store.Batch{}, ctx.Err()
	}
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	if f.store.down {
		return store.Batch{}, store.ErrUnavailable
	}
	batch := store.Batch{Missed: f.missed, Changes: f.pending}
	f.pending, f.missed = nil, false
	return batch, nil
}

func (f *memoryFeed) Close() error {
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	f.store.feeds = slices.DeleteFunc(f.store.feeds, func(other *memoryFeed) bool { return other == f })
	return nil
}

type memoryTx struct{ *memory }

func (t memoryTx) Get(key store.Key) (store.Record, error) {
	record, ok := t.records[key]
	if !ok {
		return record, store.ErrNotFound
	}
	return record, nil
}

func (t memoryTx) List(kind string, page store.Page) ([]store.Record, error) {
	var found []store.Record
	for key, record := range t.records {
		if key.Kind == kind && strings.HasPrefix(key.ID, page.Prefix) && key.ID > page.After {
			found = append(found, record)
		}
	}
	slices.SortFunc(found, func(a, b store.Record) int { return strings.Compare(a.Key.ID, b.Key.ID) })
	return found[:min(len(found), store.MaxPage)], nil
}

func (t memoryTx) Put(key store.Key, value []byte, expires time.Time) error {
	t.version++
	t.records[key] = store.Record{Key: key, Value: value, Version: t.version, Expires: expires}
	t.tell(store.Change{Key: key, Version: t.version})
	return nil
}

func (t memoryTx) Delete(key store.Key) error {
	t.version++
	delete(t.records, key)
	t.tell(store.Change{Key: key, Deleted: true, Version: t.version})
	return nil
}

func (t memoryTx) tell(change store.Change) {
	for _, feed := range t.feeds {
		feed.pending = append(feed.pending, change)
	}
}
