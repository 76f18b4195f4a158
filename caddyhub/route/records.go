package route

import (
	"fmt"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Kind of the records that are routes.
const Kind = "route"

// records are the routes of the store, under their routespecs.
var records = store.Collection[Route]{Kind: Kind}

// Put adds a route, or replaces the one with its spec, as part of an Update. It
// is ErrInvalid for a route without a spec or a target, or with a name longer than
// MaxNameLength. After the commit,
// Mirror.Apply shows it on this node at once; the other nodes learn of it from
// the change feed.
func Put(w store.Writer, route Route) error {
	if !route.valid() {
		return fmt.Errorf("%w: a route without a routespec or a target, or with too long a name", ErrInvalid)
	}
	return records.Put(w, route.Spec.String(), route, time.Time{})
}

// Delete removes the route with this spec as part of an Update; that there is
// none is not an error.
func Delete(w store.Writer, spec Spec) error {
	if spec.IsZero() {
		return fmt.Errorf("%w: no routespec", ErrInvalid)
	}
	return records.Delete(w, spec.String())
}

// Get reads the route with this spec inside a transaction, or store.ErrNotFound.
func Get(r store.Reader, spec Spec) (Route, error) {
	if spec.IsZero() {
		return Route{}, store.ErrNotFound
	}
	return records.Get(r, spec.String())
}
