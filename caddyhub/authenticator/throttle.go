package authenticator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// ErrThrottled is the cause of the 429 that Throttle answers.
var ErrThrottled = errors.New("authenticator: too many attempts to log in")

// Limit is a number of failures at once, and the time after which one more is
// granted. What is zero in it takes the default of its kind; a negative Burst
// means no limit.
type Limit struct {
	Burst int
	Every time.Duration
}

// Limits says how many attempts to log in may fail.
type Limits struct {
	// User is for one user, wherever the attempts come from, and again for the same
	// user at each device that he has logged in with before.
	User Limit
	// Network is for one network: the /32 of IPv4, the /64 of IPv6.
	Network Limit
	// Global is for all together.
	Global Limit
}

// Limits that hold where none are configured.
const (
	// The limit of a user stops the guessing of one password: 2,880 tries a day.
	DefaultUserBurst = 10
	DefaultUserEvery = 30 * time.Second
	// The limit of a network stops one place from trying many names.
	DefaultNetworkBurst = 300
	DefaultNetworkEvery = 500 * time.Millisecond
	// The global limit stops many places from trying a few names each. It bounds
	// the number of counters, too.
	DefaultGlobalBurst = 2000
	DefaultGlobalEvery = 20 * time.Millisecond
)

// ThrottleOptions configures a Throttle. The zero value has the default limits.
type ThrottleOptions struct {
	Limits
	// Failures are shared with other nodes. Nil keeps them in memory.
	Failures Failures
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Throttle limits attempts to log in that fail: per user, per network and
// altogether. Attempts that are under way count as if they had failed, so that
// many at once gain nothing; a success takes itself back and clears the count of
// its user, never that of the network, or an attacker would clear it with an
// account of his own. A login that succeeds where nothing had failed costs no
// write to Failures.
//
// What is under way at other nodes is not seen. So n nodes may grant n times the
// burst to attempts at the very same time; each failure is charged in full, and
// the limit holds again after the longer pause that they have earned.
//
// An attempt that any limit refuses is charged to none. So a network that is
// over its limit cannot use up the attempts of a user elsewhere. An attempt from a
// device that the user has logged in with before goes by the count of that user
// at that device alone: nobody can lock somebody out by failing in his name, from
// his network, or at all. Sessions that exist are not its business.
//
// It outlives a reload of the configuration; a nil Throttle limits nothing. Its
// methods may be called from any goroutine.
type Throttle struct {
	now      func() time.Time
	failures Failures

	mu     sync.Mutex
	limits Limits
	// running are the attempts under way at this node.
	running map[Counter]int
}

// NewThrottle makes a Throttle.
func NewThrottle(o ThrottleOptions) *Throttle {
	t := &Throttle{now: o.Now, failures: o.Failures, running: make(map[Counter]int)}
	if t.now == nil {
		t.now = time.Now
	}
	if t.failures == nil {
		t.failures = newInMemory()
	}
	t.Configure(o.Limits)
	return t
}

// Configure puts limits in force. What has failed stays counted.
func (t *Throttle) Configure(limits Limits) {
	limits.User = limits.User.or(DefaultUserBurst, DefaultUserEvery)
	limits.Network = limits.Network.or(DefaultNetworkBurst, DefaultNetworkEvery)
	limits.Global = limits.Global.or(DefaultGlobalBurst, DefaultGlobalEvery)
	t.mu.Lock()
	t.limits = limits
	t.mu.Unlock()
}

// Origin says who tries to log in, and from where.
type Origin struct {
	// User is a canonical name; empty where none is known beforehand: then only the
	// other limits apply.
	User string
	// Device is the id of one that this user has logged in with before; empty for
	// any other.
	Device string
	// Remote is the address of the client. Attempts without a valid one share a
	// network.
	Remote netip.Addr
}

// counters are what an attempt is counted by, and the limit of each.
func (o Origin) counters(limits Limits) map[Counter]Limit {
	counters := make(map[Counter]Limit, 3)
	add := func(kind CounterKind, id string, limit Limit) {
		if limit.Burst >= 0 {
			counters[Counter{kind, id}] = limit
		}
	}
	if o.User != "" && o.Device != "" {
		add(CountDevice, o.Device+" "+o.User, limits.User)
		return counters
	}
	if o.User != "" {
		add(CountUser, o.User, limits.User)
	}
	add(CountNetwork, networkOf(o.Remote).String(), limits.Network)
	add(CountGlobal, "", limits.Global)
	return counters
}

// Begin grants an attempt, which must be ended, or refuses it: with an *Error of
// status 429 that says when the next one is granted, or one that wraps
// ErrUnavailable if nobody can tell.
func (t *Throttle) Begin(ctx context.Context, origin Origin) (*Trial, error) {
	if t == nil {
		return nil, nil
	}
	t.mu.Lock()
	limits := origin.counters(t.limits)
	t.mu.Unlock()
	trial := &Trial{throttle: t, limits: limits, counters: slices.Collect(maps.Keys(limits))}
	// What is over its limit already must not weigh on others, so it is refused
	// before it counts as under way.
	if err := trial.check(ctx, make([]int, len(trial.counters))); err != nil {
		return nil, err
	}
	// What ends from here on is among those under way, what has ended before is
	// among the debts: between them, nothing is missed.
	running := trial.enter()
	if err := trial.check(ctx, running); err != nil {
		trial.Void()
		return nil, err
	}
	return trial, nil
}

// check refuses an attempt if a debt is too high, together with the others that
// are under way.
func (t *Trial) check(ctx context.Context, running []int) error {
	debts, err := t.throttle.failures.Debts(ctx, t.counters)
	if err != nil {
		return uncounted(ctx, err)
	}
	now := t.throttle.now()
	var wait time.Duration
	for i, counter := range t.counters {
		wait = max(wait, t.limits[counter].wait(debts[i], now, running[i]))
		t.owed = t.owed || counter.ofUser() && debts[i].After(now)
	}
	if wait > 0 {
		return &Error{
			Status: http.StatusTooManyRequests, Message: "Too many attempts to log in. Please wait and try again.",
			RetryAfter: wait, Err: ErrThrottled,
		}
	}
	return nil
}

// enter counts an attempt as under way, and returns how many others were.
func (t *Trial) enter() []int {
	others := make([]int, len(t.counters))
	t.throttle.mu.Lock()
	defer t.throttle.mu.Unlock()
	t.entered = true
	for i, counter := range t.counters {
		others[i] = t.throttle.running[counter]
		t.throttle.running[counter]++
	}
	return others
}

func uncounted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: counting failed logins: %w", ErrUnavailable, err)
}

