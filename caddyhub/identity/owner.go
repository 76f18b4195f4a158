package identity

import (
	"errors"
	"sync/atomic"

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
	// Grant is set if the request came with a grant cookie, or with a visitor token
	// made of that grant. Token is then the one that the grant was made of, if it
	// was one of the store.
	Grant *Grant

	// activities are those of Activities; nil until the identity is remembered.
	activities []string
	// kept is where Keep keeps; nil unless the identity is remembered.
	kept *atomic.Pointer[any]
}

// Activities names what is active when a request has this identity (JupyterHub
// "Authentication of a request"): the token and its user, unless it is the token
// that a single-user server itself has. The list must not be changed.
func (i *Identity) Activities() []string {
	if i.activities != nil {
		return i.activities
	}
	names := []string{}
	if i.Token != nil {
		names = append(names, ActivityOfToken(i.Token.ID))
	}
	if i.User != nil && (i.Token == nil || !i.Token.OfServer()) {
		names = append(names, ActivityOfUser(i.User.Name))
	}
	return names
}

// Keep remembers something that was made of this identity, for the next request
// with the same credential. It is forgotten as soon as the credential is worth
// anything else. There is one place; whoever uses it checks what is in it.
func (i *Identity) Keep(value any) {
	if i.kept != nil {
		i.kept.Store(&value)
	}
}

// Kept is what Keep was last given; nil if nothing.
func (i *Identity) Kept() any {
	if i.kept == nil {
		return nil
	}
	if value := i.kept.Load(); value != nil {
		return *value
	}
	return nil
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

// CookieID names the cookie that says who this is: a session's or a grant's. Proofs
// that a page sent a request are signed for it. Empty if no cookie can say so.
func (i *Identity) CookieID() string {
	switch {
	case i.Grant != nil:
		return "grant " + i.Grant.ID
	case i.Session != nil:
		return i.Session.ID
	}
	return ""
}

// Admin says whether the owner is an administrator and may act as one. Rights
// come from scopes; the few places where JupyterHub asks for the flag itself use
// this.
func (i *Identity) Admin() bool {
	return i.User != nil && i.User.Admin && !i.Limited() || i.Service != nil && i.Service.Admin
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
