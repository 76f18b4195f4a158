package cull

import (
	"cmp"
	"time"
)

// Settings say what is culled and when. The zero Settings cull nothing.
type Settings struct {
	// Idle is how long a server, or a user, must have been inactive (the
	// culler's timeout). Zero: inactivity is no reason.
	Idle time.Duration
	// ByInteraction measures how long nobody has done anything with a server
	// (idle_by interaction), instead of JupyterHub's last_activity, which pages
	// that nobody looks at keep young, and kernels that work. A user is measured
	// by last_activity, either way.
	ByInteraction bool
	// MaxAge is how old a server may become, and how long ago a user may have
	// been created, active or not (max_age). Zero: age is no reason.
	MaxAge time.Duration
	// Interval is how often to look (cull_every). Zero means half of Idle, or of
	// MaxAge if Idle is zero.
	Interval time.Duration
	// KeepDefaultServers leaves servers without a name alone
	// (cull_default_servers off) unless they are too old.
	KeepDefaultServers bool
	// KeepNamedServers leaves named servers alone (cull_named_servers off) unless
	// they are too old.
	KeepNamedServers bool
	// RemoveNamedServers forgets a named server that was stopped, so that its
	// user does not find it in the list again (remove_named_servers).
	RemoveNamedServers bool
	// Users deletes users as well, who have no server running (cull_users).
	Users bool
	// KeepAdmins never deletes administrators (cull_admin_users off) unless they
	// are too old.
	KeepAdmins bool
	// Concurrency is how many are stopped or deleted at once. Zero means 10.
	Concurrency int
}

// Grace is how long a hub watches, at most, before it takes anything for idle:
// servers report their activity every five minutes, so after twice that each has
// been heard of, if it lives.
const Grace = 10 * time.Minute

// minInterval keeps mistakes from making the culler a busy loop.
const minInterval = time.Second

func (s Settings) enabled() bool { return s.Idle > 0 || s.MaxAge > 0 }

func (s Settings) interval() time.Duration {
	return max(minInterval, cmp.Or(s.Interval, s.Idle/2, s.MaxAge/2))
}

func (s Settings) concurrency() int { return cmp.Or(max(s.Concurrency, 0), 10) }

func (s Settings) grace() time.Duration { return min(s.Idle, Grace) }

// The reasons to cull.
const (
	// ReasonIdle: nobody has used it for too long.
	ReasonIdle = "idle"
	// ReasonAge: it is too old, used or not.
	ReasonAge = "max_age"
)

// subject is a server or user as the rules see it.
type subject struct {
	// idle is since when nobody has used it, born when it began.
	idle, born time.Time
	// kept says that inactivity is no reason.
	kept bool
}

// judge returns why a subject goes; empty if it stays. Nothing counts as idle
// from before since.
func (s Settings) judge(what subject, now, since time.Time) (reason string) {
	watched := now.Sub(since) >= s.grace()
	switch {
	case s.Idle > 0 && watched && !what.kept && now.Sub(what.idle) >= s.Idle:
		return ReasonIdle
	case s.MaxAge > 0 && now.Sub(what.born) >= s.MaxAge:
		return ReasonAge
	}
	return ""
}
