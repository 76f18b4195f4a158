package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/internal/overlay"
)

var (
	// recordBucket holds kind, a zero byte, id -> header, value. Its sequence
	// is the version of the last commit.
	recordBucket = []byte("records")
	// expiryBucket holds expiry, record key -> nothing, for the sweeper.
	expiryBucket = []byte("expiry")
)

// headerSize is the length of version and expiry in front of every value, both
// 64 bit, big-endian.
const headerSize = 16

var errDamaged = errors.New("store: record without a header: the file is damaged")

var errEnded = errors.New("store: reader used after its transaction")

// reader implements store.Reader and store.Positioned in a bbolt transaction.
type reader struct {
	ctx     context.Context
	now     time.Time
	records *bbolt.Bucket
	version uint64
}

func newReader(ctx context.Context, tx *bbolt.Tx, now time.Time) *reader {
	records := tx.Bucket(recordBucket)
	return &reader{ctx: ctx, now: now, records: records, version: records.Sequence()}
}

// end makes the reader fail from now on instead of reading freed memory.
func (r *reader) end() { r.records = nil }

// Position implements store.Positioned.
func (r *reader) Position() uint64 { return r.version }

// Get implements store.Reader.
func (r *reader) Get(key store.Key) (store.Record, error) {
	if err := r.check(); err != nil {
		return store.Record{}, err
	}
	if err := key.Validate(); err != nil {
		return store.Record{}, err
	}
	stored := r.records.Get(recordKey(key))
	if stored == nil {
		return store.Record{}, store.ErrNotFound
	}
	return r.record(key, stored)
}

// List implements store.Reader.
func (r *reader) List(kind string, page store.Page) ([]store.Record, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if err := errors.Join(store.ValidateKind(kind), page.Validate()); err != nil {
		return nil, err
	}
	var records []store.Record
	prefix := recordKey(store.Key{Kind: kind, ID: page.Prefix})
	start := recordKey(store.Key{Kind: kind, ID: max(page.Prefix, page.After)})
	cursor := r.records.Cursor()
	key, stored := cursor.Seek(start)
	if page.After != "" && bytes.Equal(key, recordKey(store.Key{Kind: kind, ID: page.After})) {
		key, stored = cursor.Next()
	}
	for ; len(records) < page.Size() && bytes.HasPrefix(key, prefix); key, stored = cursor.Next() {
		id := string(key[len(kind)+1:])
		record, err := r.record(store.Key{Kind: kind, ID: id}, stored)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

func (r *reader) check() error {
	if r.records == nil {
		return errEnded
	}
	return overlay.ContextError(r.ctx)
}

// record copies what is stored, because bbolt's memory ends with the transaction.
func (r *reader) record(key store.Key, stored []byte) (store.Record, error) {
	version, expires, value, err := split(stored)
	if err != nil {
		return store.Record{}, err
	}
	if overlay.Expired(expires, r.now) {
		return store.Record{}, store.ErrNotFound
	}
	return store.Record{Key: key, Value: slices.Clone(value), Version: version, Expires: overlay.Time(expires)}, nil
}

func recordKey(key store.Key) []byte {
	encoded := make([]byte, 0, len(key.Kind)+1+len(key.ID))
	encoded = append(encoded, key.Kind...)
	encoded = append(encoded, 0)
	return append(encoded, key.ID...)
}

func parseKey(encoded []byte) store.Key {
	kind, id, _ := bytes.Cut(encoded, []byte{0})
	return store.Key{Kind: string(kind), ID: string(id)}
}

func expiryKey(expires int64, record []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(expires)), record...)
}

func join(version uint64, expires int64, value []byte) []byte {
	stored := make([]byte, 0, headerSize+len(value))
	stored = binary.BigEndian.AppendUint64(stored, version)
	stored = binary.BigEndian.AppendUint64(stored, uint64(expires))
	return append(stored, value...)
}

func split(stored []byte) (version uint64, expires int64, value []byte, err error) {
	if len(stored) < headerSize {
		return 0, 0, nil, errDamaged
	}
	version = binary.BigEndian.Uint64(stored)
	expires = int64(binary.BigEndian.Uint64(stored[8:]))
	return version, expires, stored[headerSize:], nil
}
