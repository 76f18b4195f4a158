package embedded

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/internal/overlay"
)

// sweepBatch is how many expired records one transaction removes, so that
// Updates in between do not wait long when very many expire at once.
const sweepBatch = 256

// sweepAlways removes expired records until ctx ends.
func (s *Store) sweepAlways(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for {
			due, err := s.due()
			if err == nil && len(due) > 0 {
				err = s.sweep(ctx, due)
			}
			if err != nil && ctx.Err() == nil {
				s.logger.Error("removing expired records failed", "error", err)
			}
			if err != nil || len(due) < sweepBatch {
				break
			}
		}
	}
}

// due are the keys of records that have expired, the oldest first.
func (s *Store) due() ([]store.Key, error) {
	tx, err := s.begin(false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // of a read transaction, cannot fail
	now := s.now()
	var keys []store.Key
	cursor := tx.Bucket(expiryBucket).Cursor()
	for entry, _ := cursor.First(); len(entry) > 8 && len(keys) < sweepBatch; entry, _ = cursor.Next() {
		if !overlay.Expired(int64(binary.BigEndian.Uint64(entry)), now) {
			break
		}
		keys = append(keys, parseKey(entry[8:]))
	}
	return keys, nil
}

// sweep deletes those of the records that are still expired.
func (s *Store) sweep(ctx context.Context, keys []store.Key) error {
	return s.Update(ctx, func(w store.Writer) error {
		for _, key := range keys {
			_, err := w.Get(key)
			if err == nil {
				continue // written again in the meantime
			}
			if !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if err := w.Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
}
