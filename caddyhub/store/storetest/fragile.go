package storetest

import (
	"context"
	"sync/atomic"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Fragile is a store that can go away: while Away is true, View and Update fail with
// store.ErrUnavailable and do nothing.
type Fragile struct {
	store.Store
	// Away may be changed at any time.
	Away atomic.Bool
}

// View reads, unless the store is away.
func (f *Fragile) View(ctx context.Context, read func(store.Reader) error) error {
	if f.Away.Load() {
		return store.ErrUnavailable
	}
	return f.Store.View(ctx, read)
}

// Update writes, unless the store is away.
func (f *Fragile) Update(ctx context.Context, write func(store.Writer) error) error {
	if f.Away.Load() {
		return store.ErrUnavailable
	}
	return f.Store.Update(ctx, write)
}
