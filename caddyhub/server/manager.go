package server

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Manager runs the operations of this node and takes over those of others. All
// methods may be called from any goroutine.
type Manager struct {
	options Options
}

// New makes a Manager. It does nothing in the background until Run.
func New(options Options) (*Manager, error) { return &Manager{options: options}, nil }

// Run takes over what was left unfinished, looks after the running servers,
// follows the store and polls, until Close or the end of ctx. Call it once, in
// a goroutine of its own; requests can be served from the first moment.
func (m *Manager) Run(ctx context.Context) error { return nil }

// Reconfigure replaces the settings. Operations that run go on as they began.
func (m *Manager) Reconfigure(settings Settings) error { return nil }

// Close ends the work of this node and leaves all servers running. It waits
// for starts that the spawner is busy with until ctx ends; what is unfinished
// then is taken over by another node, or by this one after its restart.
func (m *Manager) Close(ctx context.Context) error { return nil }

// Start begins to start a server and returns at once; Wait tells the outcome.
// Options are the user's choices, a JSON object; nil means those of the last
// time. Refusals are an *Error of the kinds ErrUser, ErrPending, ErrRunning,
// ErrNamedDisabled, ErrNamedLimit, ErrName, ErrOptions, ErrSpawnLimit,
// ErrActiveLimit and ErrAuthExpired.
func (m *Manager) Start(ctx context.Context, user, name string, options json.RawMessage) error {
	return ErrClosed
}

// Stop begins to stop a server, or calls off its start, and returns at once;
// done says that the server is not running any more (or never was), else Wait
// tells the outcome. With remove a named server's record goes as well. A stop
// that is pending is joined. Refusals are an *Error of the kinds ErrUser,
// ErrNotFound, ErrDefaultServer and ErrNamedDisabled.
func (m *Manager) Stop(ctx context.Context, user, name string, remove bool) (done bool, err error) {
	return false, ErrClosed
}

// StopAll stops all servers of a user, waits until they are gone and forgets
// their records, the default server's too: for the deletion of a user.
func (m *Manager) StopAll(ctx context.Context, user string) error { return ErrClosed }

// Wait waits until nothing is pending with a server, but no longer than limit,
// and returns what it is then; look at Pending, Ready and Failure. A server
// that was removed is ErrNotFound.
func (m *Manager) Wait(ctx context.Context, user, name string, limit time.Duration) (Server, error) {
	return Server{}, ErrClosed
}

// Check looks whether a ready server really runs, and begins to clean up if it
// does not. The state it returns is the one after that.
func (m *Manager) Check(ctx context.Context, user, name string) (Server, error) {
	return Server{}, ErrClosed
}

// Get returns a server. A user's default server that was never started is a
// stopped one, other unknown names are ErrNotFound; ErrUser if there is no such
// user.
func (m *Manager) Get(ctx context.Context, user, name string) (Server, error) {
	return Server{}, ErrClosed
}

// List returns the servers of a user that have a record, sorted by name.
func (m *Manager) List(ctx context.Context, user string) ([]Server, error) { return nil, ErrClosed }

// Active returns active servers in a fixed order, after the one with the given
// user and name ("" and "" for the beginning), at most limit.
func (m *Manager) Active(ctx context.Context, afterUser, afterName string, limit int) ([]Server, error) {
	return nil, ErrClosed
}

// Get is Manager.Get inside a transaction.
func Get(r store.Reader, user, name string) (Server, error) { return Server{}, ErrNotFound }

// List is Manager.List inside a transaction.
func List(r store.Reader, user string) ([]Server, error) { return nil, nil }

// URL is where browsers reach a server: a path, with subdomains absolute.
func (m *Manager) URL(user, name string) string { return "" }

// LastActivity is when the server was last active; zero if never.
func (m *Manager) LastActivity(r store.Reader, user, name string) (time.Time, error) {
	return time.Time{}, nil
}

func defaultProbe() http.RoundTripper { return http.DefaultTransport }
