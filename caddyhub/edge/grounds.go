package edge

import (
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// grounds are what the decision that let a WebSocket in hangs on, so that a change
// brings up those sockets alone that it may end.
type grounds struct {
	// on are names of what a change may be about, see groundsOf and concerning.
	on []string
	// due is when a credential ends by itself unless it is prolonged; zero if none
	// does.
	due time.Time
}

// Kinds of names, in front of what they name.
const (
	onUser    = "user "
	onGroup   = "group "
	onService = "service "
	onSession = "session "
	onToken   = "token "
)

// groundsOf are those of who opened a socket, nil for nobody known, to a server of
// owner, empty if it leads to none. now is the time by the clock of credentials.
func groundsOf(opener *identity.Identity, owner string, now time.Time) grounds {
	var g grounds
	if owner != "" {
		g.on = append(g.on, onUser+owner)
	}
	if opener == nil {
		return g
	}
	if until := g.opened(opener, owner); !until.IsZero() {
		g.due = time.Now().Add(until.Sub(now))
	}
	return g
}

// opened adds what hangs on who opened the socket, and says when that ends.
func (g *grounds) opened(opener *identity.Identity, owner string) time.Time {
	var first time.Time
	ends := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if user := opener.User; user != nil {
		if user.Name != owner {
			g.on = append(g.on, onUser+user.Name)
		}
		for _, group := range user.Groups {
			g.on = append(g.on, onGroup+group)
		}
	}
	if service := opener.Service; service != nil {
		g.on = append(g.on, onService+service.Name)
	}
	if session := opener.Session; session != nil {
		g.on = append(g.on, onSession+session.ID)
		ends(session.Expires)
	}
	if token := opener.Token; token != nil {
		g.on = append(g.on, onToken+token.ID)
		ends(token.Expires)
	}
	if grant := opener.Grant; grant != nil {
		for _, session := range []string{grant.SessionID, grant.Beside} {
			if session != "" {
				g.on = append(g.on, onSession+session)
			}
		}
		ends(time.Unix(grant.Expires, 0))
	}
	if visitor := opener.Visitor; visitor != nil {
		ends(time.Unix(visitor.Expires, 0))
	}
	return first
}

// concerning says what a change is about. all means that it may concern everybody;
// an empty name, that it concerns no socket.
func concerning(change store.Change) (name string, all bool) {
	switch change.Key.Kind {
	case identity.KindUser, identity.KindGroup, identity.KindService,
		identity.KindSessionOfUser, identity.KindTokenOfOwner:
	case identity.KindRole:
		return "", true
	default:
		return "", false
	}
	parts, err := store.Split(change.Key.ID)
	if err != nil {
		return "", true
	}
	switch change.Key.Kind {
	case identity.KindUser:
		return onUser + parts[0], false
	case identity.KindGroup:
		return onGroup + parts[0], false
	case identity.KindService:
		return onService + parts[0], false
	case identity.KindSessionOfUser:
		return onSession + parts[len(parts)-1], false
	}
	token, ok := identity.TokenOfIndex(change.Key.ID)
	return onToken + token, !ok
}
