package store

import (
	"errors"
	"fmt"
)

// SeveralReader is what a Reader may offer beside: many records in one round
// trip. GetSeveral uses it.
type SeveralReader interface {
	// GetSeveral returns a record for every key, in the same order; one that
	// does not exist, or has expired, is the zero Record.
	GetSeveral(keys []Key) ([]Record, error)
}

// GetSeveral reads many records, at once where the reader can. The answer has a
// record for every key, in the same order; one that does not exist is the zero
// Record. A later Get of the same key in the same transaction costs no further
// round trip.
func GetSeveral(r Reader, keys []Key) ([]Record, error) {
	if several, can := r.(SeveralReader); can {
		return several.GetSeveral(keys)
	}
	records := make([]Record, len(keys))
	for i, key := range keys {
		record, err := r.Get(key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if err == nil {
			records[i] = record
		}
	}
	return records, nil
}

// Open is the value of a record that was read as one of many; found is false
// for the zero Record.
func (c Collection[T]) Open(record Record) (item Item[T], found bool, err error) {
	if record.Key == (Key{}) {
		return item, false, nil
	}
	if record.Key.Kind != c.Kind {
		return item, false, fmt.Errorf("%w: %q is a %q", ErrType, record.Key.ID, record.Key.Kind)
	}
	item, err = c.open(record)
	return item, err == nil, err
}
