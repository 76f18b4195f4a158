package authenticator

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

func TestVouched(t *testing.T) {
	for name, test := range map[string]struct {
		rules Rules
		who   string
		admin bool
		want  error
	}{
		"no rule":              {Rules{}, "Ada", false, nil},
		"admins are no rule":   {Rules{Admins: []string{"grace"}}, "ada", false, nil},
		"an admin":             {Rules{Admins: []string{"ada"}}, "ada", true, nil},
		"allowed":              {Rules{Allow: []string{"ada"}}, "ada", false, nil},
		"others are allowed":   {Rules{Allow: []string{"bob"}}, "ada", false, ErrNotAllowed},
		"a group is allowed":   {Rules{AllowGroups: []string{"staff"}}, "ada", false, ErrNotAllowed},
		"blocked":              {Rules{AllowAll: true, Blocked: []string{"ada"}}, "ADA", false, ErrNotAllowed},
		"blocked without rule": {Rules{Blocked: []string{"ada"}}, "ada", false, ErrNotAllowed},
		"a name that is none":  {Rules{}, "a/b", false, ErrInvalidName},
	} {
		login := mustLogin(t, Options{Rules: test.rules}, Named{"this", &script{}})
		got, err := login.Vouched(t.Context(), "portal", netip.Addr{}, func() (Identity, error) { return Identity{Name: test.who}, nil })
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if err == nil && (got.User != "ada" || got.Authenticator != "" || (got.Admin != nil) != test.admin) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Guesses are charged to whoever makes them; trouble of ours and of the portal is
// charged to nobody.
func TestVouchedIsThrottled(t *testing.T) {
	trouble := errors.New("trouble")
	for _, test := range []struct {
		err, last error
	}{{ErrDenied, ErrThrottled}, {trouble, trouble}, {ErrUnavailable, ErrUnavailable}} {
		throttle := NewThrottle(ThrottleOptions{Limits: Limits{Network: Limit{Burst: 2, Every: time.Hour}}})
		login := mustLogin(t, Options{Throttle: throttle}, Named{"this", &script{}})
		var err error
		for range 3 {
			_, err = login.Vouched(t.Context(), "portal", netip.MustParseAddr("192.0.2.1"), func() (Identity, error) { return Identity{}, test.err })
		}
		if !errors.Is(err, test.last) {
			t.Errorf("%v: third time %v, want %v", test.err, err, test.last)
		}
		if _, err := login.Vouched(t.Context(), "portal", netip.MustParseAddr("192.0.2.2"), func() (Identity, error) { return Identity{Name: "ada"}, nil }); err != nil {
			t.Errorf("%v: another network: %v", test.err, err)
		}
	}
}
