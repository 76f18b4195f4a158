package authenticator

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// ErrThrottled is the cause of the 429 that Throttle answers.
var ErrThrottled = errors.New("authenticator: too many attempts to log in")

// Limit is a number of attempts at once, and the time after which one more is
// granted. What is zero in it takes the default of its kind; a negative Burst
// means no limit.
type Limit struct {
	Burst int
	Every time.Duration
}

// Limits of an unconfigured Throttle.
const (
	// The limit of a user stops the guessing of one password: 2,880 tries a day.
	DefaultUserBurst = 10
	DefaultUserEvery = 30 * time.Second
	// The limit of a network stops one place from trying many names, and lets a
	// class behind one address log in at nine o'clock.
	DefaultNetworkBurst = 300
	DefaultNetworkEvery = 500 * time.Millisecond
	// The global limit bounds what logins of the whole world cost the systems
	// behind the authenticators.
	DefaultGlobalBurst = 2000
	DefaultGlobalEvery = 20 * time.Millisecond
)

// maxThrottled bounds the memory for users, and again for networks, to some 10 MB
// with the longest names. Only granted attempts enter a counter, so whoever wants
// to push one out needs six minutes at the default global limit, and by then it
// would have recovered by itself.
const maxThrottled = 20_000

// ThrottleOptions configures a Throttle. The zero value has the default limits.
type ThrottleOptions struct {
	User    Limit
	Network Limit
	Global  Limit
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Throttle limits attempts to log in: per user, per network (the /32 of IPv4, the
// /64 of IPv6) and altogether. It counts attempts as they begin, so that many at
// once gain nothing; a success clears the count of its user, never that of the
// network, or an attacker would clear it with an account of his own.
//
// An attempt that any limit refuses is charged to none. So a network that is
// over its limit cannot use up the attempts of a user elsewhere. Sessions that
// exist are not its business: whoever is logged in stays so.
//
// It is meant to outlive a reload of the configuration; a nil Throttle limits
// nothing. Its methods may be called from any goroutine.
type Throttle struct {
	now func() time.Time

	mu       sync.Mutex // over the three together, to charge all or none
	users    *lru[string, *rate.Limiter]
	networks *lru[netip.Prefix, *rate.Limiter]
	global   *rate.Limiter
}

// NewThrottle makes a Throttle with all attempts left.
func NewThrottle(o ThrottleOptions) *Throttle {
	user := o.User.or(DefaultUserBurst, DefaultUserEvery)
	network := o.Network.or(DefaultNetworkBurst, DefaultNetworkEvery)
	t := &Throttle{
		now:      o.Now,
		users:    newLRU[string](maxThrottled, user.limiter),
		networks: newLRU[netip.Prefix](maxThrottled, network.limiter),
		global:   o.Global.or(DefaultGlobalBurst, DefaultGlobalEvery).limiter(),
	}
	if t.now == nil {
		t.now = time.Now
	}
	return t
}

// Allow counts an attempt, or refuses it with an *Error of status 429 that says
// when the next one is granted. The user is a canonical name; where none is
// known beforehand it is empty and only the other limits apply. Attempts without
// a valid address share one network.
func (t *Throttle) Allow(user string, remote netip.Addr) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	network := networkOf(remote)
	wait := waitFor(t.global, now)
	if limiter, counted := t.networks.peek(network); counted {
		wait = max(wait, waitFor(limiter, now))
	}
	if limiter, counted := t.users.peek(user); counted {
		wait = max(wait, waitFor(limiter, now))
	}
	if wait > 0 {
		return &Error{
			Status: http.StatusTooManyRequests, Message: "Too many attempts to log in. Please wait and try again.",
			RetryAfter: wait, Err: ErrThrottled,
		}
	}
	t.global.AllowN(now, 1)
	t.networks.get(network).AllowN(now, 1)
	if user != "" {
		t.users.get(user).AllowN(now, 1)
	}
	return nil
}

// Forget clears what was counted of a user. Call it when he has logged in.
func (t *Throttle) Forget(user string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.users.drop(user)
}

// waitFor is how long until the limiter grants one more; zero if it does now.
func waitFor(limiter *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - limiter.TokensAt(now)
	if limiter.Limit() == rate.Inf || missing <= 0 {
		return 0
	}
	// At least a moment: a rounding to nothing would read as granted.
	return max(time.Duration(math.Ceil(missing/float64(limiter.Limit())*float64(time.Second))), 1)
}

// or fills in what is missing. A pause of nothing would be no limit at all, so it
// counts as missing too.
func (l Limit) or(burst int, every time.Duration) Limit {
	if l.Every <= 0 {
		l.Every = every
	}
	return Limit{Burst: cmp.Or(l.Burst, burst), Every: l.Every}
}

func (l Limit) limiter() *rate.Limiter {
	if l.Burst < 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Every(l.Every), l.Burst)
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
