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

// activity is what counts as active together. It is a proxy.Interaction.
type activity struct {
	to    *identity.Activity
	names []string
	// interaction is the name for what a person does; empty if nobody does it.
	interaction string
	// touched and interacted are when each was noted last, in nanoseconds since
	// 1970.
	touched, interacted atomic.Int64
}

// of is the activity of a visit. What a server's own token does is not the user's,
// and nobody's interaction.
func (a *activities) of(v *visit) *activity {
	who := visitor{server: v.client.Server}
	if token := v.Identity.Token; token != nil {
		who.token = token.ID
	}
	switch {
	case v.byServer():
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
	if !who.server.IsZero() && !v.byServer() {
		found.interaction = identity.InteractionWithServer(who.server.User, who.server.Name)
	}
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
	if !due(&a.touched, now) {
		return
	}
	for _, name := range a.names {
		a.to.Touch(name, now)
	}
}

// Interact notes that a person does something.
func (a *activity) Interact(now time.Time) {
	if a.interaction != "" && due(&a.interacted, now) {
		a.to.Touch(a.interaction, now)
	}
}

// due says whether it is time to note something again, to one of all who ask.
func due(noted *atomic.Int64, now time.Time) bool {
	at, last := now.UnixNano(), noted.Load()
	return at-last >= int64(activityPause) && noted.CompareAndSwap(last, at)
}
