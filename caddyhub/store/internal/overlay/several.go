package overlay

import (
	"errors"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// GetSeveral implements store.SeveralReader: it reads the state below at once,
// and then what was written over it.
func (w *Writer) GetSeveral(keys []store.Key) ([]store.Record, error) {
	records, err := store.GetSeveral(w.under, keys)
	if err != nil {
		return nil, err
	}
	for i, key := range keys {
		if _, written := w.writes[key]; !written {
			continue
		}
		record, err := w.Get(key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		records[i] = record
	}
	return records, nil
}
