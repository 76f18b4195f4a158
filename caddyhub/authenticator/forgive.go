package authenticator

import (
	"context"
	"net/netip"
	"time"
)

// Forgiven names counters for Forgive; what is empty in it is left alone.
type Forgiven struct {
	// User is a canonical name.
	User string
	// Remote is an address; its network is meant.
	Remote netip.Addr
	// Global is the count of all together.
	Global bool
}

// Forgive clears what has failed, for an operator: somebody was locked out by
// others, or by a program with an old password. It returns how long the longest
// wait was that it has ended. An error wraps ErrUnavailable.
func (t *Throttle) Forgive(ctx context.Context, f Forgiven) (time.Duration, error) {
	if t == nil {
		return 0, nil
	}
	t.mu.Lock()
	limits := t.limits
	t.mu.Unlock()
	var counters []Counter
	var limited []Limit
	add := func(wanted bool, counter Counter, limit Limit) {
		if wanted {
			counters, limited = append(counters, counter), append(limited, limit)
		}
	}
	add(f.User != "", Counter{CountUser, f.User}, limits.User)
	add(f.Remote.IsValid(), Counter{CountNetwork, networkOf(f.Remote).String()}, limits.Network)
	add(f.Global, Counter{Kind: CountGlobal}, limits.Global)
	if len(counters) == 0 {
		return 0, nil
	}
	debts, err := t.failures.Debts(ctx, counters)
	if err == nil {
		err = t.failures.Forgive(ctx, counters)
	}
	if err != nil {
		return 0, uncounted(ctx, err)
	}
	var wait time.Duration
	for i, limit := range limited {
		if limit.Burst >= 0 {
			wait = max(wait, limit.wait(debts[i], t.now(), 0))
		}
	}
	return wait, nil
}
