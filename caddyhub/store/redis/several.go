package redis

import (
	"errors"
	"fmt"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// severalAtOnce bounds how long one script keeps the server from others.
const severalAtOnce = 500

// GetSeveral implements store.SeveralReader.
func (r *reader) GetSeveral(keys []store.Key) ([]store.Record, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	var unread []store.Key
	for _, key := range keys {
		if err := key.Validate(); err != nil {
			return nil, err
		}
		if _, again := r.records[key.Kind+":"+key.ID]; !again {
			unread = append(unread, key)
		}
	}
	for len(unread) > 0 {
		part := unread[:min(len(unread), severalAtOnce)]
		if err := r.getPart(part); err != nil {
			return nil, err
		}
		unread = unread[len(part):]
	}
	records := make([]store.Record, len(keys))
	for i, key := range keys {
		record, err := r.records[key.Kind+":"+key.ID].found()
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		records[i] = record
	}
	return records, nil
}

func (r *reader) getPart(keys []store.Key) error {
	names := make([]any, len(keys))
	for i, key := range keys {
		names[i] = key.Kind + ":" + key.ID
	}
	answer, err := r.store.call(r.ctx, getScript, names...)
	if err != nil {
		return err
	}
	if len(answer) == 0 || len(answer) > len(keys)+1 {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, errAnswer)
	}
	if err := r.at(answer); err != nil {
		return err
	}
	for i, key := range keys {
		var stored any
		if i+1 < len(answer) {
			stored = answer[i+1]
		}
		if _, err := r.take(key, stored); err != nil {
			return err
		}
	}
	return nil
}
