package userlist

import (
	"sync/atomic"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
)

// State chooses users by their servers, as the parameter "state" of GET /users.
type State int

// The states. A server is active when it is ready or pending.
const (
	// Any is everybody.
	Any State = iota
	// Active: who has an active server.
	Active
	// Ready: who has a server that is ready.
	Ready
	// Inactive: who has no active server.
	Inactive
	states
)

// Entry is one user. It never changes: after a change of the user or of one of
// the servers there is another Entry in its place.
type Entry struct {
	// User without auth state.
	User identity.User
	// Servers as server.OfUser has them, the default server first; without
	// failures.
	Servers []server.Server

	states [states]bool
	// activity names that of the user and then of each server.
	activity []string
	kept     atomic.Pointer[any]
}

func newEntry(user identity.User, all []server.Server) *Entry {
	e := &Entry{User: user, Servers: server.OfUser(user, all)}
	e.states[Any], e.states[Inactive] = true, true
	e.activity = append(e.activity, identity.ActivityOfUser(user.Name))
	for _, s := range e.Servers {
		if s.Active() {
			e.states[Active], e.states[Inactive] = true, false
		}
		e.states[Ready] = e.states[Ready] || s.Ready
		e.activity = append(e.activity, identity.ActivityOfServer(s.User, s.Name))
	}
	return e
}

// Kept is what Keep was last given for this Entry; nil if nothing.
func (e *Entry) Kept() any {
	if value := e.kept.Load(); value != nil {
		return *value
	}
	return nil
}

// Keep remembers something that was made of this Entry as long as the Entry is
// in the list. There is one place; whoever uses it checks what is in it.
func (e *Entry) Keep(value any) { e.kept.Store(&value) }
