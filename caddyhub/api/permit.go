package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
)

// who says who may call an endpoint.
type who int

const (
	// scoped: who holds one of the scopes on the resource. The zero value, so
	// that an endpoint that says nothing is closed.
	scoped who = iota
	// listing: who holds the scope anywhere; the answer is filtered.
	listing
	// identified: everybody who says who they are; nothing is checked here, the
	// endpoint does it.
	identified
	// anybody: credentials are not looked at.
	anybody
)

// on is the resource that scopes are checked on.
type on int

const (
	// onHub: scopes without a filter.
	onHub on = iota
	// the others: what the path names.
	onUser
	onServer
	onGroup
	onService
)

// permit is who may call an endpoint.
type permit struct {
	who who
	on  on
	// scopes of which one is enough.
	scopes []string
}

// need permits those who hold one of the scopes on a resource.
func need(on on, scopes ...string) permit { return permit{on: on, scopes: scopes} }

// check is JupyterHub's decision, with its two ways to refuse (section 0.3).
func (p permit) check(c *call) error {
	if p.who == identified {
		return nil
	}
	if c.identity == nil {
		if err := c.options.Browser.CheckForeign(c.r, gate.AreaAPI); err != nil {
			return err
		}
		return refuse(http.StatusForbidden, "Missing or invalid credentials.")
	}
	if p.who == listing {
		if _, held := c.scopes.Filters(p.scopes[0]); held {
			return nil
		}
		return p.denied()
	}
	switch access := c.scopes.CheckAny(p.resource(c), c.groups.of, p.scopes...); {
	case access == scope.Granted:
		return nil
	case c.groups.err != nil:
		// Nobody knows whether a filter reaches the resource.
		return c.groups.err
	case access == scope.Elsewhere:
		return refuse(http.StatusNotFound, "No access to resources or resources not found")
	}
	return p.denied()
}

func (p permit) denied() error {
	return refuse(http.StatusForbidden, "Action is not authorized with current scopes; requires any of [%s]",
		strings.Join(p.scopes, ", "))
}

func (p permit) resource(c *call) scope.Resource {
	switch p.on {
	case onUser:
		return scope.OnUser(c.user)
	case onServer:
		return scope.OnServer(c.user, c.server)
	case onGroup:
		return scope.OnGroup(c.group)
	case onService:
		return scope.OnService(c.service)
	}
	return scope.Resource{}
}

// may says whether the caller holds a scope on a resource.
func (c *call) may(name string, on scope.Resource) bool {
	return c.scopes.Check(name, on, c.groups.of) == scope.Granted
}

// memberships looks up groups of users for scope checks, each user once. A user
// whose groups cannot be read is in none; err says so.
type memberships struct {
	directory *identity.Directory
	ctx       context.Context
	// user is whom most requests are about, and groups are theirs; known are the
	// groups of others.
	user   string
	groups []string
	known  map[string][]string
	err    error
}

// of implements scope.GroupsOf.
func (m *memberships) of(user string) []string {
	if user == m.user && user != "" {
		return m.groups
	}
	if groups, known := m.known[user]; known {
		return groups
	}
	found, err := m.directory.User(m.ctx, user)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		m.err = err
		return nil
	}
	m.learn(found, user)
	return found.Groups
}

// learn spares the look-up of a user who is known already.
func (m *memberships) learn(user identity.User, name string) {
	if m.user == "" || m.user == name {
		m.user, m.groups = name, user.Groups
		return
	}
	if m.known == nil {
		m.known = make(map[string][]string)
	}
	m.known[name] = user.Groups
}
