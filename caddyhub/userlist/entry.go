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
	// User without auth state; HasAuthState says whether there is any.
	User         identity.User
	HasAuthState bool
	// Servers as server.OfUser has them, the default server first; without
	// failures.
	Servers []server.Server

	states [states]bool
	// activity names that of the user and then of each server.
	activity []string
	kept     atomic.Pointer[any]
}

func newEntry(user identity.User, all []server.Server) *Entry {
	e := &Entry{User: user, HasAuthState: len(user.SealedAuthState) > 0}
	e.User.SealedAuthState = nil
	return e.with(all)
}

// with is the entry of the same user with these servers.
func (e *Entry) with(all []server.Server) *Entry {
	made := &Entry{User: e.User, HasAuthState: e.HasAuthState, Servers: server.OfUser(e.User, all)}
	made.states[Any], made.states[Inactive] = true, true
	made.activity = append(make([]string, 0, 1+len(made.Servers)), identity.ActivityOfUser(e.User.Name))
	for _, s := range made.Servers {
		if s.Active() {
			made.states[Active], made.states[Inactive] = true, false
		}
		made.states[Ready] = made.states[Ready] || s.Ready
		made.activity = append(made.activity, identity.ActivityOfServer(s.User, s.Name))
	}
	return made
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
