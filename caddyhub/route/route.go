package route

import (
	"encoding/json"
	"errors"
)

// ErrInvalid says that a routespec or a target breaks the rules. It is the
// fault of whoever asked for the route: a 400.
var ErrInvalid = errors.New("route: invalid")

// Route sends what is below Spec to Target, path unchanged. A Route in a Table
// is shared by all readers and must not be changed.
type Route struct {
	// Spec is where the route begins; it is also its id.
	Spec Spec `json:"spec"`
	// Target is the origin of the upstream.
	Target Target `json:"target"`
	// Data says what is behind the route.
	Data Data `json:"data"`
}

// Data says what is behind a route, in the words of JupyterHub's proxy contract.
type Data struct {
	// Hub marks the route to a hub of its own process.
	Hub bool `json:"hub,omitempty"`
	// User owns the single-user server behind the route. Empty: not a server.
	User string `json:"user,omitempty"`
	// ServerName is the name of User's server. Empty: the default server.
	ServerName string `json:"server_name,omitempty"`
	// Service is the name of the service behind the route. Empty: not a service.
	Service string `json:"service,omitempty"`
	// Extra holds what others attached to the route, kept verbatim.
	Extra map[string]json.RawMessage `json:"extra,omitempty"`
}
