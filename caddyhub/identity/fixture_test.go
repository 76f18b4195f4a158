package identity

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/cached"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

// TestMain silences the Redis client, which tells standard error of every
// server that a test has stopped.
func TestMain(m *testing.M) {
	logging.Disable()
	os.Exit(m.Run())
}

// fixture is a Directory over a real store with a clock that only moves when
// it is told to.
type fixture struct {
	*Directory
	under store.Store // below memory
	clock *storetest.Clock
	ring  *keyring.Ring
	path  string            // of the file of an embedded store
	redis *redistest.Server // of a Redis store
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{clock: storetest.NewClock(), path: filepath.Join(t.TempDir(), "hub.db")}
	s, err := embedded.Open(embedded.Options{Path: f.path, Now: f.clock.Now})
	f.open(t, s, err)
	return f
}

func newRedisFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{clock: storetest.NewClock(), redis: redistest.Start(t, redistest.Options{})}
	s, err := redis.Open(redis.Options{URL: f.redis.URL(), Now: f.clock.Now})
	f.open(t, s, err)
	return f
}

// open makes a Directory over memory over a store, as a hub does. Nothing is
// answered from memory while the store is away.
func (f *fixture) open(t testing.TB, under store.Store, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	f.under = under
	s := cached.New(under, cached.Options{Now: f.clock.Now, Grace: -1})
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Error(err)
		}
	})
	f.ring, err = keyring.New([]keyring.Key{keyring.NewKey(f.clock.Now().Add(-time.Hour))}, f.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	f.Directory = New(Options{Store: s, Keys: f.ring, Now: f.clock.Now})
}

// onBoth runs a test on both stores.
func onBoth(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Run("embedded", func(t *testing.T) { test(t, newFixture(t)) })
	t.Run("redis", func(t *testing.T) { test(t, newRedisFixture(t)) })
}

// do runs a transaction that must succeed.
func (f *fixture) do(t testing.TB, write func(w store.Writer) error) {
	t.Helper()
	if err := f.store.Update(t.Context(), write); err != nil {
		t.Fatal(err)
	}
}

// read runs a View that must succeed.
func (f *fixture) read(t testing.TB, read func(r store.Reader) error) {
	t.Helper()
	if err := f.store.View(t.Context(), read); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) newUser(t testing.TB, name string) User {
	t.Helper()
	user, err := f.CreateUser(t.Context(), name, false)
	return must(t, user, err)
}

func (f *fixture) login(t testing.TB, name string) (string, Session) {
	t.Helper()
	cookie, session, err := f.CreateSession(t.Context(), name, "dummy")
	if err != nil {
		t.Fatal(err)
	}
	return cookie, session
}

// token makes a token and returns its secret.
func (f *fixture) token(t testing.TB, details NewToken) (string, Token) {
	t.Helper()
	secret := keyring.RandomToken(32)
	token, err := f.CreateToken(t.Context(), secret, details)
	return secret, must(t, token, err)
}

func (f *fixture) apply(t testing.TB, configuration Configuration) {
	t.Helper()
	if err := f.Apply(t.Context(), configuration); err != nil {
		t.Fatal(err)
	}
}

// records are the ids of all records of a kind.
func (f *fixture) records(t testing.TB, kind string) (ids []string) {
	t.Helper()
	f.read(t, func(r store.Reader) error {
		list, err := r.List(kind, store.Page{})
		ids = nil
		for _, record := range list {
			ids = append(ids, record.Key.ID)
		}
		return err
	})
	return ids
}

// changes runs something and counts the commits' changes that it made.
func (f *fixture) changes(t testing.TB, run func()) []store.Change {
	t.Helper()
	feed, err := f.under.Follow(t.Context()) // that of memory may still have to tell what was before
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	run()
	end := store.Key{Kind: "end_of_test", ID: "end"}
	f.do(t, func(w store.Writer) error { return w.Put(end, nil, time.Time{}) })
	var changes []store.Change
	for {
		batch, err := feed.Next(t.Context())
		if err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
		for _, change := range batch.Changes {
			if change.Key == end {
				return changes
			}
			changes = append(changes, change)
		}
	}
}

func must[T any](t testing.TB, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// lost is a store that is out of reach.
type lost struct{ store.Store }

func (lost) View(context.Context, func(store.Reader) error) error   { return store.ErrUnavailable }
func (lost) Update(context.Context, func(store.Writer) error) error { return store.ErrUnavailable }

// failingReads is a store of which some records cannot be read.
type failingReads struct {
	store.Store
	fails func(store.Key) bool
}

func (s failingReads) View(ctx context.Context, read func(store.Reader) error) error {
	return s.Store.View(ctx, func(r store.Reader) error { return read(failingReader{r, s.fails}) })
}

type failingReader struct {
	store.Reader
	fails func(store.Key) bool
}

func (r failingReader) Get(key store.Key) (store.Record, error) {
	if r.fails(key) {
		return store.Record{}, store.ErrUnavailable
	}
	return r.Reader.Get(key)
}

// noUpdates is a store that can only be read.
type noUpdates struct {
	store.Store
	tries int
}

func (s *noUpdates) Update(context.Context, func(store.Writer) error) error {
	s.tries++
	return store.ErrUnavailable
}

// read returns what a View reads.
func read[T any](f *fixture, read func(store.Reader) (T, error)) (value T, err error) {
	err = f.store.View(context.Background(), func(r store.Reader) error {
		value, err = read(r)
		return err
	})
	return value, err
}

// countingReads is a store that notes what its Updates read.
type countingReads struct {
	store.Store
	read map[store.Key]bool
}

func (s countingReads) Update(ctx context.Context, write func(store.Writer) error) error {
	return s.Store.Update(ctx, func(w store.Writer) error { return write(countingWriter{w, s.read}) })
}

type countingWriter struct {
	store.Writer
	read map[store.Key]bool
}

func (w countingWriter) Get(key store.Key) (store.Record, error) {
	w.read[key] = true
	return w.Writer.Get(key)
}

func (w countingWriter) List(kind string, page store.Page) ([]store.Record, error) {
	records, err := w.Writer.List(kind, page)
	for _, record := range records {
		w.read[record.Key] = true
	}
	return records, err
}