// ofUser reports whether a counter is about one user.
func (c Counter) ofUser() bool { return c.Kind == CountUser || c.Kind == CountDevice }

// Trial is an attempt under way. It ends with the first call of one of its methods.
// Those of a nil Trial do nothing.
type Trial struct {
	throttle *Throttle
	limits   map[Counter]Limit
	counters []Counter // the keys of limits
	owed     bool
	entered  bool
}

// Failed charges the attempt. An error wraps ErrUnavailable: then the attempt must
// not be answered, or who can keep the hub from counting could guess on.
func (t *Trial) Failed(ctx context.Context) error {
	if t == nil {
		return nil
	}
	defer t.Void()
	charges := make([]Charge, 0, len(t.limits))
	for counter, limit := range t.limits {
		charges = append(charges, Charge{counter, limit.Every})
	}
	// Whoever hangs up is charged all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), chargeTimeout)
	defer cancel()
	if err := t.throttle.failures.Charge(ctx, t.throttle.now(), charges); err != nil {
		return fmt.Errorf("%w: counting failed logins: %w", ErrUnavailable, err)
	}
	return nil
}

// chargeTimeout is how long a failure may take to be counted.
const chargeTimeout = 5 * time.Second

// Succeeded takes the attempt back. With own, it was the login of the user that
// it was counted for, and what had failed is forgiven.
func (t *Trial) Succeeded(ctx context.Context, own bool) error {
	if t == nil {
		return nil
	}
	defer t.Void()
	if !own || !t.owed {
		return nil
	}
	var forgiven []Counter
	for counter := range t.limits {
		if counter.ofUser() {
			forgiven = append(forgiven, counter)
		}
	}
	return t.throttle.failures.Forgive(ctx, forgiven)
}

// Void takes the attempt back: it came to nothing for which who tried could help.
func (t *Trial) Void() {
	if t == nil {
		return
	}
	t.throttle.mu.Lock()
	defer t.throttle.mu.Unlock()
	if !t.entered {
		return
	}
	t.entered = false
	for counter := range t.limits {
		if t.throttle.running[counter]--; t.throttle.running[counter] <= 0 {
			delete(t.throttle.running, counter)
		}
	}
}

// wait is how long until one more failure is granted; zero if it is now.
func (l Limit) wait(debt, now time.Time, running int) time.Duration {
	if debt.Before(now) {
		debt = now
	}
	next := debt.Add(time.Duration(running+1-l.Burst) * l.Every)
	return max(next.Sub(now), 0)
}

// or fills in what is missing. A pause of nothing would be no limit at all, so it
// counts as missing too.
func (l Limit) or(burst int, every time.Duration) Limit {
	if l.Every <= 0 {
		l.Every = every
	}
	return Limit{Burst: cmp.Or(l.Burst, burst), Every: l.Every}
}
