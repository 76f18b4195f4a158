package authenticator

import (
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

func granted(t *Throttle, user, remote string) bool { return t.Allow(user, addr(remote)) == nil }

func TestThrottlePerUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := NewThrottle(ThrottleOptions{User: Limit{2, time.Minute}, Network: unlimited, Global: unlimited})
		for i := range 4 { // from a new address each time
			if got, want := granted(throttle, "ada", fmt.Sprintf("192.0.2.%d", i)), i < 2; got != want {
				t.Errorf("attempt %d granted: %v, want %v", i, got, want)
			}
		}
		if !granted(throttle, "eve", "192.0.2.1") {
			t.Error("another user was refused")
		}
		time.Sleep(59 * time.Second)
		if err := throttle.Allow("ada", addr("192.0.2.9")); !errors.Is(err, ErrThrottled) {
			t.Errorf("a second early: %v", err)
		} else if _, _, wait := Describe(err); wait <= 0 || wait > time.Second+time.Millisecond {
			t.Errorf("wait %v, want a second", wait)
		}
		time.Sleep(time.Second)
		if !granted(throttle, "ada", "192.0.2.9") || granted(throttle, "ada", "192.0.2.9") {
			t.Error("after a minute there must be one attempt and no more")
		}
		throttle.Forget("ada")
		for attempt, want := range []bool{true, true, false} {
			if granted(throttle, "ada", "192.0.2.9") != want {
				t.Errorf("attempt %d after Forget: want granted %v", attempt+1, want)
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
			throttle := NewThrottle(ThrottleOptions{User: unlimited, Network: Limit{1, time.Minute}, Global: unlimited})
			if !granted(throttle, "a", test.first) {
				t.Fatal("the first attempt was refused")
			}
			throttle.Forget("a") // clears no network
			if got := granted(throttle, "b", test.second); got == test.shared {
				t.Errorf("%s after %s granted: %v", test.second, test.first, got)
			}
		})
	}
}

func TestThrottleGlobal(t *testing.T) {
	throttle := NewThrottle(ThrottleOptions{User: unlimited, Network: unlimited, Global: Limit{3, time.Minute}})
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
	throttle := NewThrottle(ThrottleOptions{
		User: Limit{2, time.Hour}, Network: Limit{3, time.Hour}, Global: Limit{6, time.Hour}, Now: func() time.Time { return now },
	})
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
	throttle := NewThrottle(ThrottleOptions{User: Limit{1, time.Hour}})
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
		throttle := NewThrottle(ThrottleOptions{User: test.limit, Now: func() time.Time { return now }})
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
	none.Forget("ada")
	if !granted(none, "ada", "192.0.2.1") {
		t.Error("a nil Throttle refused")
	}
}

func TestThrottleConcurrently(t *testing.T) {
	now := time.Unix(1e9, 0)
	throttle := NewThrottle(ThrottleOptions{User: Limit{5, time.Hour}, Now: func() time.Time { return now }})
	var count atomic.Int64
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if granted(throttle, "ada", "192.0.2.1") {
				count.Add(1)
			}
		})
	}
	group.Wait()
	if count.Load() != 5 {
		t.Errorf("%d attempts at once were granted, want 5", count.Load())
	}
}

// However many names are tried, memory stays within its bound.
func TestThrottleIsBounded(t *testing.T) {
	throttle := NewThrottle(ThrottleOptions{Network: unlimited, Global: unlimited})
	for i := range 3 * maxThrottled {
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if err := throttle.Allow(fmt.Sprint("user", i), ip); err != nil {
			t.Fatal(err)
		}
	}
	for kind, n := range map[string]int{
		"users": len(throttle.users.entries), "users in order": throttle.users.recent.Len(),
		"networks": len(throttle.networks.entries), "networks in order": throttle.networks.recent.Len(),
	} {
		if n != maxThrottled {
			t.Errorf("%s: %d kept, want %d", kind, n, maxThrottled)
		}
	}
}

// Attempts that are refused push no counter out.
func TestRefusedAttemptsEnterNothing(t *testing.T) {
	throttle := NewThrottle(ThrottleOptions{Global: Limit{1, time.Hour}})
	granted(throttle, "ada", "192.0.2.1")
	for i := range 10 {
		if granted(throttle, fmt.Sprint("user", i), fmt.Sprintf("192.0.2.%d", i+2)) {
			t.Fatal("the global limit was not charged")
		}
	}
	if users, networks := len(throttle.users.entries), len(throttle.networks.entries); users != 1 || networks != 1 {
		t.Errorf("%d users and %d networks are counted, want one each", users, networks)
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
	throttle := NewThrottle(ThrottleOptions{User: Limit{1, time.Minute}})
	if err := throttle.Allow("ada", netip.Addr{}); err != nil {
		t.Fatalf("the first attempt: %v", err)
	}
	status, message, wait := Describe(throttle.Allow("ada", netip.Addr{}))
	if status != http.StatusTooManyRequests || message == "" || wait <= 0 || wait > time.Minute {
		t.Errorf("%d %q, wait %v", status, message, wait)
	}
}
