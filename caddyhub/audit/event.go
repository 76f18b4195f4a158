package audit

import (
	"net/http"
	"net/netip"
	"time"
)

// Event is one change, or an attempt at one.
type Event struct {
	// Action is what was done, as "object.verb". Required.
	Action string
	// Actor is who did it.
	Actor Actor
	// Remote is the address of the client; invalid if there is none.
	Remote netip.Addr
	// Target is what it was done to.
	Target Target
	// Outcome of it; empty means what Status says.
	Outcome Outcome
	// Status is the HTTP status of the answer; zero if there was none.
	Status int
	// Details are what was asked for: strings, numbers, booleans and lists of
	// strings. What is in them is not secret.
	Details map[string]any
	// Reason is why the hub acted, or why it failed.
	Reason string
	// Took is how long it took; zero if that is of no interest.
	Took time.Duration
	// Routine marks what happens all the time and changes little, such as
	// reports of activity: it is logged at the level debug.
	Routine bool
}

// Actor is who acts. The zero Actor is the hub itself.
type Actor struct {
	Kind Kind
	// Name of a user or service.
	Name string
	// TokenID and SessionID name the credential; at most one is set.
	TokenID, SessionID string
}

// Kind is the kind of an actor.
type Kind string

// The kinds of actors.
const (
	// Hub acts by itself. The zero Kind.
	Hub Kind = ""
	// User and Service have a name.
	User    Kind = "user"
	Service Kind = "service"
	// Client is an OAuth client, which has a secret of its own.
	Client Kind = "client"
	// Anonymous has shown no valid credentials.
	Anonymous Kind = "anonymous"
	// Operator has access to Caddy's admin endpoint.
	Operator Kind = "operator"
)

// Target is what is acted on. Fields that do not apply are empty.
type Target struct {
	User string
	// Server is the name of the user's server; nil if no server is meant.
	Server   *string
	Group    string
	Service  string
	TokenID  string
	ClientID string
}

// ServerOf is the target that is a server.
func ServerOf(user, server string) Target { return Target{User: user, Server: &server} }

// Outcome is what came of an attempt.
type Outcome string

// The outcomes.
const (
	Success Outcome = "success"
	// Refused: the caller may not, or what was asked for makes no sense.
	Refused Outcome = "refused"
	// Failure: trouble of the hub, its store, or a server.
	Failure Outcome = "failure"
)

// Result is the stated outcome, or what the status tells.
func (e Event) Result() Outcome {
	switch {
	case e.Outcome != "":
		return e.Outcome
	case e.Status >= http.StatusInternalServerError:
		return Failure
	case e.Status >= http.StatusBadRequest:
		return Refused
	}
	return Success
}
