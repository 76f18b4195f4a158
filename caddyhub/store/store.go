// Package store is where everything lives that must outlive a process: one
// transactional interface over typed records, and a feed of changes.
//
// What every implementation guarantees, and what package storetest holds it to:
//
//   - Update is serialisable: it commits as if no other Update ran beside it,
//     lists included, or runs its closure again. A committed Update is durable
//     before Update returns.
//   - View reads one consistent state.
//   - An expired record does not exist, from the instant its time has come.
//     The store removes it later and tells the feed.
//   - A Feed delivers every committed change, once and in the order of the
//     commits, or says that it missed some. It never silently loses one.
//   - When the store is out of reach, calls fail with ErrUnavailable within the
//     deadline of their context, and work again by themselves.
//
// Values are opaque here; Collection gives them a type. Implementations are in
// the packages embedded (one file, bbolt) and redis (several nodes); package
// cached keeps hot records of either in memory.
package store

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNotFound says that there is no such record, or that it has expired.
	ErrNotFound = errors.New("store: record not found")
	// ErrConflict says that an Update, or a View of very many records, lost
	// against others so often that it gave up. Nothing was written; the caller
	// may try again.
	ErrConflict = errors.New("store: too many conflicting updates")
	// ErrUnavailable says that the store is out of reach or too slow for the
	// deadline of the context. To a user this is a 503, never a 401 or 403.
	// Whether an Update that ends so was committed is unknown.
	ErrUnavailable = errors.New("store: unavailable")
	// ErrClosed says that Close was called.
	ErrClosed = errors.New("store: closed")
	// ErrType says that a record holds something else than was asked for.
	ErrType = errors.New("store: record has another type")
	// ErrInvalid says that a key, a page or a value breaks the rules below.
	ErrInvalid = errors.New("store: invalid argument")
)

// Limits that bound what one caller can cost everybody.
const (
	// MaxKeyLength is the length of a kind and an id together, in bytes.
	MaxKeyLength = 1024
	// MaxValueLength is the length of one value, in bytes.
	MaxValueLength = 8 << 20
	// MaxPage is the greatest Page.Limit.
	MaxPage = 1000
)

// Key names a record. Kind is the type of the record ("user", "session"): lower
// case ASCII letters and underscores. ID names it among its kind; build it with
// Join, so that no part can run into the next. Neither may be empty.
type Key struct {
	Kind string
	ID   string
}

// Record is one record as stored.
type Record struct {
	Key   Key
	Value []byte
	// Version is greater after every write of this record. All writes of one
	// Update have one version. Zero only for what the running Update itself
	// has written and not yet committed.
	Version uint64
	// Expires is when the record ceases to exist; zero means never.
	// Stores keep milliseconds.
	Expires time.Time
}

// Page says which part of a list is wanted.
type Page struct {
	// Prefix limits the list to ids that begin with it; empty means all.
	Prefix string
	// After is the id to go on after: the last one of the page before.
	After string
	// Limit is how many records at most, 1 to MaxPage; zero means MaxPage.
	Limit int
}

// Reader reads inside a transaction and is of no use after it. Records it
// returns stay valid; they may be shared with others, so never change them.
type Reader interface {
	// Get returns one record, or ErrNotFound.
	Get(key Key) (Record, error)
	// List returns the records of a kind in the byte order of their ids. A list
	// shorter than the limit is the last page.
	List(kind string, page Page) ([]Record, error)
}

// Writer reads and writes inside an Update. Reads see the writes before them.
type Writer interface {
	Reader
	// Put creates or replaces a record. A zero expires means that it stays.
	Put(key Key, value []byte, expires time.Time) error
	// Delete removes a record; that it is absent is not an error.
	Delete(key Key) error
}

// Positioned is what a Reader may offer beside: the version of the last commit
// that the state it reads contains. Package cached needs it to tell which
// records belong to one state.
type Positioned interface {
	Position() uint64
}

// Store is a transactional store. All methods may be called from any goroutine,
// but not from inside a closure of View or Update of the same store. A context
// that ends by its deadline gives ErrUnavailable, a cancelled one
// context.Canceled.
type Store interface {
	// View runs read over one consistent state. The closure may run more than
	// once and must have no effect outside that a second run does not replace.
	// It returns the errors that its reads give and that it cannot handle: a
	// run that cannot go on in the state it began in is ended by such an error,
	// and repeated.
	View(ctx context.Context, read func(Reader) error) error
	// Update runs write and commits what it wrote, all or nothing, when it
	// returns nil. The closure may run more than once, with the same demand as
	// View. An error of the closure is returned as it is and nothing is written.
	// A closure that writes nothing commits nothing.
	Update(ctx context.Context, write func(Writer) error) error
	// Follow begins a feed at the present: it tells every change committed after
	// Follow returned. To mirror records, follow first and load then.
	Follow(ctx context.Context) (Feed, error)
	// Close ends all feeds and calls with ErrClosed.
	Close() error
}

// Feed tells the changes of a store. One goroutine reads it.
type Feed interface {
	// Next waits for the next batch. On ErrUnavailable the feed has lost touch:
	// the caller must treat what it mirrors as possibly outdated until a later
	// Next succeeds; the feed reconnects by itself, so just call Next again.
	// Next never blocks for longer than a second without being in touch. When
	// ctx ends, Next returns its error and nothing is lost.
	Next(ctx context.Context) (Batch, error)
	// Close ends the feed; a waiting Next returns ErrClosed.
	Close() error
}

// Batch is what a feed tells at once. An empty batch means "in touch, nothing new".
type Batch struct {
	// Missed says that changes before this batch were lost to this feed (it
	// fell too far behind, or the store was reset): whoever mirrors must reload.
	Missed bool
	// Changes in the order of their commits. A commit is never divided between
	// two batches.
	Changes []Change
}

// Change says that a record was written, deleted or has expired.
type Change struct {
	Key     Key
	Deleted bool
	// Version is the version written; for a deletion, that of the deletion.
	Version uint64
}
