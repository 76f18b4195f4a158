package exchange

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/nexturl"
)

// Claims are the names under which a portal says what a token is worth: members of
// its answer, or claims of the JSON Web Token. A name with dots leads into objects,
// unless there is a claim of the whole name. An empty name is never looked for.
type Claims struct {
	// User is a text or a number. Required.
	User string
	// Groups is a list of texts, which replaces the groups of the user.
	Groups string
	// Admin is true or false.
	Admin string
	// Scopes limit the login: a list of texts, or one with spaces.
	Scopes string
	// Server is the name of a server of the user; empty is the default one.
	Server string
	// Next is where the login leads.
	Next string
	// AuthState is what is kept with the user, of any type.
	AuthState string
}

// limits of what one token may say; a portal that has gone wrong must not fill the
// store.
const (
	maxUser      = 255
	maxServer    = 255
	maxGroups    = 1000
	maxAuthState = 32 << 10
)

// arrival reads what the claims say. Whatever cannot be read refuses the token.
func (c Claims) arrival(claims map[string]any) (*Arrival, error) {
	a := new(Arrival)
	for _, read := range []func(Claims, map[string]any, *Arrival) error{
		readUser, readGroups, readAdmin, readScopes, readServer, readNext, readAuthState,
	} {
		if err := read(c, claims, a); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func readUser(c Claims, claims map[string]any, a *Arrival) error {
	value, _ := find(claims, c.User)
	switch user := value.(type) {
	case string:
		a.User = user
	case json.Number:
		a.User = user.String()
	}
	if a.User == "" || len(a.User) > maxUser {
		return refuse("it names no user")
	}
	return nil
}

func readGroups(c Claims, claims map[string]any, a *Arrival) (err error) {
	value, there := find(claims, c.Groups)
	if !there || value == nil {
		return nil
	}
	if a.Groups, err = texts(value); err != nil || len(a.Groups) > maxGroups {
		return refuse("its groups are no list of names")
	}
	return nil
}

func readAdmin(c Claims, claims map[string]any, a *Arrival) error {
	value, there := find(claims, c.Admin)
	if !there || value == nil {
		return nil
	}
	admin, is := value.(bool)
	if !is {
		return refuse("whether its user is an administrator is neither true nor false")
	}
	a.Admin = &admin
	return nil
}

// readScopes takes nothing for nothing: a claim that is there limits.
func readScopes(c Claims, claims map[string]any, a *Arrival) (err error) {
	value, there := find(claims, c.Scopes)
	if !there {
		return nil
	}
	if text, is := value.(string); is {
		a.Scopes = append([]string{}, strings.Fields(text)...)
		return nil
	}
	if a.Scopes, err = texts(value); err != nil || value == nil {
		return refuse("its scopes are no list of scopes")
	}
	return nil
}

func readServer(c Claims, claims map[string]any, a *Arrival) error {
	value, there := find(claims, c.Server)
	if !there || value == nil {
		return nil
	}
	server, is := value.(string)
	if !is || len(server) > maxServer || strings.Contains(server, "/") || server == "." || server == ".." {
		return refuse("the server that it names cannot be one")
	}
	a.Server = &server
	return nil
}

func readNext(c Claims, claims map[string]any, a *Arrival) error {
	value, there := find(claims, c.Next)
	if !there || value == nil {
		return nil
	}
	next, is := value.(string)
	if !is || len(next) > nexturl.MaxLength {
		return refuse("where it leads is no address")
	}
	a.Next = next
	return nil
}

func readAuthState(c Claims, claims map[string]any, a *Arrival) error {
	value, there := find(claims, c.AuthState)
	if !there || value == nil {
		return nil
	}
	state, err := json.Marshal(value)
	if err != nil || len(state) > maxAuthState {
		return refuse("what it wants remembered is too long")
	}
	a.AuthState = state
	return nil
}

// find looks for a claim by its whole name, then by the parts between dots.
func find(claims map[string]any, name string) (value any, there bool) {
	if name == "" {
		return nil, false
	}
	if value, there = claims[name]; there {
		return value, true
	}
	first, rest, dotted := strings.Cut(name, ".")
	if inner, is := claims[first].(map[string]any); dotted && is {
		return find(inner, rest)
	}
	return nil, false
}

// texts reads a list of texts, or one text as a list of it.
func texts(value any) ([]string, error) {
	if text, is := value.(string); is {
		return []string{text}, nil
	}
	list, is := value.([]any)
	if !is {
		return nil, ErrRefused
	}
	found := make([]string, 0, len(list))
	for _, element := range list {
		text, is := element.(string)
		if !is {
			return nil, ErrRefused
		}
		found = append(found, text)
	}
	return found, nil
}

func refuse(why string) error { return fmt.Errorf("%w: %s", ErrRefused, why) }
