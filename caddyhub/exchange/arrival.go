package exchange

import (
	"encoding/json"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// Arrival is what a token was worth.
type Arrival struct {
	// ID names the token in logs. It is made of a hash: nobody gets in with it.
	ID string `json:"id"`
	// User as the portal calls them; the rules of the hub make a name of it.
	User string `json:"user"`
	// Admin, Groups and AuthState as in authenticator.Identity.
	Admin     *bool           `json:"admin,omitempty"`
	Groups    []string        `json:"groups"`
	AuthState json.RawMessage `json:"auth_state,omitempty"`
	// Scopes limit the login; nil is no limit, empty is a login for nothing.
	Scopes []string `json:"scopes"`
	// Server is the name of the server to go to, empty for the default one; nil if
	// the token names none. OnlyServer limits the login to it.
	Server     *string `json:"server,omitempty"`
	OnlyServer bool    `json:"only_server,omitempty"`
	// Next is where to go, as the portal says and nobody has checked.
	Next string `json:"next,omitempty"`
	// At is the path that the token was brought to, while the arrival is held.
	At string `json:"at,omitempty"`
}

// Identity is the arrival for the rules of the hub.
func (a *Arrival) Identity() authenticator.Identity {
	return authenticator.Identity{Name: a.User, Admin: a.Admin, Groups: a.Groups, AuthState: a.AuthState}
}

// Limit is what the login of this user, named as in the hub, may do; nil for all
// that the user may.
func (a *Arrival) Limit(user string) *identity.Limit {
	switch {
	case a.OnlyServer && a.Server != nil:
		// To start it again as well: it may have been stopped meanwhile.
		on := "!server=" + user + "/" + *a.Server
		return &identity.Limit{Scopes: []string{"access:servers" + on, "servers" + on}}
	case a.OnlyServer:
		return &identity.Limit{Scopes: []string{}}
	case a.Scopes != nil:
		return &identity.Limit{Scopes: a.Scopes}
	}
	return nil
}

// ServerURL is where the server is that the token names; ok is false if it names
// none.
func (a *Arrival) ServerURL(base hubpath.Base, user string) (url string, ok bool) {
	if a.Server == nil {
		return "", false
	}
	return base.Server(user, *a.Server), true
}

// maxScopes bounds what one token can limit a login to.
const maxScopes = identity.MaxLimitScopes

// checkScopes refuses scopes that do not exist: dropped later, they would make a
// login that is good for less than the portal meant, and nobody would know why.
func checkScopes(definitions *scope.Definitions, scopes []string) error {
	if len(scopes) > maxScopes {
		return refuse("it has more scopes than 100")
	}
	if err := definitions.Validate(scopes); err != nil {
		return refuse("its scopes are not those of the hub")
	}
	return nil
}
