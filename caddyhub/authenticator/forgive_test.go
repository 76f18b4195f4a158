package authenticator

import (
	"errors"
	"testing"
	"time"
)

func TestForgive(t *testing.T) {
	now := time.Unix(1e9, 0)
	one := Limit{Burst: 1, Every: time.Hour}
	for about, test := range map[string]struct {
		forgiven Forgiven
		wait     time.Duration
		then     map[string]bool // user and remote -> granted
	}{
		"the user":    {Forgiven{User: "ada"}, time.Hour, map[string]bool{"ada 198.51.100.1": true, "eve 192.0.2.1": false}},
		"the network": {Forgiven{Remote: addr("192.0.2.1")}, time.Hour, map[string]bool{"ada 198.51.100.1": false, "eve 192.0.2.1": true}},
		"both":        {Forgiven{User: "ada", Remote: addr("192.0.2.1")}, time.Hour, map[string]bool{"ada 192.0.2.1": true}},
		"nobody":      {Forgiven{}, 0, map[string]bool{"ada 198.51.100.1": false, "eve 192.0.2.1": false}},
		"another":     {Forgiven{User: "bob", Remote: addr("198.51.100.9")}, 0, map[string]bool{"ada 198.51.100.1": false}},
	} {
		throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: one, Network: one, Global: unlimited}, Now: func() time.Time { return now }})
		granted(throttle, "ada", "192.0.2.1")
		wait, err := throttle.Forgive(t.Context(), test.forgiven)
		if err != nil || wait != test.wait {
			t.Errorf("%s: %v, %v, want %v", about, wait, err, test.wait)
		}
		for origin, want := range test.then {
			if got := granted(throttle, origin[:3], origin[4:]); got != want {
				t.Errorf("%s: then %s is granted: %v", about, origin, got)
			}
		}
	}
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{Global: one}, Now: func() time.Time { return now }})
	granted(throttle, "ada", "192.0.2.1")
	if wait, err := throttle.Forgive(t.Context(), Forgiven{Global: true}); err != nil || wait != time.Hour || !granted(throttle, "bob", "192.0.2.9") {
		t.Errorf("all together: %v, %v", wait, err)
	}
	throttle = NewThrottle(ThrottleOptions{Failures: away{write: errors.New("away")}})
	if _, err := throttle.Forgive(t.Context(), Forgiven{User: "ada"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("store away: %v", err)
	}
	if wait, err := (*Throttle)(nil).Forgive(t.Context(), Forgiven{User: "ada"}); wait != 0 || err != nil {
		t.Errorf("no throttle: %v, %v", wait, err)
	}
}
