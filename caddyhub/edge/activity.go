package edge

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

const (
	// activityPause is how exactly activity is noted. What moves more often costs a
	// look at the clock and no more.
	activityPause = time.Second
	// maxActivities bounds what is remembered of who was active where; beyond it
	// everything is forgotten, and found again by the next requests.
	maxActivities = 20_000
)

// activities are who was active where: one for all requests and WebSockets of the
// same visitor to the same server.
type activities struct {
	to *identity.Activity

	mu    sync.RWMutex
	known map[visitor]*activity
}

// visitor is who was active, and where.
type visitor struct {
	server               scope.Server
	user, service, token string
}

// activity is what counts as active together. It is a proxy.Activity.
type activity struct {
	to    *identity.Activity
	names []string
	// last is when it was noted last, in nanoseconds since 1970.
	last atomic.Int64
}

// of is the activity of a visit. What a server's own token does is not the user's.
func (a *activities) of(v *visit) *activity {
	who := visitor{server: v.client.Server}
	if token := v.Identity.Token; token != nil {
		who.token = token.ID
	}
	switch {
	case v.Identity.Token != nil && v.Identity.Token.OfServer():
	case v.Identity.User != nil:
		who.user = v.Identity.User.Name
	case v.Identity.Service != nil:
		who.service = v.Identity.Service.Name
	}
	a.mu.RLock()
	found := a.known[who]
	a.mu.RUnlock()
	if found != nil {
		return found
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil || len(a.known) >= maxActivities {
		a.known = make(map[visitor]*activity)
	}
	found = &activity{to: a.to, names: who.names()}
	a.known[who] = found
	return found
}

func (w visitor) names() []string {
	var names []string
	if !w.server.IsZero() {
		names = append(names, identity.ActivityOfServer(w.server.User, w.server.Name))
	}
	if w.token != "" {
		names = append(names, identity.ActivityOfToken(w.token))
	}
	if w.user != "" {
		names = append(names, identity.ActivityOfUser(w.user))
	}
	if w.service != "" {
		names = append(names, identity.ActivityOfService(w.service))
	}
	return names
}

// Touch notes activity.
func (a *activity) Touch(now time.Time) {
	at, last := now.UnixNano(), a.last.Load()
	if at-last < int64(activityPause) || !a.last.CompareAndSwap(last, at) {
		return
	}
	for _, name := range a.names {
		a.to.Touch(name, now)
	}
}
