// Package loginfailures keeps in the store how many logins have failed, so that
// all nodes of a hub count together and a restart forgets nothing.
//
// What it guarantees:
//
//   - A record stands for one counter and holds one time: until when its failures
//     are being paid off. Then it expires. As many records exist as failures that
//     the limits have let happen and that are not paid off yet.
//   - The name of a record is a keyed hash. People type passwords where the user
//     name belongs; none is in the store, not even as a name that failed.
//   - Failures at one node are written together, one update at a time, so that an
//     attack costs the store few updates.
//   - Errors wrap authenticator.ErrUnavailable.
package loginfailures

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	kind    = "login_failure"
	purpose = "login failure"
)

// debt is one counter.
type debt struct {
	// Until is in Unix milliseconds.
	Until int64 `json:"until"`
}

var debts = store.Collection[debt]{Kind: kind}

// Failures are authenticator.Failures over a store. The methods may be called from
// any goroutine.
type Failures struct {
	store store.Store
	keys  *keyring.Ring

	mu sync.Mutex
	// writing is true while somebody writes; waiting is what he writes next.
	writing bool
	waiting []*batch
}

// maxBatch bounds one update, in charges.
const maxBatch = 300

// batch is what several callers have written in one update.
type batch struct {
	now     time.Time
	charges []authenticator.Charge
	done    chan struct{}
	err     error // once done is closed
}

// New makes Failures. Keys name the records; after they were rotated, counts begin
// anew.
func New(over store.Store, keys *keyring.Ring) *Failures {
	return &Failures{store: over, keys: keys}
}

// Debts implements authenticator.Failures.
func (f *Failures) Debts(ctx context.Context, counters []authenticator.Counter) ([]time.Time, error) {
	keys := make([]store.Key, len(counters))
	for i, counter := range counters {
		keys[i] = debts.Key(f.id(counter))
	}
	var until []time.Time
	err := f.store.View(ctx, func(r store.Reader) error {
		records, err := store.GetSeveral(r, keys)
		if err != nil {
			return err
		}
		until = make([]time.Time, len(keys))
		for i, record := range records {
			item, found, err := debts.Open(record)
			if err != nil {
				return err
			}
			if found {
				until[i] = time.UnixMilli(item.Value.Until)
			}
		}
		return nil
	})
	return until, unavailable(err)
}

// Charge implements authenticator.Failures.
func (f *Failures) Charge(ctx context.Context, now time.Time, charges []authenticator.Charge) error {
	if len(charges) == 0 {
		return nil
	}
	f.mu.Lock()
	if n := len(f.waiting); n == 0 || len(f.waiting[n-1].charges) >= maxBatch {
		f.waiting = append(f.waiting, &batch{done: make(chan struct{})})
	}
	mine := f.waiting[len(f.waiting)-1]
	mine.now = now
	mine.charges = append(mine.charges, charges...)
	if !f.writing {
		f.writing = true
		go f.write()
	}
	f.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", authenticator.ErrUnavailable, ctx.Err())
	}
}

// writeTimeout bounds one update. Those who wait for it have given up before.
const writeTimeout = 10 * time.Second

// write writes batch after batch, until nobody waits.
func (f *Failures) write() {
	for {
		f.mu.Lock()
		f.writing = len(f.waiting) > 0
		if !f.writing {
			f.mu.Unlock()
			return
		}
		next := f.waiting[0]
		f.waiting = slices.Delete(f.waiting, 0, 1)
		f.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
		next.err = unavailable(f.add(ctx, next))
		cancel()
		close(next.done)
	}
}

func (f *Failures) add(ctx context.Context, b *batch) error {
	costs := make(map[string]time.Duration, len(b.charges))
	for _, charge := range b.charges {
		costs[f.id(charge.Counter)] += charge.Cost
	}
	keys := make([]store.Key, 0, len(costs))
	for id := range costs {
		keys = append(keys, debts.Key(id))
	}
	return f.store.Update(ctx, func(w store.Writer) error {
		// In one round trip; reading them again below costs none.
		if _, err := store.GetSeveral(w, keys); err != nil {
			return err
		}
		for id, cost := range costs {
			before, found, err := debts.Find(w, id)
			if err != nil {
				return err
			}
			var until time.Time
			if found {
				until = time.UnixMilli(before.Until)
			}
			until = authenticator.Owing(until, b.now, cost)
			if err := debts.Put(w, id, debt{Until: until.UnixMilli()}, until); err != nil {
				return err
			}
		}
		return nil
	})
}

// Forgive implements authenticator.Failures.
func (f *Failures) Forgive(ctx context.Context, counters []authenticator.Counter) error {
	return unavailable(f.store.Update(ctx, func(w store.Writer) error {
		for _, counter := range counters {
			if err := debts.Delete(w, f.id(counter)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// id names a counter without telling of whom it is.
func (f *Failures) id(counter authenticator.Counter) string {
	mac := f.keys.MAC(purpose, []byte(counter.Kind), []byte(counter.ID))
	return string(counter.Kind) + "/" + base64.RawURLEncoding.EncodeToString(mac[:16])
}

func unavailable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", authenticator.ErrUnavailable, err)
}
