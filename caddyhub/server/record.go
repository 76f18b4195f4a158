package server

import (
	"encoding/json"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Pending is what is going on with a server, in the words of the REST API.
type Pending string

// The pending states (JupyterHub "7.1").
const (
	// PendingNone means that the server is ready or stopped.
	PendingNone Pending = ""
	// PendingSpawn means that it is being started.
	PendingSpawn Pending = "spawn"
	// PendingStop means that it is being stopped, or a start is being called off.
	PendingStop Pending = "stop"
	// PendingCheck means that it was ready before the hub went away and does
	// not answer now.
	PendingCheck Pending = "check"
)

// Server is a user's single-user server as the store has it.
type Server struct {
	// User and Name; Name is "" for the default server.
	User string `json:"user"`
	Name string `json:"name"`
	// UserNumber is identity.User.Number: the server of a user who was deleted
	// is not that of a later one of the same name.
	UserNumber uint64 `json:"user_number"`

	// Pending is what is going on; PendingSince is since when, in UTC.
	Pending      Pending   `json:"pending,omitempty"`
	PendingSince time.Time `json:"pending_since,omitzero"`
	// Ready says that the server answers and has its route. Never together
	// with Pending.
	Ready bool `json:"ready,omitempty"`
	// Remove says that the record goes when the stop has ended.
	Remove bool `json:"remove,omitempty"`

	// SpawnID names the last attempt to start the server, see spawner.Request.
	SpawnID string `json:"spawn_id,omitempty"`
	// State is the spawner's; nil when stopped.
	State json.RawMessage `json:"state,omitempty"`
	// URL is the origin where the hub reaches the server; empty when stopped
	// or not known yet.
	URL string `json:"url,omitempty"`
	// Route is the routespec under which the server is reached, as it was when
	// the start began.
	Route route.Spec `json:"route,omitzero"`
	// UserOptions are the user's choices at the last start that had any: a JSON
	// object, nil for none.
	UserOptions json.RawMessage `json:"user_options,omitempty"`

	// Created is when the record was, Started when the last start began, in UTC.
	Created time.Time `json:"created"`
	Started time.Time `json:"started,omitzero"`
	// Failure is why the last start failed; nil if it did not. While it is set,
	// nobody starts the server but by an explicit wish (JupyterHub "7.2").
	Failure *Failure `json:"failure,omitempty"`

	// ClientID and TokenID are those of the server at the OAuth provider and
	// among its user's API tokens; empty when stopped.
	ClientID string `json:"client_id,omitempty"`
	TokenID  string `json:"token_id,omitempty"`

	// Node is the one that started the server; it may be the only one that can
	// see it.
	Node string `json:"node,omitempty"`
	// Fence grows with every new owner of an operation on this server.
	Fence uint64 `json:"fence"`
	// Tried are the nodes that could not carry on the pending operation because
	// the server is on another machine (spawner.ErrElsewhere).
	Tried []string `json:"tried,omitempty"`
}

// Failure is why a start did not end well.
type Failure struct {
	// At is when, in UTC.
	At time.Time `json:"at"`
	// Reason is the kind of failure, as metrics count it.
	Reason spawner.Reason `json:"reason"`
	// Status is the HTTP status to answer with, 400 or more.
	Status int `json:"status"`
	// Message is plain text for the user, without secrets.
	Message string `json:"message"`
	// HTML is markup by the spawner to show in place of Message; may be empty.
	HTML string `json:"html,omitempty"`
	// Log are the last lines that the server wrote, oldest first: bounded,
	// hostile text, to be escaped.
	Log []string `json:"log,omitempty"`
}

// Cancelled says that the start was called off by somebody.
func (f *Failure) Cancelled() bool { return f.Reason == spawner.ReasonCancelled }

// Active says whether the server is ready or pending (JupyterHub "7.1").
func (s Server) Active() bool { return s.Ready || s.Pending != PendingNone }

// Stopped is the opposite of Active.
func (s Server) Stopped() bool { return !s.Active() }

// FullName is "user/name", with the slash also for the default server: the
// server of scopes and of the REST API.
func (s Server) FullName() string { return s.User + "/" + s.Name }

// LogName is "user:name", or "user" for the default server: the server of
// messages.
func (s Server) LogName() string { return logName(s.User, s.Name) }

// Ref is how the spawner knows the server.
func (s Server) Ref() spawner.Ref {
	return spawner.Ref{User: s.User, Server: s.Name, SpawnID: s.SpawnID, State: s.State}
}

func (s Server) id() string { return store.Join(s.User, s.Name) }

func logName(user, name string) string {
	if name == "" {
		return user
	}
	return user + ":" + name
}

// KindServer is the kind of the records of servers, for those who follow the
// store's feed; ids are store.Join(user, name).
const KindServer = "server"

// Kinds of the indexes of servers, with the same ids: KindActive has a record
// for each server that is ready or pending, KindPending for each that is pending.
const (
	KindActive  = "server_active"
	KindPending = "server_pending"
)

var (
	servers = store.Collection[Server]{Kind: KindServer}
	// pendingServers and activeServers index servers by their state. Limits
	// count them inside the transaction that adds one.
	pendingServers = store.Collection[Pending]{Kind: KindPending}
	activeServers  = store.Collection[struct{}]{Kind: KindActive}
)

// put writes a server and keeps the indexes true.
func put(w store.Writer, s Server) error {
	if err := servers.Put(w, s.id(), s, time.Time{}); err != nil {
		return err
	}
	return index(w, s.id(), s.Pending, s.Active())
}

// remove forgets a server.
func remove(w store.Writer, s Server) error {
	if err := index(w, s.id(), PendingNone, false); err != nil {
		return err
	}
	if err := progresses.Delete(w, s.id()); err != nil {
		return err
	}
	return servers.Delete(w, s.id())
}

func index(w store.Writer, id string, pending Pending, active bool) error {
	var err error
	if pending == PendingNone {
		err = pendingServers.Delete(w, id)
	} else {
		err = pendingServers.Put(w, id, pending, time.Time{})
	}
	if err != nil {
		return err
	}
	if !active {
		return activeServers.Delete(w, id)
	}
	return activeServers.Put(w, id, struct{}{}, time.Time{})
}
