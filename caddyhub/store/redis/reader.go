package redis

import (
	"context"
	"crypto/sha1" // of ids, to compare two lists of them; hides nothing
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/internal/overlay"
)

// headerSize is the length of version and expiry in front of every value, both
// as 16 hex digits.
const headerSize = 32

var (
	errEnded   = errors.New("store: reader used after its transaction")
	errDamaged = errors.New("record without a header")
	// errChanged ends a run whose reads do not belong to one state.
	errChanged = errors.New("store: records have changed during the transaction")
)

// seen is what a transaction has read of one record: what was stored, or
// nothing, expired or not.
type seen struct {
	record  store.Record
	version string // as stored, empty when absent
	exists  bool   // stored and not expired
}

// listed is a range of ids that a transaction has read.
type listed struct {
	kind, lowest, highest string
	limit                 int
	members, hash         string
}

// reader implements store.Reader and store.Positioned for one run of a
// transaction, and keeps in mind what the run has read.
type reader struct {
	store    *Store
	ctx      context.Context
	now      time.Time
	records  map[string]seen
	lists    []listed
	position uint64
	moved    bool // reads saw different versions of the store
	changed  bool // reads contradict each other
	ended    bool
}

func (s *Store) newReader(ctx context.Context) *reader {
	return &reader{store: s, ctx: ctx, now: s.now(), records: make(map[string]seen)}
}

// Position implements store.Positioned: the version that the last read saw.
func (r *reader) Position() uint64 { return r.position }

// Get implements store.Reader.
func (r *reader) Get(key store.Key) (store.Record, error) {
	if err := errors.Join(r.check(), key.Validate()); err != nil {
		return store.Record{}, err
	}
	name := key.Kind + ":" + key.ID
	if before, again := r.records[name]; again {
		return before.found()
	}
	answer, err := r.store.call(r.ctx, getScript, name)
	if err != nil {
		return store.Record{}, err
	}
	if len(answer) == 0 {
		return store.Record{}, fmt.Errorf("%w: %w", store.ErrUnavailable, errAnswer)
	}
	if err := r.at(answer); err != nil {
		return store.Record{}, err
	}
	var stored any
	if len(answer) > 1 {
		stored = answer[1]
	}
	found, err := r.take(key, stored)
	if err != nil {
		return store.Record{}, err
	}
	return found.found()
}

// List implements store.Reader.
func (r *reader) List(kind string, page store.Page) ([]store.Record, error) {
	if err := errors.Join(r.check(), store.ValidateKind(kind), page.Validate()); err != nil {
		return nil, err
	}
	var records []store.Record
	for {
		limit := page.Size() - len(records)
		found, err := r.list(kind, page, limit)
		if err != nil {
			return nil, err
		}
		for _, one := range found {
			if one.exists {
				records = append(records, one.record)
			}
		}
		if len(found) < limit || len(records) == page.Size() {
			return records, nil
		}
		page.After = found[len(found)-1].record.Key.ID
	}
}

// list reads one range of ids, expired records included.
func (r *reader) list(kind string, page store.Page, limit int) ([]seen, error) {
	lowest, highest := bounds(page)
	answer, err := r.store.call(r.ctx, listScript, kind, lowest, highest, limit)
	if err != nil {
		return nil, err
	}
	if err := r.at(answer); err != nil {
		return nil, err
	}
	members, err := text(answer, 1)
	if err != nil {
		return nil, err
	}
	hash := sha1.New()
	found := make([]seen, 0, len(answer)/2)
	for i := 2; i+1 < len(answer); i += 2 {
		id, err := text(answer, i)
		if err != nil {
			return nil, err
		}
		_, _ = io.WriteString(hash, strconv.Itoa(len(id))+":"+id) // a hash takes everything
		one, err := r.take(store.Key{Kind: kind, ID: id}, answer[i+1])
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	r.lists = append(r.lists, listed{
		kind: kind, lowest: lowest, highest: highest, limit: limit,
		members: members, hash: hex.EncodeToString(hash.Sum(nil)),
	})
	return found, nil
}

func (r *reader) check() error {
	if r.ended {
		return errEnded
	}
	if r.changed {
		return errChanged
	}
	return nil
}

// at notes the version of the store that an answer begins with.
func (r *reader) at(answer []any) error {
	version, err := text(answer, 0)
	if err != nil {
		return err
	}
	position, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, errAnswer)
	}
	r.moved = r.moved || r.position != 0 && r.position != position
	r.position = position
	return nil
}

// take notes what was read of a record. A record that was read before must be
// the same again.
func (r *reader) take(key store.Key, stored any) (seen, error) {
	found := seen{record: store.Record{Key: key}}
	if text, ok := stored.(string); ok {
		version, expires, value, err := split(text)
		if err != nil {
			return found, fmt.Errorf("%w: %s %q: %w", store.ErrType, key.Kind, key.ID, err)
		}
		found.version = text[:16]
		found.exists = !overlay.Expired(expires, r.now)
		found.record.Version, found.record.Value, found.record.Expires = version, value, overlay.Time(expires)
	}
	name := key.Kind + ":" + key.ID
	if before, again := r.records[name]; again && before.version != found.version {
		r.changed = true
		return found, errChanged
	}
	r.records[name] = found
	return found, nil
}

func (s seen) found() (store.Record, error) {
	if !s.exists {
		return store.Record{}, store.ErrNotFound
	}
	return s.record, nil
}

func split(stored string) (version uint64, expires int64, value []byte, err error) {
	if len(stored) < headerSize {
		return 0, 0, nil, errDamaged
	}
	version, errVersion := strconv.ParseUint(stored[:16], 16, 64)
	expires, errExpires := strconv.ParseInt(stored[16:headerSize], 16, 64)
	if errVersion != nil || errExpires != nil {
		return 0, 0, nil, errDamaged
	}
	return version, expires, []byte(stored[headerSize:]), nil
}

// bounds are the lowest and highest id of a page in the words of ZRANGE BYLEX.
func bounds(page store.Page) (lowest, highest string) {
	lowest, highest = "-", "+"
	switch {
	case page.After != "" && page.After >= page.Prefix:
		lowest = "(" + page.After
	case page.Prefix != "":
		lowest = "[" + page.Prefix
	}
	// The first id behind all with the prefix: its last byte, counted up.
	last := len(page.Prefix) - 1
	for last >= 0 && page.Prefix[last] == 0xff {
		last--
	}
	if last >= 0 {
		highest = "(" + page.Prefix[:last] + string([]byte{page.Prefix[last] + 1})
	}
	return lowest, highest
}
