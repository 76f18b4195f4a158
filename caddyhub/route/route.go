package route

import (
	"encoding/json"
	"errors"
	"time"
)

// ErrInvalid says that a routespec or a target breaks the rules. It is the
// fault of whoever asked for the route: a 400.
var ErrInvalid = errors.New("route: invalid")

// Route sends what is below Spec to Target. A Route in a Table
// is shared by all readers and must not be changed.
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

	activity *Activity
}

// Activity is when the route was last used; nil unless the route is one of a
// Table. Its methods may be called on nil.
func (r *Route) Activity() *Activity { return r.activity }

// Foreign says that the route was added through the API of
// configurable-http-proxy, whose clients alone change it.
func (r *Route) Foreign() bool { return r.Data.Extra != nil }

// sameAs says that the other is the same route, read once more.
func (r *Route) sameAs(other *Route) bool {
	return r.Added.Equal(other.Added) && r.Target == other.Target
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
	// Public says that everybody reaches the service, known or not, and that it
	// finds out itself who they are.
	Public bool `json:"public,omitempty"`
	// Default marks the root that the configuration of a proxy has set.
	Default bool `json:"default,omitempty"`
	// Extra is the JSON object that a client of configurable-http-proxy's API
	// attached to the route, kept verbatim. Nil for a route that the hub made.
	Extra json.RawMessage `json:"extra,omitempty"`
}

// succeed takes over the activity of the route that was in the same place before,
// if it is the same route. Otherwise its activity begins when it was added.
func (r *Route) succeed(known *Route) {
	if known != nil && r.sameAs(known) {
		r.activity = known.activity
		return
	}
	r.activity = new(Activity)
	if !r.Added.IsZero() {
		r.activity.learn(r.Added.UnixMilli()) // it is in the route
	}
}
