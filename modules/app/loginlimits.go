package app

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// LoginLimits bounds how many attempts to log in may fail, on all nodes together;
// beyond it attempts are answered 429. Those who are logged in stay so, and a user
// comes in from a browser that he has logged in with before however many others
// fail in his name. Logins that succeed do not count.
type LoginLimits struct {
	// User is for each user. Default: 10, and one more every 30s.
	User *LoginLimit `json:"user,omitempty"`
	// Network is for each IPv4 address and each /64 of IPv6. Default: 300, and one
	// more every 500ms.
	Network *LoginLimit `json:"network,omitempty"`
	// Global is for all together. Default: 2000, and one more every 20ms.
	Global *LoginLimit `json:"global,omitempty"`
}

// LoginLimit is a number of failures, and how fast they are forgotten.
type LoginLimit struct {
	// Attempts may fail at once, 1 to 100000; a negative number means no limit.
	// Default: see LoginLimits.
	Attempts int `json:"attempts,omitempty"`
	// Every is the time after which one more may fail, 1ms to 1h. Default: see
	// LoginLimits.
	Every words.Duration `json:"every,omitempty"`
}

// Bounds of a LoginLimit; with both at their most, times are still far from an
// overflow.
const (
	maxLoginAttempts = 100_000
	minLoginEvery    = time.Millisecond
	maxLoginEvery    = time.Hour
)

// parseLoginLimits reads login_limits. Syntax:
//
//	login_limits {
//		user    <attempts> [<duration>] | off
//		network <attempts> [<duration>] | off
//		global  <attempts> [<duration>] | off
//	}
func (a *App) parseLoginLimits(d *caddyfile.Dispenser) error {
	a.LoginLimits = new(LoginLimits)
	return block(d, "login_limits", map[string]words.Word{
		"user":    toLoginLimit(&a.LoginLimits.User),
		"network": toLoginLimit(&a.LoginLimits.Network),
		"global":  toLoginLimit(&a.LoginLimits.Global),
	})
}

func toLoginLimit(field **LoginLimit) words.Word {
	return words.Once(func(d *caddyfile.Dispenser) error {
		word, args := d.Val(), d.RemainingArgs()
		limit := new(LoginLimit)
		*field = limit
		if len(args) == 1 && args[0] == "off" {
			limit.Attempts = -1
			return nil
		}
		if len(args) < 1 || len(args) > 2 {
			return d.Errf("%s takes a number of attempts and the time after which there is one more, such as \"10 30s\", or \"off\"", word)
		}
		var err error
		if limit.Attempts, err = strconv.Atoi(args[0]); err != nil || limit.Attempts < 1 {
			return d.Errf("%s takes a number of attempts from 1 on, or \"off\", not %q", word, args[0])
		}
		if len(args) == 2 {
			if limit.Every, err = words.ParseDuration(args[1]); err != nil {
				return d.Errf("%s: %w", word, err)
			}
		}
		if err := limit.check(); err != nil {
			return d.Errf("%s: %w", word, err)
		}
		return nil
	})
}

func (l *LoginLimit) check() error {
	every := time.Duration(l.Every)
	if l.Attempts > maxLoginAttempts || every != 0 && (every < minLoginEvery || every > maxLoginEvery) {
		return fmt.Errorf("at most %d attempts, and one more after %v to %v", maxLoginAttempts, minLoginEvery, maxLoginEvery)
	}
	return nil
}

func (l *LoginLimit) limit() authenticator.Limit {
	if l == nil {
		return authenticator.Limit{}
	}
	return authenticator.Limit{Burst: l.Attempts, Every: time.Duration(l.Every)}
}

// loginLimits are the limits in force.
func (a *App) loginLimits() authenticator.Limits {
	if a.LoginLimits == nil {
		return authenticator.Limits{}
	}
	l := a.LoginLimits
	return authenticator.Limits{User: l.User.limit(), Network: l.Network.limit(), Global: l.Global.limit()}
}

// checkLoginLimits checks those that came as JSON.
func (a *App) checkLoginLimits() error {
	if a.LoginLimits == nil {
		return nil
	}
	var found []error
	for _, limit := range []*LoginLimit{a.LoginLimits.User, a.LoginLimits.Network, a.LoginLimits.Global} {
		if limit != nil {
			if err := limit.check(); err != nil {
				found = append(found, fmt.Errorf("caddyhub: login_limits: %w", err))
			}
		}
	}
	return errors.Join(found...)
}
