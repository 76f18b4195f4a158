package store

import "context"

// Validity tells of what was read whether it may still be used.
type Validity interface {
	// Valid is true as long as the records are known to be as they were read:
	// none has been written or deleted since or has expired, and this node is
	// told of changes. If it is false, read again.
	Valid() bool
}

// Remembering is what a Store may offer beside: Views whose outcome may be kept
// and used again without reading anything.
type Remembering interface {
	// ViewRemembered is View and says how long its outcome is good for. The
	// Validity is nil when that cannot be known: use the outcome once.
	ViewRemembered(ctx context.Context, read func(Reader) error) (Validity, error)
}

// Watched is what a Store may offer beside, for those who keep a picture of
// many records in memory.
type Watched interface {
	// Watch has changed called with the keys of records that may have changed:
	// of an Update of this Store before it returns, of others before any feed of
	// this Store tells them. No keys at all mean that everything may have.
	// changed must be quick and use no Store. After stop it is not called again.
	Watch(changed func(keys []Key)) (stop func())
	// Trusted says whether this node is told of all changes, or was until less
	// than a grace ago.
	Trusted() bool
}
