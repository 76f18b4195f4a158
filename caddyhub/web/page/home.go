package page

import "time"

// Home is the control panel: the default server, and the named ones.
type Home struct {
	// Server is the default server.
	Server Server

	// NamedServers says whether there are any; without it the fields below are
	// not used.
	NamedServers bool

	// Servers are the named servers.
	Servers []Server

	// Limit is how many named servers a user may have. Zero: any number.
	Limit int

	// NewServerURL takes a post of the field server_name, and starts a server
	// with that name. Empty: the form is not shown.
	NewServerURL string

	// Shared are other people's servers that the user may open.
	Shared []SharedServer
}

// Full says whether the limit leaves no room for another named server.
func (v Home) Full() bool { return v.Limit > 0 && len(v.Servers) >= v.Limit }

func (Home) template() string { return "home" }

// Server is one of the visitor's servers.
type Server struct {
	// Name is empty for the default server.
	Name string

	// State is what the server does now.
	State ServerState

	// URL opens the running server.
	URL string

	// StartURL starts it, by GET ({hub}spawn/USER/NAME).
	StartURL string

	// PendingURL shows the progress of a start or a stop
	// ({hub}spawn-pending/USER/NAME).
	PendingURL string

	// StopURL and DeleteURL take a post. Empty: no such button. Only a stopped
	// named server shows Delete.
	StopURL, DeleteURL string

	// APIURL is the server in the REST API ({hub}api/users/USER/servers/NAME).
	// With it the page stops the server in place and waits for the end.
	APIURL string

	// LastActivity of the server. Zero: never.
	LastActivity time.Time
}

// ServerState is what a server does now. The zero value is Stopped.
type ServerState string

// The states of a server, as people see them.
const (
	Stopped  ServerState = ""
	Starting ServerState = "starting"
	Running  ServerState = "running"
	Stopping ServerState = "stopping"
)

// Label is the state in words.
func (s ServerState) Label() string {
	switch s {
	case Starting:
		return "Starting"
	case Running:
		return "Running"
	case Stopping:
		return "Stopping"
	default:
		return "Stopped"
	}
}

// Class is the name of the state in the stylesheet.
func (s ServerState) Class() string {
	switch s {
	case Starting, Running, Stopping:
		return string(s)
	default:
		return "stopped"
	}
}

// Active says whether there is something to stop.
func (s ServerState) Active() bool { return s == Running || s == Starting }

// SharedServer is a server of somebody else that was shared with the visitor.
type SharedServer struct {
	Owner, Name string
	URL         string
	Running     bool
}
