package identity

import (
	"context"
	"errors"
	"log/slog"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Owner names the user or the service that a token belongs to. Exactly one
// field is set.
type Owner struct {
	User    string `json:"user,omitempty"`
	Service string `json:"service,omitempty"`
}

// UserOwner is the owner who is this user.
func UserOwner(name string) Owner { return Owner{User: name} }

// ServiceOwner is the owner that is this service.
func ServiceOwner(name string) Owner { return Owner{Service: name} }

// Name of the user or service.
func (o Owner) Name() string {
	if o.User != "" {
		return o.User
	}
	return o.Service
}

// Kind is "user" or "service", as the REST API says.
func (o Owner) Kind() string {
	if o.User != "" {
		return "user"
	}
	return "service"
}

// under is the prefix of index records of this owner.
func (o Owner) under() string { return store.Under(o.Kind(), o.Name()) }

// Identity is who a request comes from and what it may do.
type Identity struct {
	Owner
	// User is set if the owner is one.
	User *User
	// Service is set if the owner is one.
	Service *Service
	// Scopes are all that the credential may do, expanded and resolved.
	Scopes scope.Set
	// Token is set if the request came with an API or OAuth token.
	Token *Token
	// Session is set if the request came with the session cookie, or with a
	// visitor token made of that session.
	Session *Session
	// Visitor is set if the request came with a visitor token.
	Visitor *Visitor
}

// BrowserSession is the id that ties tokens to a login in one browser
// (JupyterHub's session id); empty if the credential has none.
func (i *Identity) BrowserSession() string {
	switch {
	case i.Session != nil:
		return i.Session.BrowserSession
	case i.Token != nil:
		return i.Token.BrowserSession
	}
	return ""
}

// Admin says whether the owner is an administrator. Rights come from scopes;
// the few places where JupyterHub asks for the flag itself use this.
func (i *Identity) Admin() bool {
	return i.User != nil && i.User.Admin || i.Service != nil && i.Service.Admin
}

// GroupsOf is the lookup of a user's groups that scope checks need.
func GroupsOf(r store.Reader) scope.GroupsOf {
	return func(user string) []string {
		found, err := GetUser(r, user)
		if err != nil {
			// A filter that cannot be resolved grants nothing.
			return nil
		}
		return found.Groups
	}
}

// userScopes are the effective scopes of a user: of the own roles and of the
// roles of all groups.
func (d *Directory) userScopes(r store.Reader, user User) (scope.Set, error) {
	names := user.RoleNames()
	for _, name := range user.Groups {
		group, found, err := groups.Find(r, store.Join(name))
		if err != nil {
			return scope.Set{}, err
		}
		if found {
			names = append(names, group.Roles...)
		}
	}
	raw, err := scopesOfRoles(r, names)
	if err != nil {
		return scope.Set{}, err
	}
	return d.expand(raw, scope.Owner{User: user.Name}), nil
}

func (d *Directory) serviceScopes(r store.Reader, service Service) (scope.Set, error) {
	names := service.Roles
	if service.Admin {
		names = append([]string{RoleAdmin}, names...)
	}
	raw, err := scopesOfRoles(r, names)
	if err != nil {
		return scope.Set{}, err
	}
	return d.expand(raw, scope.Owner{Service: service.Name}), nil
}

// OwnerScopes are the effective scopes of a user or service, inside a
// transaction. ErrNotFound if there is none of that name.
func (d *Directory) OwnerScopes(r store.Reader, owner Owner) (scope.Set, error) {
	if owner.User != "" {
		user, err := GetUser(r, owner.User)
		if err != nil {
			return scope.Set{}, err
		}
		return d.userScopes(r, user)
	}
	service, err := GetService(r, owner.Service)
	if err != nil {
		return scope.Set{}, err
	}
	return d.serviceScopes(r, service)
}

// expand never fails for the sake of one bad scope: a role that names a scope
// which no longer exists gives its other scopes.
func (d *Directory) expand(raw []string, owner scope.Owner) scope.Set {
	set, dropped, err := d.Definitions().Expand(raw, owner)
	d.logDropped(slog.LevelWarn, owner, dropped, err)
	return set
}

// cut is what a token with these scopes may do of what its owner may.
func (d *Directory) cut(raw []string, owner scope.Owner, held scope.Set, groups scope.GroupsOf) scope.Set {
	set, dropped, err := d.Definitions().Token(raw, owner, held, groups)
	d.logDropped(slog.LevelDebug, owner, dropped, err)
	return set
}

func (d *Directory) logDropped(level slog.Level, owner scope.Owner, dropped []scope.Dropped, err error) {
	if len(dropped) == 0 && err == nil || !d.log.Enabled(context.Background(), level) {
		return
	}
	d.log.Log(context.Background(), level, "scopes without effect were dropped",
		"user", owner.User, "service", owner.Service, "dropped", dropped, "error", err)
}

// scopeOwner is for whom scopes are expanded that this client was given.
func (o Owner) scopeOwner(client scope.Client) scope.Owner {
	return scope.Owner{User: o.User, Service: o.Service, Client: client}
}

// found turns ErrNotFound into a boolean.
func found[T any](value T, err error) (T, bool, error) {
	if errors.Is(err, ErrNotFound) {
		return value, false, nil
	}
	return value, err == nil, err
}
