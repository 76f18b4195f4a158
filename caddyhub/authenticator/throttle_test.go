package authenticator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// unlimited switches a limit off, so that a test sees one alone.
var unlimited = Limit{Burst: -1}

func addr(s string) netip.Addr {
	a, _ := netip.ParseAddr(s)
	return a
}

// fail makes an attempt that fails, or returns why it may not be made.
func fail(t *Throttle, user, remote string) error {
	trial, err := t.Begin(context.Background(), Origin{User: user, Remote: addr(remote)})
	if err != nil {
		return err
	}
	return trial.Failed(context.Background())
}

// succeed makes one that succeeds, as that user.
func succeed(t *Throttle, user, remote string) error {
	trial, err := t.Begin(context.Background(), Origin{User: user, Remote: addr(remote)})
	if err != nil {
		return err
	}
	return trial.Succeeded(context.Background(), true)
}

func granted(t *Throttle, user, remote string) bool { return fail(t, user, remote) == nil }

func TestThrottlePerUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: Limit{2, time.Minute}, Network: unlimited, Global: unlimited}})
		for i := range 4 { // from a new address each time
			if got, want := granted(throttle, "ada", fmt.Sprintf("192.0.2.%d", i)), i < 2; got != want {
				t.Errorf("attempt %d granted: %v, want %v", i, got, want)
			}
		}
		if !granted(throttle, "eve", "192.0.2.1") {
			t.Error("another user was refused")
		}
		time.Sleep(59 * time.Second)
		if err := fail(throttle, "ada", "192.0.2.9"); !errors.Is(err, ErrThrottled) {
			t.Errorf("a second early: %v", err)
		} else if _, _, wait := Describe(err); wait <= 0 || wait > time.Second+time.Millisecond {
			t.Errorf("wait %v, want a second", wait)
		}
		time.Sleep(time.Second)
		if !granted(throttle, "ada", "192.0.2.9") || granted(throttle, "ada", "192.0.2.9") {
			t.Error("after a minute there must be one attempt and no more")
		}
		time.Sleep(time.Minute)
		if err := succeed(throttle, "ada", "192.0.2.9"); err != nil {
			t.Fatal(err)
		}
		for attempt, want := range []bool{true, true, false} {
			if granted(throttle, "ada", "192.0.2.9") != want {
				t.Errorf("attempt %d after a success: want granted %v", attempt+1, want)
			}
		}
	})
}

func TestThrottlePerNetwork(t *testing.T) {
	for name, test := range map[string]struct {
		first, second string
		shared        bool
	}{
		"same IPv4":         {"192.0.2.1", "192.0.2.1", true},
		"neighbours in v4":  {"192.0.2.1", "192.0.2.2", false},
		"same /64":          {"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
		"another /64":       {"2001:db8::1", "2001:db8:0:1::1", false},
		"IPv4 in IPv6":      {"192.0.2.1", "::ffff:192.0.2.1", true},
		"zones":             {"fe80::1%eth0", "fe80::2%eth1", true},
		"no address, twice": {"", "not an address", true},
		"no address":        {"", "0.0.0.0", false},
	} {
		t.Run(name, func(t *testing.T) {
			throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: unlimited, Network: Limit{1, time.Minute}, Global: unlimited}})
			if !granted(throttle, "a", test.first) {
				t.Fatal("the first attempt was refused")
			}
			_ = succeed(throttle, "a", "198.51.100.1") // clears no network
			if got := granted(throttle, "b", test.second); got == test.shared {
				t.Errorf("%s after %s granted: %v", test.second, test.first, got)
			}
		})
	}
}

func TestThrottleGlobal(t *testing.T) {
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: unlimited, Network: unlimited, Global: Limit{3, time.Minute}}})
	for i := range 5 {
		if got, want := granted(throttle, fmt.Sprint(i), fmt.Sprintf("192.0.2.%d", i)), i < 3; got != want {
			t.Errorf("attempt %d granted: %v, want %v", i, got, want)
		}
	}
}

