// Package overlay keeps the writes of a running transaction in memory, in front
// of the state it reads. A closure that fails or panics has touched nothing
// then, and reads see the writes before them.
package overlay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Write is what a transaction wants of one record.
type Write struct {
	Key     store.Key
	Value   []byte
	Deleted bool
	// Expires in Unix milliseconds, zero for never.
	Expires int64
}

// Writer is a store.Writer over a store.Reader. One goroutine uses it.
type Writer struct {
	under  store.Reader
	now    time.Time
	writes map[store.Key]Write
	order  []store.Key
}

// New returns a Writer over under, in which records expire as of now.
func New(under store.Reader, now time.Time) *Writer {
	return &Writer{under: under, now: now, writes: make(map[store.Key]Write)}
}

// Writes are the last writes of every record, in the order of its first one.
func (w *Writer) Writes() []Write {
	writes := make([]Write, len(w.order))
	for i, key := range w.order {
		writes[i] = w.writes[key]
	}
	return writes
}

// Put implements store.Writer.
func (w *Writer) Put(key store.Key, value []byte, expires time.Time) error {
	if err := key.Validate(); err != nil {
		return err
	}
	if len(value) > store.MaxValueLength {
		return fmt.Errorf("%w: a value of kind %q longer than %d bytes", store.ErrInvalid, key.Kind, store.MaxValueLength)
	}
	w.set(Write{Key: key, Value: slices.Clone(value), Expires: Milliseconds(expires)})
	return nil
}

// Delete implements store.Writer.
func (w *Writer) Delete(key store.Key) error {
	if err := key.Validate(); err != nil {
		return err
	}
	w.set(Write{Key: key, Deleted: true})
	return nil
}

func (w *Writer) set(write Write) {
	if _, again := w.writes[write.Key]; !again {
		w.order = append(w.order, write.Key)
	}
	w.writes[write.Key] = write
}

// Get implements store.Reader.
func (w *Writer) Get(key store.Key) (store.Record, error) {
	write, written := w.writes[key]
	if !written {
		return w.under.Get(key)
	}
	if !w.exists(write) {
		return store.Record{}, store.ErrNotFound
	}
	return write.record(), nil
}

// List implements store.Reader: it merges the state below with the writes.
func (w *Writer) List(kind string, page store.Page) ([]store.Record, error) {
	written := w.written(kind, page)
	if len(written) == 0 || page.Validate() != nil {
		return w.under.List(kind, page)
	}
	var merged []store.Record
	below := page
	for {
		records, err := w.under.List(kind, below)
		if err != nil {
			return nil, err
		}
		last := len(records) < below.Size()
		merged, written = w.merge(merged, records, written, last)
		if last || len(merged) >= page.Size() {
			return merged[:min(len(merged), page.Size())], nil
		}
		below.After = records[len(records)-1].Key.ID
	}
}

// merge appends records and those of the written ones that come before the last
// of the records, or all of them at the end. It returns the written ones left.
func (w *Writer) merge(merged, records []store.Record, written []Write, end bool) ([]store.Record, []Write) {
	take := func() {
		if w.exists(written[0]) {
			merged = append(merged, written[0].record())
		}
		written = written[1:]
	}
	for _, record := range records {
		for len(written) > 0 && written[0].Key.ID < record.Key.ID {
			take()
		}
		if len(written) > 0 && written[0].Key.ID == record.Key.ID {
			take()
			continue
		}
		merged = append(merged, record)
	}
	for end && len(written) > 0 {
		take()
	}
	return merged, written
}

// written are the writes within a page, in the order of their ids.
func (w *Writer) written(kind string, page store.Page) []Write {
	var within []Write
	for key, write := range w.writes {
		if key.Kind == kind && key.ID > page.After && strings.HasPrefix(key.ID, page.Prefix) {
			within = append(within, write)
		}
	}
	slices.SortFunc(within, func(a, b Write) int { return strings.Compare(a.Key.ID, b.Key.ID) })
	return within
}

func (w *Writer) exists(write Write) bool {
	return !write.Deleted && !Expired(write.Expires, w.now)
}

func (w Write) record() store.Record {
	return store.Record{Key: w.Key, Value: w.Value, Expires: Time(w.Expires)}
}

// Milliseconds is how stores keep an expiry: Unix milliseconds, zero for never.
func Milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(t.UnixMilli(), 1)
}

// Time is the inverse of Milliseconds, in UTC.
func Time(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Expired reports whether a record with this expiry does not exist at now.
func Expired(ms int64, now time.Time) bool {
	return ms != 0 && now.UnixMilli() >= ms
}

// ContextError is the error of a call whose context has ended: ErrUnavailable
// after a deadline, context.Canceled otherwise; nil while it has not ended.
func ContextError(ctx context.Context) error {
	err := ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}
