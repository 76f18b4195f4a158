package cached

import (
	"errors"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/internal/overlay"
)

// errElsewhere ends a run over memory that needs the store below.
var errElsewhere = errors.New("store: not in memory")

// memoryReader answers a View from memory. As soon as it cannot, the run is
// void and the View runs again over the store below.
type memoryReader struct {
	store  *Store
	now    time.Time
	reads  int
	at     uint64 // the version of the store that the View reads
	joined bool   // the first record is known to be part of that version
	failed bool
	// validity, unless nil, collects what the outcome rests on.
	validity *validity
}

// Get implements store.Reader.
func (r *memoryReader) Get(key store.Key) (store.Record, error) {
	if err := key.Validate(); err != nil {
		return store.Record{}, err
	}
	if r.failed {
		return store.Record{}, errElsewhere
	}
	e, found := r.look(key)
	if !found {
		r.failed = true
		return store.Record{}, errElsewhere
	}
	if r.validity != nil {
		r.validity.rest(e)
	}
	if e.absent || overlay.Expired(overlay.Milliseconds(e.record.Expires), r.now) {
		return store.Record{}, store.ErrNotFound
	}
	return e.record, nil
}

// look finds an entry that goes together with those before. What is in memory
// has not changed since its version up to the position of the feed, so all
// entries that are not younger than the position at the first read belong to
// the state at that position. One alone is always a state.
func (r *memoryReader) look(key store.Key) (entry, bool) {
	s := r.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.trusted(r.now) {
		return entry{}, false
	}
	e, found := s.records.get(key)
	if !found {
		return entry{}, false
	}
	r.reads++
	if r.reads == 1 {
		r.at = s.position
		r.joined = e.since <= r.at
		return e, true
	}
	return e, r.joined && e.since <= r.at
}

// List implements store.Reader.
func (r *memoryReader) List(kind string, page store.Page) ([]store.Record, error) {
	if err := errors.Join(store.ValidateKind(kind), page.Validate()); err != nil {
		return nil, err
	}
	r.failed = true
	return nil, errElsewhere
}

// fill collects what one View reads from the store below. Changes that arrive
// in the meantime spoil the records they concern.
type fill struct {
	entries []entry
	spoiled map[store.Key]struct{} // Store.mu guards it and all
	all     bool
}

func (f *fill) restart() { f.entries = f.entries[:0] }

// fillingReader reads from the store below and notes single records.
type fillingReader struct {
	under store.Reader
	fill  *fill
}

// Get implements store.Reader.
func (r *fillingReader) Get(key store.Key) (store.Record, error) {
	record, err := r.under.Get(key)
	switch {
	case err == nil:
		r.fill.entries = append(r.fill.entries, entry{record: record, since: record.Version})
	case errors.Is(err, store.ErrNotFound):
		absent := entry{record: store.Record{Key: key}, absent: true, since: ^uint64(0)}
		if positioned, ok := r.under.(store.Positioned); ok {
			absent.since = positioned.Position()
		}
		r.fill.entries = append(r.fill.entries, absent)
	}
	return record, err
}

// List implements store.Reader.
func (r *fillingReader) List(kind string, page store.Page) ([]store.Record, error) {
	return r.under.List(kind, page)
}

// GetSeveral implements store.SeveralReader: what is read in bulk is not hot and
// would only drive out what is.
func (r *memoryReader) GetSeveral(keys []store.Key) ([]store.Record, error) {
	for _, key := range keys {
		if err := key.Validate(); err != nil {
			return nil, err
		}
	}
	r.failed = true
	return nil, errElsewhere
}

// GetSeveral implements store.SeveralReader.
func (r *fillingReader) GetSeveral(keys []store.Key) ([]store.Record, error) {
	return store.GetSeveral(r.under, keys)
}

func (s *Store) beginFill() *fill {
	f := &fill{spoiled: make(map[store.Key]struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.all = !s.followed
	s.fills[f] = struct{}{}
	return f
}

func (s *Store) dropFill(f *fill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.fills, f)
}

// finishFill takes over what is still true.
func (s *Store) finishFill(f *fill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.all {
		return
	}
	for _, e := range f.entries {
		if _, spoiled := f.spoiled[e.record.Key]; !spoiled {
			s.records.put(e)
		}
	}
}

// notingWriter notes which records an Update may have written.
type notingWriter struct {
	store.Writer
	written map[store.Key]struct{}
}

// GetSeveral implements store.SeveralReader.
func (w *notingWriter) GetSeveral(keys []store.Key) ([]store.Record, error) {
	return store.GetSeveral(w.Writer, keys)
}

// Put implements store.Writer.
func (w *notingWriter) Put(key store.Key, value []byte, expires time.Time) error {
	w.written[key] = struct{}{}
	return w.Writer.Put(key, value, expires)
}

// Delete implements store.Writer.
func (w *notingWriter) Delete(key store.Key) error {
	w.written[key] = struct{}{}
	return w.Writer.Delete(key)
}