// A network over its limit must not use up the attempts of a user elsewhere, nor
// those of everybody; a user over his limit must not use up those of his network.
func TestThrottleChargesAllOrNone(t *testing.T) {
	now := time.Unix(1e9, 0)
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{
		User: Limit{2, time.Hour}, Network: Limit{3, time.Hour}, Global: Limit{6, time.Hour},
	}, Now: func() time.Time { return now }})
	for range 100 {
		granted(throttle, "ada", "192.0.2.1") // ada: 0 left, network 1: 1 left, global: 4 left
	}
	if !granted(throttle, "eve", "192.0.2.1") { // network 1: 0 left, eve: 1 left
		t.Error("the refused attempts of one user were charged to the network")
	}
	for range 100 {
		granted(throttle, "eve", "192.0.2.1")
		granted(throttle, "bob", "192.0.2.1")
	}
	for _, user := range []string{"eve", "bob", "bob"} { // global: 0 left
		if !granted(throttle, user, "192.0.2.2") {
			t.Errorf("the refused attempts of a network were charged to %s or to all", user)
		}
	}
	if granted(throttle, "new", "192.0.2.3") {
		t.Error("the global limit was not charged")
	}
}

func TestThrottleWithoutUser(t *testing.T) {
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: Limit{1, time.Hour}}})
	for range 10 {
		if !granted(throttle, "", "192.0.2.1") {
			t.Fatal("attempts without a name shared the limit of a user")
		}
	}
}

// A limit that is filled in by half must not be none.
func TestThrottleDefaults(t *testing.T) {
	now := time.Unix(1e9, 0)
	for name, test := range map[string]struct {
		limit Limit
		want  int
	}{
		"zero":         {Limit{}, DefaultUserBurst},
		"only a burst": {Limit{Burst: 4}, 4},
		"only a pause": {Limit{Every: time.Hour}, DefaultUserBurst},
		"negative":     {Limit{Burst: 3, Every: -1}, 3},
		"switched off": {unlimited, 100},
	} {
		throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: test.limit}, Now: func() time.Time { return now }})
		got := 0
		for range 100 {
			if granted(throttle, "ada", "192.0.2.1") {
				got++
			}
		}
		if got != test.want {
			t.Errorf("%s: %d attempts granted, want %d", name, got, test.want)
		}
	}
	var none *Throttle
	if err := succeed(none, "ada", "192.0.2.1"); err != nil {
		t.Error(err)
	}
	if !granted(none, "ada", "192.0.2.1") {
		t.Error("a nil Throttle refused")
	}
}

// Attempts at once gain nothing: those under way count, and whatever order they
// end in, no more than the burst fail.
func TestThrottleConcurrently(t *testing.T) {
	now := time.Unix(1e9, 0)
	for name, test := range map[string]struct {
		end   func(*Trial) error
		least int64
	}{
		"under way": {func(*Trial) error { return nil }, 5},
		// One that has just ended may be counted twice for a moment.
		"failing": {func(trial *Trial) error { return trial.Failed(context.Background()) }, 1},
	} {
		throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: Limit{5, time.Hour}}, Now: func() time.Time { return now }})
		var count atomic.Int64
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				trial, err := throttle.Begin(context.Background(), Origin{User: "ada"})
				if err == nil && test.end(trial) == nil {
					count.Add(1)
				}
			})
		}
		group.Wait()
		if n := count.Load(); n < test.least || n > 5 {
			t.Errorf("%s: %d of 50 attempts at once were granted, want %d to 5", name, n, test.least)
		}
	}
}

// A class that logs in at nine o'clock is never in its own way.
func TestSuccessIsNotCharged(t *testing.T) {
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: Limit{1, time.Hour}, Network: Limit{1, time.Hour}, Global: Limit{1, time.Hour}}})
	for i := range 10 {
		if err := succeed(throttle, fmt.Sprint("user", i%2), "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
	}
	if len(throttle.running) != 0 {
		t.Errorf("%v are still under way", throttle.running)
	}
}

func TestConfigureKeepsWhatHasFailed(t *testing.T) {
	now := time.Unix(1e9, 0)
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: Limit{3, time.Hour}}, Now: func() time.Time { return now }})
	for range 3 {
		granted(throttle, "ada", "192.0.2.1")
	}
	throttle.Configure(Limits{User: Limit{4, time.Hour}})
	if !granted(throttle, "ada", "192.0.2.1") || granted(throttle, "ada", "192.0.2.1") {
		t.Error("a limit that is raised by one must grant one more")
	}
	throttle.Configure(Limits{User: unlimited})
	if !granted(throttle, "ada", "192.0.2.1") {
		t.Error("refused without a limit")
	}
}

