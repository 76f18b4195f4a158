package identitytoken

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	// period is how long a key signs.
	period = 7 * 24 * time.Hour
	// lead is how long a key is published before it signs: much longer than
	// PublishedFor, because there are verifiers that keep keys for hours.
	lead = 24 * time.Hour
	// retirement is how long a key is published after it has signed for the last
	// time: until that has expired, on clocks that differ.
	retirement = MaxLifetime + 5*time.Minute
	// look is how often a node looks for keys of others, and whether it is time
	// for a new one.
	look = time.Minute
)

// Keys are the signing keys of a hub, in the store that its nodes share. It is
// safe for concurrent use.
type Keys struct {
	store store.Store
	ring  *keyring.Ring
	now   func() time.Time
	log   *slog.Logger
	// known are those of the last look at the store; nil before the first.
	known atomic.Pointer[set]

	mu sync.Mutex
	// wanted are the algorithms that are signed by here.
	wanted []Algorithm
}

// KeysOptions are what Keys need. Store and Ring are required.
type KeysOptions struct {
	Store store.Store
	// Ring seals the private keys.
	Ring *keyring.Ring
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log is for operators; nil discards.
	Log *slog.Logger
}

// NewKeys makes Keys. It does not touch the store.
func NewKeys(options KeysOptions) *Keys {
	k := &Keys{store: options.Store, ring: options.Ring, now: options.Now, log: options.Log}
	if k.now == nil {
		k.now = time.Now
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	return k
}

// Use sees to it that there is a key for each of these algorithms from now on,
// before the first token is signed: whoever verifies may ask for the JWKS first.
func (k *Keys) Use(ctx context.Context, algorithms ...Algorithm) error {
	k.mu.Lock()
	for _, algorithm := range algorithms {
		if algorithm.method() == nil {
			k.mu.Unlock()
			return fmt.Errorf("%w %q", ErrAlgorithm, string(algorithm))
		}
		if !slices.Contains(k.wanted, algorithm) {
			k.wanted = append(k.wanted, algorithm)
		}
	}
	k.mu.Unlock()
	return k.maintain(ctx)
}

// Run rotates the keys and learns of those of other nodes, until the context
// ends. Call it once, in a goroutine of its own.
func (k *Keys) Run(ctx context.Context) error {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			if err := k.maintain(ctx); err != nil && ctx.Err() == nil {
				k.log.WarnContext(ctx, "signing keys not looked at", "error", err)
			}
		}
	}
}

// Rotate publishes new keys before it is time to. They sign as soon as every
// JWKS that may be kept has been asked for again.
func (k *Keys) Rotate(ctx context.Context) error {
	return k.change(ctx, func(newest *key, now time.Time) (from time.Time, due bool) {
		if newest == nil {
			return now, true
		}
		return later(newest.from, now.Add(2*PublishedFor)), true
	})
}

// maintain reads the keys and makes those that are due.
func (k *Keys) maintain(ctx context.Context) error {
	keys, err := k.read(ctx)
	if err != nil {
		return err
	}
	now, waiting := k.now(), false
	for _, algorithm := range k.used() {
		_, due := due(first(keys.of(algorithm)), now)
		waiting = waiting || due
	}
	if !waiting {
		return nil
	}
	return k.change(ctx, due)
}

// due says whether a key must be made, and from when it signs. The first one
// signs at once: nobody has been told of another.
func due(newest *key, now time.Time) (from time.Time, due bool) {
	if newest == nil {
		return now, true
	}
	end := newest.from.Add(period)
	if now.Before(end.Add(-lead)) {
		return time.Time{}, false
	}
	return later(end, now.Add(lead)), true
}

// change makes the keys that when asks for, of several nodes at once only one,
// and has the ones before them expire.
func (k *Keys) change(ctx context.Context, when func(newest *key, now time.Time) (from time.Time, due bool)) error {
	var keys set
	err := k.store.Update(ctx, func(w store.Writer) (err error) {
		if keys, err = k.list(w); err != nil {
			return err
		}
		for _, algorithm := range k.used() {
			before := keys.of(algorithm)
			from, due := when(first(before), k.now())
			if !due {
				continue
			}
			made, err := k.put(w, algorithm, from)
			if err != nil {
				return err
			}
			keys = append(keys, made)
			if err := retire(w, before, made.from); err != nil {
				return err
			}
		}
		keys.sort()
		return nil
	})
	if err != nil {
		return fmt.Errorf("identitytoken: %w", err)
	}
	k.known.Store(&keys)
	return nil
}

func (k *Keys) put(w store.Writer, algorithm Algorithm, from time.Time) (*key, error) {
	item := store.Item[record]{ID: store.Join(keyring.RandomToken(12))}
	var err error
	if item.Value, err = newRecord(k.ring, item.ID, algorithm, from); err != nil {
		return nil, err
	}
	if err := records.Put(w, item.ID, item.Value, time.Time{}); err != nil {
		return nil, err
	}
	return open(k.ring, item)
}

// retire has keys expire that sign no longer than to a time.
func retire(w store.Writer, keys set, end time.Time) error {
	for _, old := range keys {
		if !old.until.IsZero() {
			continue
		}
		current, err := records.Get(w, old.id)
		if err != nil {
			return err
		}
		old.until = end.Add(retirement)
		if err := records.Put(w, old.id, current, old.until); err != nil {
			return err
		}
	}
	return nil
}

// read reads the keys and remembers them.
func (k *Keys) read(ctx context.Context) (keys set, err error) {
	err = k.store.View(ctx, func(r store.Reader) error {
		keys, err = k.list(r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("identitytoken: %w", err)
	}
	k.known.Store(&keys)
	return keys, nil
}

// list opens all keys. One that does not open, for the ring that has sealed it is
// lost, is as good as none.
func (k *Keys) list(r store.Reader) (set, error) {
	keys := set{}
	err := records.Each(r, "", func(item store.Item[record]) error {
		opened, err := open(k.ring, item)
		if err != nil {
			k.log.Warn("a signing key is not used", "error", err)
			return nil
		}
		keys = append(keys, opened)
		return nil
	})
	keys.sort()
	return keys, err
}

// used are the algorithms that are signed by here.
func (k *Keys) used() []Algorithm {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.wanted)
}

// sign is the key to sign with now.
func (k *Keys) sign(algorithm Algorithm) (*key, error) {
	if known := k.known.Load(); known != nil {
		if found := known.signing(algorithm, k.now()); found != nil {
			return found, nil
		}
	}
	return nil, fmt.Errorf("identitytoken: %w: no key to sign by %s", store.ErrUnavailable, algorithm)
}

func first(keys set) *key {
	if len(keys) == 0 {
		return nil
	}
	return keys[0]
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
