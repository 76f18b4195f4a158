package authenticator

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// Counter is what failed attempts are counted by.
type Counter struct {
	Kind CounterKind
	// ID says of whom: the canonical name of a user, a network, a user and the
	// device; empty for all together. Names are what somebody typed, which may be a
	// password: keep no ID that can be read.
	ID string
}

// CounterKind is a kind of counter.
type CounterKind string

// The kinds of counters.
const (
	CountUser    CounterKind = "user"
	CountDevice  CounterKind = "device"
	CountNetwork CounterKind = "network"
	CountGlobal  CounterKind = "global"
)

// Charge is what one failure costs: a counter is in debt for so much longer.
type Charge struct {
	Counter Counter
	Cost    time.Duration
}

// Failures keeps the debts that failed attempts make, for all nodes of a hub. A
// debt is a time: until then failures are being paid off. All methods may be
// called from any goroutine. An error means that nobody knows, and is no fault of
// who tries to log in.
type Failures interface {
	// Debts returns until when each counter is in debt; the zero time or one in the
	// past says that it is not.
	Debts(ctx context.Context, counters []Counter) ([]time.Time, error)
	// Charge adds to debts, that of a counter without any beginning at now. What
	// several nodes charge at once adds up.
	Charge(ctx context.Context, now time.Time, charges []Charge) error
	// Forgive clears debts.
	Forgive(ctx context.Context, counters []Counter) error
}

// maxCounted bounds the memory for counters to some 10 MB with the longest names.
// Failures alone enter one, so whoever wants to push one out needs six minutes at
// the default global limit, and by then it would have been paid off.
const maxCounted = 20_000

// inMemory are the Failures of a hub of one node that may forget them.
type inMemory struct {
	mu    sync.Mutex
	debts *lru[Counter, *time.Time]
}

func newInMemory() *inMemory {
	return &inMemory{debts: newLRU[Counter](maxCounted, func() *time.Time { return new(time.Time) })}
}

// Debts implements Failures.
func (m *inMemory) Debts(_ context.Context, counters []Counter) ([]time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	debts := make([]time.Time, len(counters))
	for i, counter := range counters {
		if debt, there := m.debts.peek(counter); there {
			debts[i] = *debt
		}
	}
	return debts, nil
}

// Charge implements Failures.
func (m *inMemory) Charge(_ context.Context, now time.Time, charges []Charge) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, charge := range charges {
		debt := m.debts.get(charge.Counter)
		*debt = Owing(*debt, now, charge.Cost)
	}
	return nil
}

// Forgive implements Failures.
func (m *inMemory) Forgive(_ context.Context, counters []Counter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, counter := range counters {
		m.debts.drop(counter)
	}
	return nil
}

// Owing is a debt with a cost added to it.
func Owing(debt, now time.Time, cost time.Duration) time.Time {
	if debt.Before(now) {
		debt = now
	}
	return debt.Add(cost)
}

// networkOf is the unit that one party usually holds: an IPv4 address, or the
// /64 within which an IPv6 host picks addresses as it likes.
func networkOf(remote netip.Addr) netip.Prefix {
	remote = remote.Unmap().WithZone("")
	bits := 32
	if remote.Is6() {
		bits = 64
	}
	network, _ := remote.Prefix(bits) // invalid remote: the zero Prefix, shared
	return network
}
