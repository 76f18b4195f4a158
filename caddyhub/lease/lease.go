// Package lease lets one node at a time do what must be done once: run a
// service, cull idle servers.
//
// What it guarantees:
//
//   - While the work of one holder goes on, nobody else has the lease, as long
//     as the clock of the store and that of the node run equally fast: a holder
//     that cannot renew is told to end well before its lease runs out.
//   - A lease that is given back is taken by another node within about a second,
//     one whose holder died at the latest when it runs out, and at once if the
//     holder was a process of the same machine.
//   - A store that is away ends no work before the lease is lost.
package lease

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// ErrLost is the cause with which the context of work ends whose lease could
// not be kept: another node may have it soon.
var ErrLost = errors.New("lease: lost")

// The times of a lease.
const (
	// length is how long a lease holds that is not renewed.
	length = 30 * time.Second
	// margin is how long before the end of a lease that cannot be renewed its
	// holder is told: what it does must have ended by then.
	margin = 12 * time.Second
	// renewal is how often a lease is renewed.
	renewal = 5 * time.Second
	// retry is how often somebody who waits looks whether a lease is free.
	retry = time.Second
	// storeTimeout bounds one call to the store.
	storeTimeout = 5 * time.Second
)

// record is a lease as stored; its id is the name. It expires in the store.
type record struct {
	Holder Holder `json:"holder"`
}

var records = store.Collection[record]{Kind: "lease"}

// Keeper takes and keeps leases for one node. All methods may be called from
// any goroutine.
type Keeper struct {
	store store.Store
	self  Holder
	now   func() time.Time
	log   *slog.Logger
}

// New makes a Keeper for a node, which is named the same after every restart.
// now is the clock; nil means time.Now. log is for operators; nil discards.
func New(s store.Store, node string, now func() time.Time, log *slog.Logger) *Keeper {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{store: s, self: NewHolder(node), now: now, log: log}
}

// Self is who this Keeper is in its leases.
func (k *Keeper) Self() Holder { return k.self }

// Hold waits for the lease of this name, does the work, and begins anew when
// the lease is lost, until ctx ends. The context of the work ends with ctx, or
// with ErrLost as its cause; the work must end then, within about ten seconds if
// the lease is lost. The lease is kept until the work has returned, and given
// back. Work that returns by itself ends Hold.
func (k *Keeper) Hold(ctx context.Context, name string, work func(ctx context.Context)) {
	for {
		taken, err := k.take(ctx, name)
		switch {
		case taken:
			if lost := k.hold(ctx, name, work); !lost {
				return
			}
			k.log.Warn("lease lost, what it was for was ended", "lease", name)
		case err != nil && ctx.Err() == nil:
			k.log.Debug("lease could not be asked for", "lease", name, "error", err)
		}
		if !sleep(ctx, retry) {
			return
		}
	}
}

// hold does the work under a lease that was taken; it says whether that ended
// because the lease was lost.
func (k *Keeper) hold(ctx context.Context, name string, work func(context.Context)) (lost bool) {
	begun := k.now()
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	renewing, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.renewAlways(renewing, name, begun, cancel)
	}()
	work(working)
	end()
	<-ended
	k.giveBack(ctx, name)
	return ctx.Err() == nil && errors.Is(context.Cause(working), ErrLost)
}

// take takes a lease that nobody has; false if somebody has it. Nothing is
// written then.
func (k *Keeper) take(ctx context.Context, name string) (taken bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	id := store.Join(name)
	free := func(r store.Reader) (bool, error) {
		held, found, err := records.Find(r, id)
		return !found || k.self.Outlived(held.Holder), err
	}
	err = k.store.View(ctx, func(r store.Reader) error {
		taken, err = free(r)
		return err
	})
	if err != nil || !taken {
		return false, err
	}
	err = k.store.Update(ctx, func(w store.Writer) error {
		if taken, err = free(w); err != nil || !taken {
			return err
		}
		return k.put(w, name)
	})
	return taken && err == nil, err
}

func (k *Keeper) put(w store.Writer, name string) error {
	return records.Put(w, store.Join(name), record{k.self}, k.now().Add(length))
}

// renewAlways renews a lease until ctx ends. It calls lost once when another
// has the lease, or when it cannot be renewed for so long that another might.
func (k *Keeper) renewAlways(ctx context.Context, name string, renewed time.Time, lost context.CancelCauseFunc) {
	for sleep(ctx, renewal) {
		begun := k.now()
		err := k.renew(ctx, name)
		switch {
		case err == nil:
			renewed = begun
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrLost), k.now().After(renewed.Add(length - margin)):
			lost(ErrLost)
		default:
			k.log.Warn("lease could not be renewed", "lease", name, "error", err)
		}
	}
}

func (k *Keeper) renew(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return k.store.Update(ctx, func(w store.Writer) error {
		if err := k.own(w, name); err != nil {
			return err
		}
		return k.put(w, name)
	})
}

// own is ErrLost unless this Keeper still has the lease.
func (k *Keeper) own(r store.Reader, name string) error {
	held, found, err := records.Find(r, store.Join(name))
	if err != nil {
		return err
	}
	if !found || held.Holder != k.self {
		return ErrLost
	}
	return nil
}

// giveBack lets others have the lease at once. If that fails it runs out.
func (k *Keeper) giveBack(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	err := k.store.Update(ctx, func(w store.Writer) error {
		if err := k.own(w, name); err != nil {
			return err
		}
		return records.Delete(w, store.Join(name))
	})
	if err != nil && !errors.Is(err, ErrLost) {
		k.log.Warn("lease could not be given back, it runs out", "lease", name, "error", err)
	}
}

// sleep waits; it is false if ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
