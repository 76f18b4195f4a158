// Package identity knows who there is: users, groups, roles and services, the
// browser sessions and API tokens by which requests say who they are, and what
// all of these may do, as scopes.
//
// What it guarantees:
//
//   - No secret is stored. Tokens and session secrets are kept as keyed hashes,
//     auth state is sealed; a copy of the store logs nobody in.
//   - A session or token is worth what its owner is worth at the moment of the
//     request: a role taken away, a group left, a user deleted counts at once.
//     A user who is deleted and created again has none of the old credentials.
//   - Trouble with the store is store.ErrUnavailable (or another error), never
//     ErrInvalid: who reads a 403 out of it throws people out of their work.
//   - Revocation wins over renewal: renewing a session never brings it back.
//
// Directory is the entrance; everything it does to the store is one transaction.
package identity

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

var (
	// ErrInvalid says that a credential is unknown, expired, revoked or
	// malformed. The cases are not told apart.
	ErrInvalid = errors.New("identity: invalid credentials")
	// ErrNotFound says that there is no such user, group, role, service or token.
	ErrNotFound = errors.New("identity: not found")
	// ErrExists says that the name is taken.
	ErrExists = errors.New("identity: name already exists")
	// ErrName says that nobody can have this name: it is empty, longer than
	// MaxNameLength or not UTF-8. To a caller of the API this is a 400.
	ErrName = errors.New("identity: impossible name")
	// ErrSecret says that no token can have this secret. To a caller of the API
	// this is a 400.
	ErrSecret = errors.New("identity: impossible token")
)

// Directory finds, makes, changes and removes identities.
type Directory struct {
	store    store.Store
	keys     *keyring.Ring
	now      func() time.Time
	log      *slog.Logger
	activity *Activity
	settings atomic.Pointer[Settings]
	decoded  *decoded
	// credentials are those seen before, with who they belong to.
	credentials *credentials
	// visitors are visitor tokens that were minted.
	visitors *memo[visitorToken]
	// rehashAfter is when to try again to hash tokens anew, in Unix seconds.
	rehashAfter atomic.Int64
}

// Options are what a Directory needs. Store and Keys are required.
type Options struct {
	Store    store.Store
	Keys     *keyring.Ring
	Settings Settings
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log is for operators; nil discards.
	Log *slog.Logger
}

// Settings are what may change while the hub runs.
type Settings struct {
	// Definitions are the scopes that exist; nil means the built-in ones.
	Definitions *scope.Definitions
	// Sessions limits browser sessions; zero fields mean the defaults.
	Sessions SessionLimits

	// expanded remembers what Definitions made of lists of scopes.
	expanded *expansions
}

// New makes a Directory.
func New(options Options) *Directory {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	directory := &Directory{
		store:       options.Store,
		keys:        options.Keys,
		now:         options.Now,
		log:         options.Log,
		activity:    NewActivity(options.Store, options.Now),
		decoded:     newDecoded(),
		credentials: newCredentials(),
		visitors:    newMemo[visitorToken](),
	}
	directory.Configure(options.Settings)
	return directory
}

// Configure changes the settings. Requests that are under way may still see
// the old ones.
func (d *Directory) Configure(settings Settings) {
	if settings.Definitions == nil {
		settings.Definitions = scope.Builtin()
	}
	settings.Sessions = settings.Sessions.withDefaults()
	settings.expanded = newExpansions()
	d.settings.Store(&settings)
}

// Definitions are the scopes that exist in this hub.
func (d *Directory) Definitions() *scope.Definitions { return d.settings.Load().Definitions }

// Store is the store behind the directory, for transactions across packages.
func (d *Directory) Store() store.Store { return d.store }

func (d *Directory) sessionLimits() SessionLimits { return d.settings.Load().Sessions }

// Keys is the ring that this directory hashes and seals with.
func (d *Directory) Keys() *keyring.Ring { return d.keys }

// Activity is when users, tokens and servers were last active.
func (d *Directory) Activity() *Activity { return d.activity }
