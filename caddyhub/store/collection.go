package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Collection reads and writes the records of one kind as values of type T.
// Every record carries its kind in the key and again in the value, so that no
// path leads from a record of one type to a value of another (ErrType).
type Collection[T any] struct {
	// Kind of the records, also their type's name in the store.
	Kind string
}

// Item is a value with what the store knows about it.
type Item[T any] struct {
	ID      string
	Value   T
	Version uint64
	Expires time.Time
}

// envelope is how a value stands in the store.
type envelope struct {
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"`
}

// Key of the record with this id.
func (c Collection[T]) Key(id string) Key { return Key{Kind: c.Kind, ID: id} }

// Get returns the value with this id, or ErrNotFound.
func (c Collection[T]) Get(r Reader, id string) (T, error) {
	item, err := c.Item(r, id)
	return item.Value, err
}

// Find is Get for values that may be missing: found is false and err nil then.
func (c Collection[T]) Find(r Reader, id string) (value T, found bool, err error) {
	value, err = c.Get(r, id)
	if errors.Is(err, ErrNotFound) {
		return value, false, nil
	}
	return value, err == nil, err
}

// Item returns the value with its version and expiry, or ErrNotFound.
func (c Collection[T]) Item(r Reader, id string) (Item[T], error) {
	record, err := r.Get(c.Key(id))
	if err != nil {
		return Item[T]{}, err
	}
	return c.open(record)
}

// List returns a page of values in the byte order of their ids.
func (c Collection[T]) List(r Reader, page Page) ([]Item[T], error) {
	records, err := r.List(c.Kind, page)
	if err != nil {
		return nil, err
	}
	items := make([]Item[T], len(records))
	for i, record := range records {
		if items[i], err = c.open(record); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// Each calls use with every value under a prefix, page by page, and stops at
// the first error. Inside an Update it makes every one of them part of the
// transaction: use it there for short lists only.
func (c Collection[T]) Each(r Reader, prefix string, use func(Item[T]) error) error {
	page := Page{Prefix: prefix}
	for {
		items, err := c.List(r, page)
		if err != nil {
			return err
		}
		for _, item := range items {
			if err := use(item); err != nil {
				return err
			}
		}
		if len(items) < MaxPage {
			return nil
		}
		page.After = items[len(items)-1].ID
	}
}

// Put creates or replaces a value. A zero expires means that it stays.
func (c Collection[T]) Put(w Writer, id string, value T, expires time.Time) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("%w: encode %s: %w", ErrInvalid, c.Kind, err)
	}
	if err := ValidateKind(c.Kind); err != nil {
		return err
	}
	return w.Put(c.Key(id), slices.Concat(c.opening(), data, []byte("}")), expires)
}

// Delete removes a value; that it is absent is not an error.
func (c Collection[T]) Delete(w Writer, id string) error {
	return w.Delete(c.Key(id))
}

// opening is what stands before the data in an envelope that Put has written. There
// is nothing to escape in a kind.
func (c Collection[T]) opening() []byte { return []byte(`{"kind":"` + c.Kind + `","data":`) }

func (c Collection[T]) open(record Record) (Item[T], error) {
	item := Item[T]{ID: record.Key.ID, Version: record.Version, Expires: record.Expires}
	// As Put writes it, so that it is read once and not twice.
	data, opened := bytes.CutPrefix(record.Value, c.opening())
	data, closed := bytes.CutSuffix(data, []byte("}"))
	if read := item; opened && closed && record.Key.Kind == c.Kind && json.Unmarshal(data, &read.Value) == nil {
		return read, nil
	}
	var outer envelope
	if err := json.Unmarshal(record.Value, &outer); err != nil {
		return item, fmt.Errorf("%w: %s %q: %w", ErrType, c.Kind, record.Key.ID, err)
	}
	if outer.Kind != c.Kind || record.Key.Kind != c.Kind {
		return item, fmt.Errorf("%w: %s %q is a %q", ErrType, c.Kind, record.Key.ID, outer.Kind)
	}
	if err := json.Unmarshal(outer.Data, &item.Value); err != nil {
		// What was decoded before the error must not be taken for a value.
		return Item[T]{ID: item.ID}, fmt.Errorf("%w: %s %q: %w", ErrType, c.Kind, record.Key.ID, err)
	}
	return item, nil
}