// away are failures that cannot be reached.
type away struct{ read, write error }

func (a away) Debts(_ context.Context, counters []Counter) ([]time.Time, error) {
	return make([]time.Time, len(counters)), a.read
}
func (a away) Charge(context.Context, time.Time, []Charge) error { return a.write }
func (a away) Forgive(context.Context, []Counter) error          { return a.write }

// Whoever can keep the hub from counting must not be able to guess.
func TestThrottleFailsClosed(t *testing.T) {
	broken := errors.New("store: unavailable")
	for name, failures := range map[string]away{"reading": {read: broken}, "writing": {write: broken}} {
		throttle := NewThrottle(ThrottleOptions{Failures: failures})
		err := fail(throttle, "ada", "192.0.2.1")
		if status, _, _ := Describe(err); !errors.Is(err, ErrUnavailable) || status != http.StatusServiceUnavailable {
			t.Errorf("%s: %v, status %d", name, err, status)
		}
		login := mustLogin(t, Options{Rules: Rules{AllowAll: true}, Throttle: throttle}, Named{"this", &script{err: ErrDenied}})
		_, err = login.Login(t.Context(), "this", attemptOf("ada"))
		if status, _, _ := Describe(err); status != http.StatusServiceUnavailable {
			t.Errorf("%s: a wrong password is answered %d, want 503", name, status)
		}
		if len(throttle.running) != 0 {
			t.Errorf("%s: %v are still under way", name, throttle.running)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewThrottle(ThrottleOptions{Failures: away{read: broken}}).Begin(ctx, Origin{}); !errors.Is(err, context.Canceled) {
		t.Errorf("hung up: %v", err)
	}
}

// However many names are tried, memory stays within its bound.
func TestThrottleIsBounded(t *testing.T) {
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{Network: unlimited, Global: unlimited}})
	for i := range 2 * maxCounted {
		if !granted(throttle, fmt.Sprint("user", i), "192.0.2.1") {
			t.Fatal("refused")
		}
	}
	debts := throttle.failures.(*inMemory).debts
	if n, ordered := len(debts.entries), debts.recent.Len(); n != maxCounted || ordered != maxCounted {
		t.Errorf("%d kept, %d in order, want %d", n, ordered, maxCounted)
	}
}

// Attempts that are refused push no counter out.
func TestRefusedAttemptsEnterNothing(t *testing.T) {
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{Global: Limit{1, time.Hour}}})
	granted(throttle, "ada", "192.0.2.1")
	for i := range 10 {
		if granted(throttle, fmt.Sprint("user", i), fmt.Sprintf("192.0.2.%d", i+2)) {
			t.Fatal("the global limit was not charged")
		}
	}
	if n := len(throttle.failures.(*inMemory).debts.entries); n != 3 {
		t.Errorf("%d counters, want those of one attempt", n)
	}
}

func TestLRUKeepsTheRecent(t *testing.T) {
	made := 0
	cache := newLRU[string](2, func() int { made++; return made })
	cache.get("a")
	cache.get("b")
	cache.get("a")
	cache.get("c") // b was not used for the longest time
	if a := cache.get("a"); a != 1 {
		t.Errorf("a was made again: %d", a)
	}
	if b := cache.get("b"); b != 4 {
		t.Errorf("b is %d, want a new one", b)
	}
	cache.drop("b")
	cache.drop("never there")
	if b := cache.get("b"); b != 5 {
		t.Errorf("b is %d after drop, want a new one", b)
	}
}

func TestThrottleMessage(t *testing.T) {
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: Limit{1, time.Minute}}})
	if err := fail(throttle, "ada", ""); err != nil {
		t.Fatalf("the first attempt: %v", err)
	}
	status, message, wait := Describe(fail(throttle, "ada", ""))
	if status != http.StatusTooManyRequests || message == "" || wait <= 0 || wait > time.Minute {
		t.Errorf("%d %q, wait %v", status, message, wait)
	}
}
