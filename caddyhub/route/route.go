package route

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrInvalid says that a routespec or a target breaks the rules. It is the
// fault of whoever asked for the route: a 400.
var ErrInvalid = errors.New("route: invalid")

// Route sends what is below Spec to Target. In a Table it is an Entry.
type Route struct {
	// Spec is where the route begins; it is also its id.
	Spec Spec `json:"spec"`
	// Target is the origin of the upstream.
	Target Target `json:"target"`
	// Data says what is behind the route.
	Data Data `json:"data"`
	// Added is when the route was added through the API of
	// configurable-http-proxy; zero if the hub made it itself.
	Added time.Time `json:"added,omitzero"`
}

// Foreign says that the route was added through the API of
// configurable-http-proxy, whose clients alone change it.
func (r *Route) Foreign() bool { return r.Data.Extra != "" }

// valid says whether a Table takes the route.
func (r *Route) valid() bool {
	return !r.Spec.IsZero() && !r.Target.IsZero() &&
		max(len(r.Data.User), len(r.Data.ServerName), len(r.Data.Service)) <= MaxNameLength
}

// Data says what is behind a route, in the words of JupyterHub's proxy contract.
type Data struct {
	// Hub marks the route to a hub of its own process.
	Hub bool `json:"hub,omitempty"`
	// User owns the single-user server behind the route. Empty: not a server. This
	// and the other names have at most MaxNameLength.
	User string `json:"user,omitempty"`
	// ServerName is the name of User's server. Empty: the default server.
	ServerName string `json:"server_name,omitempty"`
	// Service is the name of the service behind the route. Empty: not a service.
	Service string `json:"service,omitempty"`
	// Public says that everybody reaches the service, known or not, and that it
	// finds out itself who they are.
	Public bool `json:"public,omitempty"`
	// Default marks the root that the configuration of a proxy has set.
	Default bool `json:"default,omitempty"`
	// Extra is the JSON object that a client of configurable-http-proxy's API
	// attached to the route. Empty for a route that the hub made.
	Extra Object `json:"extra,omitempty"`
}

// Object is the text of a JSON object.
type Object string

// MarshalJSON writes the object.
func (o Object) MarshalJSON() ([]byte, error) {
	if o == "" {
		return nil, fmt.Errorf("%w: an empty text is no object", ErrInvalid)
	}
	return []byte(o), nil
}

// UnmarshalJSON reads an object, verbatim. Null is none.
func (o *Object) UnmarshalJSON(text []byte) error {
	switch {
	case string(text) == "null":
		*o = ""
	case len(text) == 0 || text[0] != '{':
		return fmt.Errorf("%w: want an object", ErrInvalid)
	default:
		*o = Object(text)
	}
	return nil
}

var (
	_ json.Marshaler   = Object("")
	_ json.Unmarshaler = (*Object)(nil)
)
