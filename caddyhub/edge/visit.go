package edge

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// visit is everything that was found out about one request.
type visit struct {
	browser.Visit
	path     gate.Path
	request  gate.Request
	subject  gate.Subject
	resource gate.Resource
	// route is where the request goes if it is allowed; nil if nowhere.
	route *route.Route
	// client is what is visited, in the terms of scopes.
	client scope.Client
}

func (v *visit) decide(links gate.Links) gate.Decision {
	return gate.Decide(v.request, v.subject, v.resource, links)
}

// look finds out what the gate needs to know.
func (e *Edge) look(r *http.Request) *visit {
	v := new(visit)
	var pathError error
	v.path, pathError = gate.Canonical(r, string(e.options.Base))
	v.request = gate.Request{
		Class: gate.Classify(r, v.path), Method: r.Method, URI: r.URL.RequestURI(), PathError: pathError,
	}
	if pathError != nil {
		return v
	}
	e.lookAtSubject(r, v)
	e.lookAtTarget(r.Context(), r.Host, v)
	if v.Identity != nil {
		v.subject.XSRF = e.options.Browser.XSRF(r, v.Visit, gate.AreaServer, e.prefix(v))
		v.subject.Access = e.access(r.Context(), v)
	}
	return v
}

func (e *Edge) lookAtSubject(r *http.Request, v *visit) {
	found, err := e.options.Browser.Identify(r)
	v.Visit = found
	v.subject.Ambiguous = found.Credentials.Ambiguous
	v.subject.ByCookie = found.ByCookie
	v.subject.SameOrigin = gate.NewOrigins(e.options.Browser.Origin(r)).Same(r)
	switch {
	case err != nil:
		v.subject.Identity = gate.IdentityUnavailable
		e.log.ErrorContext(r.Context(), "request not identified", "error", err)
	case found.Identity != nil:
		v.subject.Identity = gate.IdentityVerified
	}
}

// lookAtTarget finds out what stands behind the path.
func (e *Edge) lookAtTarget(ctx context.Context, host string, v *visit) {
	if found, ok := e.options.Routes.Table().Lookup(host, v.path.String()); ok && e.routed(found) {
		v.toRoute(found)
		return
	}
	if v.path.Segment(0) == "user" && v.path.Segment(1) != "" {
		e.lookAtServer(ctx, v)
	}
}

// routed says whether a route is one that this gate has rules for.
func (e *Edge) routed(found *route.Route) bool {
	return found.Data.User != "" || found.Data.Service != ""
}

func (v *visit) toRoute(found *route.Route) {
	v.route = found
	v.resource.State = gate.StateReady
	if found.Data.User == "" {
		v.client = scope.Client{Service: found.Data.Service}
		v.resource.Scopes = []string{"access:services!service=" + found.Data.Service}
		return
	}
	v.toServer(found.Data.User, found.Data.ServerName)
}

func (v *visit) toServer(user, name string) {
	v.client = scope.Client{Server: scope.Server{User: user, Name: name}}
	v.resource.Owner, v.resource.ServerName = user, name
	v.resource.Scopes = []string{"access:servers!server=" + v.client.Server.String()}
}

// lookAtServer asks the store about a server that has no route here: it may not
// be running, or its route may not have arrived at this node yet.
func (e *Edge) lookAtServer(ctx context.Context, v *visit) {
	user := v.path.Segment(1)
	found, err := e.findServer(ctx, user, v.path.Segment(2))
	v.toServer(user, found.Name)
	switch {
	case errors.Is(err, server.ErrUser), errors.Is(err, server.ErrNotFound):
		v.resource.State = gate.StateAbsent
	case err != nil:
		v.resource.State = gate.StateUnavailable
		e.log.ErrorContext(ctx, "server not looked up", "user", user, "error", err)
	case found.Ready:
		e.catchUp(ctx, v, found)
	case found.Pending == server.PendingSpawn, found.Failure != nil && found.Pending == server.PendingNone:
		v.resource.State = gate.StatePending
	default:
		v.resource.State = gate.StateStopped
	}
}

// findServer is the server that a path is about: the one that the first segment
// below the user names, if there is one, else the default server.
func (e *Edge) findServer(ctx context.Context, user, name string) (server.Server, error) {
	if e.options.NamedServers && name != "" {
		found, err := e.options.Servers.Get(ctx, user, name)
		if err == nil || !errors.Is(err, server.ErrNotFound) {
			return found, err
		}
	}
	return e.options.Servers.Get(ctx, user, "")
}

// catchUp reads the route of a server that the store says is ready.
func (e *Edge) catchUp(ctx context.Context, v *visit, found server.Server) {
	v.resource.State = gate.StateUnavailable
	spec, err := route.ParseSpec(e.options.Base.Server(found.User, found.Name))
	if err != nil {
		return
	}
	if err := e.options.Routes.Apply(ctx, spec); err != nil {
		return
	}
	if known, ok := e.options.Routes.Table().Get(spec); ok {
		v.toRoute(known)
	}
}

// access asks the scopes of a verified identity.
func (e *Edge) access(ctx context.Context, v *visit) gate.Access {
	name, on := "access:servers", scope.OnServer(v.client.Server.User, v.client.Server.Name)
	if v.client.Service != "" {
		name, on = "access:services", scope.OnService(v.client.Service)
	} else if v.client.Server.IsZero() {
		return gate.AccessNone
	}
	var granted scope.Access
	err := e.options.Directory.Store().View(ctx, func(r store.Reader) error {
		granted = v.Identity.Scopes.Check(name, on, identity.GroupsOf(r))
		return nil
	})
	switch {
	case err != nil:
		return gate.AccessUnavailable
	case granted == scope.Granted:
		return gate.AccessGranted
	case granted == scope.Elsewhere:
		return gate.AccessElsewhere
	}
	return gate.AccessNone
}

// prefix is the path that belongs to what is visited: cookies and XSRF tokens
// are good for it and nothing else.
func (e *Edge) prefix(v *visit) string {
	switch {
	case v.route != nil:
		return v.route.Spec.Path()
	case v.client.Service != "":
		return e.options.Base.Service(v.client.Service)
	case !v.client.Server.IsZero():
		return e.options.Base.Server(v.client.Server.User, v.client.Server.Name)
	}
	return string(e.options.Base)
}
