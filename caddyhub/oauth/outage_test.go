package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/oauth"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// providerOptions are those of every provider in these tests.
var providerOptions = oauth.Options{}

// flaky is a store that can be away: for writing, from the next call on, or in
// the midst of a transaction.
type flaky struct {
	store.Store
	away, readOnly atomic.Bool
	// counting says that reads and writes are counted down, and those after the
	// last one give the error.
	counting atomic.Bool
	left     atomic.Int64
	trouble  error
}

func (f *flaky) View(ctx context.Context, read func(store.Reader) error) error {
	if f.away.Load() {
		return store.ErrUnavailable
	}
	return f.Store.View(ctx, func(r store.Reader) error { return read(flakyReader{f, r}) })
}

func (f *flaky) Update(ctx context.Context, write func(store.Writer) error) error {
	if f.away.Load() || f.readOnly.Load() {
		return store.ErrUnavailable
	}
	return f.Store.Update(ctx, func(w store.Writer) error { return write(flakyWriter{flakyReader{f, w}, w}) })
}

func (f *flaky) step() error {
	if f.counting.Load() && f.left.Add(-1) < 0 {
		return f.trouble
	}
	return nil
}

type flakyReader struct {
	flaky *flaky
	under store.Reader
}

func (r flakyReader) Get(key store.Key) (store.Record, error) {
	if err := r.flaky.step(); err != nil {
		return store.Record{}, err
	}
	return r.under.Get(key)
}

func (r flakyReader) List(kind string, page store.Page) ([]store.Record, error) {
	if err := r.flaky.step(); err != nil {
		return nil, err
	}
	return r.under.List(kind, page)
}

type flakyWriter struct {
	flakyReader
	under store.Writer
}

func (w flakyWriter) Put(key store.Key, value []byte, expires time.Time) error {
	if err := w.flaky.step(); err != nil {
		return err
	}
	return w.under.Put(key, value, expires)
}

func (w flakyWriter) Delete(key store.Key) error {
	if err := w.flaky.step(); err != nil {
		return err
	}
	return w.under.Delete(key)
}

// A store that is away is a 503 everywhere, costs no code, and is over when it
// is over.
func TestOutage(t *testing.T) {
	h := newHub(t)
	ada, _ := h.login(t, "ada")
	code := h.code(t, ada, h.server())
	for name, broken := range map[string]func(bool){"away": h.store.away.Store, "read-only": h.store.readOnly.Store} {
		broken(true)
		page := get(t, ada, h.request())
		if page.StatusCode != http.StatusServiceUnavailable || page.Header.Get("Location") != "" || page.Header.Get("Retry-After") == "" {
			t.Errorf("%s: authorize: %d %v", name, page.StatusCode, page.Header)
		}
		got := h.exchange(t, code)
		if errorCode, _ := got.failure(t); got.StatusCode != http.StatusServiceUnavailable || errorCode != "temporarily_unavailable" || got.Header.Get("Retry-After") == "" {
			t.Errorf("%s: token: %d %s", name, got.StatusCode, got.body)
		}
		if strings.Contains(got.body+page.body, "store: ") {
			t.Errorf("%s: the cause is told: %s %s", name, got.body, page.body)
		}
		broken(false)
	}
	if got := h.exchange(t, code); got.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d %s", got.StatusCode, got.body)
	}
}

// Whichever read or write fails, the answer is the failure, never a refusal,
// and half an exchange leaves nothing behind.
func TestTroubleAtEveryStep(t *testing.T) {
	for status, trouble := range map[int]error{503: fmt.Errorf("redis: %w", store.ErrUnavailable), 500: errors.New("secret cause")} {
		h := newHub(t)
		h.store.trouble = trouble
		ada, _ := h.login(t, "ada")
		bob, _ := h.login(t, "bob")
		h.teach(t)
		eve, _ := h.login(t, "eve")
		grafana := h.request("client_id", serviceID, "redirect_uri", serviceCallback)
		proof := get(t, ada, grafana).fields("_xsrf")
		code := h.code(t, ada, h.server())
		exchange := func() answer { return h.exchange(t, code) }
		steps := []struct {
			name string
			do   func() answer
			want int
		}{
			{"own server", func() answer { return get(t, ada, h.request()) }, http.StatusFound},
			{"guest", func() answer { return get(t, bob, h.request()) }, http.StatusOK},
			{"through a group", func() answer { return get(t, eve, h.request()) }, http.StatusOK},
			{"role", func() answer { return get(t, ada, h.request("scope", "no-such-role")) }, http.StatusFound},
			{"agreement", func() answer { return post(t, ada, grafana, url.Values{"_xsrf": proof}) }, http.StatusFound},
			{"stray codes", func() answer { return h.exchange(t, "unknown") }, http.StatusBadRequest},
			{"exchange", exchange, http.StatusOK},
			{"second use", exchange, http.StatusBadRequest},
		}
		for _, step := range steps {
			if n := failEverywhere(t, h, step.name, status, step.do, step.want); n < 2 {
				t.Errorf("%s: only %d steps", step.name, n)
			}
		}
	}
}

// failEverywhere repeats a request with the store failing from ever later on,
// until it succeeds, and returns how often it failed.
func failEverywhere(t *testing.T, h *hub, name string, status int, try func() answer, want int) (failures int) {
	t.Helper()
	defer h.store.counting.Store(false)
	for allowed := range 200 {
		h.store.left.Store(int64(allowed))
		h.store.counting.Store(true)
		got := try()
		if got.StatusCode == want {
			return failures
		}
		failures++
		if got.StatusCode != status || got.Header.Get("Location") != "" || strings.Contains(got.body, "secret cause") {
			t.Errorf("%s with %d steps: %d %q %s", name, allowed, got.StatusCode, got.Header.Get("Location"), got.body)
		}
	}
	t.Errorf("%s: no end", name)
	return failures
}
