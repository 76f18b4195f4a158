package route

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// ErrNotForeign says that the hub made a route itself and that nobody else
// changes it: a 409.
var ErrNotForeign = errors.New("route: the hub's own")

// Keeper changes routes for clients of configurable-http-proxy's API. Make one
// with NewKeeper.
type Keeper struct {
	table  *Table
	store  store.Store
	mirror *Mirror
}

// NewKeeper returns a keeper of the routes in a store, which a mirror shows. What
// it has changed is durable, and in the mirror's table, before it returns.
func NewKeeper(s store.Store, m *Mirror) *Keeper {
	return &Keeper{table: m.Table(), store: s, mirror: m}
}

// NewMemoryKeeper returns a keeper of routes that end with the process.
func NewMemoryKeeper() *Keeper { return &Keeper{table: NewTable()} }

// Table is where the routes are.
func (k *Keeper) Table() *Table { return k.table }

// Put adds a foreign route, or replaces the one with its spec. It is ErrInvalid
// for a route that is incomplete and ErrNotForeign where the hub has one.
func (k *Keeper) Put(ctx context.Context, route Route) error {
	if !route.valid() || !route.Foreign() {
		return fmt.Errorf("%w: a route without a routespec, a target or an object, or with too long a name", ErrInvalid)
	}
	if k.store == nil {
		k.table.Set(route)
		return nil
	}
	err := k.store.Update(ctx, func(w store.Writer) error {
		if _, err := changeable(w, route.Spec); err != nil {
			return err
		}
		return Put(w, route)
	})
	if err != nil {
		return err
	}
	return k.mirror.Apply(ctx, route.Spec)
}

// Remove takes a foreign route away and tells whether there was one. It is
// ErrNotForeign where the hub has one.
func (k *Keeper) Remove(ctx context.Context, spec Spec) (found bool, err error) {
	if k.store == nil {
		return k.table.Remove(spec), nil
	}
	err = k.store.Update(ctx, func(w store.Writer) error {
		if found, err = changeable(w, spec); err != nil || !found {
			return err
		}
		if err := moments.Delete(w, spec.String()); err != nil {
			return err
		}
		return Delete(w, spec)
	})
	if err != nil || !found {
		return false, err
	}
	return true, k.mirror.Apply(ctx, spec)
}

// changeable says whether there is a route, and refuses one of the hub's own. A
// record that cannot be read may be replaced.
func changeable(r store.Reader, spec Spec) (found bool, err error) {
	known, err := Get(r, spec)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case errors.Is(err, store.ErrType):
		return true, nil
	case err != nil:
		return false, err
	case !known.Foreign():
		return true, fmt.Errorf("%w: %s", ErrNotForeign, spec)
	}
	return true, nil
}
